"""From rounds to a table, a file of figures, and a comparison with one."""
import statistics


class Measured:
    """One line of the table: its rounds' median and spread."""

    def __init__(self, row, rounds):
        self.row, self.goal = row, rounds[0].goal
        self.values = [r.value for r in rounds]
        self.figures = {name: [r.figures[name] for r in rounds] for name in rounds[0].figures}
        self.value = statistics.median(self.values)
        self.met = self.goal.met(self.value)
        self.name = f"{self.goal.work}: {self.goal.text}"


def number(x):
    if x == 0:
        return "0"
    if abs(x) >= 100:
        return f"{x:,.0f}"
    return f"{x:.3g}" if abs(x) < 10 else f"{x:.1f}"


def with_spread(values):
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}–{number(max(values))})"


def table(about, measured, left_out, failed):
    lines = [f"{about['machine']}; commit {about['commit']}; logs of {about['size_mib']:g} MiB, seed {about['seed']}; "
             f"medians of {about['rounds']} rounds (least–most); MB/s are per second of processor time, but where wall is said", "",
             "| row | work | goal | measured | met | figures |", "|---|---|---|---|---|---|"]
    for m in measured:
        figures = "; ".join(f"{name} {with_spread(values)}" for name, values in m.figures.items())
        lines.append(f"| {m.row} | {m.goal.work} | {m.goal.text} | {with_spread(m.values)} {m.goal.unit} | {'yes' if m.met else '**no**'} | {figures} |")
    lines += [f"| {name} | left out: {reason} | | | | |" for name, reason in left_out.items()]
    lines += [f"\nFAILED {name}: {reason}" for name, reason in failed.items()]
    return "\n".join(lines)


def saved(about, measured):
    return {**about, "rows": {m.name: {"row": m.row, "value": m.value, "values": m.values, "met": m.met, "figures": m.figures} for m in measured}}


def ratio(now, before):
    return "–" if before == 0 else f"{now / before:.3f}"


def comparison(before, measured):
    """Each value and figure over the saved one: what is a speed is better above 1, what is a cost below."""
    lines = [f"\nratios to commit {before['commit']} ({before['machine']}, {before['size_mib']:g} MiB)", "",
             "| row | work | measured now / then | figures now / then |", "|---|---|---|---|"]
    for m in measured:
        old = before["rows"].get(m.name)
        if not old:
            lines.append(f"| {m.row} | {m.goal.work} | not in the file | |")
            continue
        figures = "; ".join(f"{name} {ratio(statistics.median(values), statistics.median(old['figures'][name]))}"
                            for name, values in m.figures.items() if name in old["figures"])
        lines.append(f"| {m.row} | {m.goal.work} | {ratio(m.value, old['value'])} | {figures} |")
    return "\n".join(lines)
