"""The rows about an agent that runs on: what it costs when nothing happens, how soon a line is on the wire, and how cost grows
with files and with bytes that were read before."""
import os
import statistics
import subprocess
import time

from bed import MIB, Failed, Server, Sink, until, words_to_numbers
from goals import Goal, Round, row

AT_ONCE = "upload: {batch: {max_age: 0}}"

def files(bed, n):
    """A directory with n small logs, 1,000 in each directory below, no two the same; a third of their lines match."""
    def make(directory):
        with open(bed.log(percent=33, scale=64 * 1024 / bed.size).path) as f:
            lines = f.readlines()
        for i in range(n):
            below = directory / str(i // 1000)
            below.mkdir(exist_ok=True)
            text = lines[i % len(lines)] + lines[(i * 7 + 1) % len(lines)]
            (below / f"{i}.jsonl").write_text(text.replace("req_", f"req_{i}_"))
    return bed.once_made(f"files-{n}", make)


def cpu_of(pid):
    """The processor time of a process, all threads, in seconds (its CPU-time clock: nanoseconds, not ticks)."""
    return time.clock_gettime(~pid << 3 | 2)


def settle(pid):
    """Waits until the agent has nothing left to do: a second that costs less than 5 ms, or 30 of them."""
    for _ in range(30):
        before = cpu_of(pid)
        time.sleep(1)
        if cpu_of(pid) - before < 0.005:
            return


def anonymous_memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("RssAnon:")) * 1024 / 1e6


def events_in(directory):
    return sum(path.read_text().count('"llm.completion"') for path in directory.rglob("*.jsonl"))


@row("rest")
def at_rest(bed):
    rounds = []
    for n, memory, share in ((1, 3, 0.02), (bed.files, 16, 0.2)):
        directory = files(bed, n)
        events = events_in(directory)
        with Sink(bed) as sink, bed.config(sink, [directory / "**/*.jsonl"]) as path, bed.running(path) as pid:
            until(lambda: sink.ask()["marks"] == events, "all lines are delivered")
            settle(pid)
            before, began = cpu_of(pid), time.monotonic()
            time.sleep(bed.rest)
            used, took, anonymous = cpu_of(pid) - before, time.monotonic() - began, anonymous_memory(pid)
        of = f"{n:,} file{'s' if n > 1 else ''}"
        rounds.append(Round(Goal(f"at rest, {of}: anonymous memory", f"≤ {memory} MB", at_most=memory, unit="MB"), anonymous, {}))
        rounds.append(Round(Goal(f"at rest, {of}: processor time, over {bed.rest:g} s", f"≤ {share} % of a core", at_most=share, unit="%"),
                            used / took * 100, {"CPU ms": used * 1000}))
    return rounds


def latencies(bed, backlog=None):
    """Milliseconds from write() to arrival of each line that was written, and by how much a timer woke up late for it, each
    sorted."""
    directory = bed.path("latency")
    directory.mkdir()
    live = directory / "live.jsonl"
    live.touch()
    arguments = [str(backlog.lines * 2), "2000", str(backlog.events)] if backlog else [str(bed.probes), "4000"]
    server = Server(bed, "latency", live, *arguments)
    try:
        with bed.config(server, [live, *([backlog.path] if backlog else [])], more=AT_ONCE) as path, bed.running(path):
            told = server.process.communicate(timeout=600)[0].splitlines()
    finally:
        server.process.kill()
    counts, times = words_to_numbers(told[0]), [[int(n) / 1000 for n in line.split()] for line in told[1:]]
    if server.process.returncode != 0 or counts["arrived"] != counts["written"] or (backlog and counts["backlog"] != backlog.events):
        raise Failed(f"lines are missing: {told[0]}")
    if len(times) < 20:
        raise Failed(f"the backlog was over after {len(times)} lines: a larger --size is needed")
    return [sorted(column) for column in zip(*times)]


def percentile_99(sorted_values):
    return sorted_values[len(sorted_values) * 99 // 100]


@row("latency")
def latency(bed):
    rounds = []
    for work, backlog in (("alone", None), ("beside a backfill", bed.log(percent=100, scale=max(2.0, 64 * MIB / bed.size)))):
        ms, late = latencies(bed, backlog)
        figures = {"lines": len(ms), "least ms": ms[0], "most ms": ms[-1]}
        rounds.append(Round(Goal(f"write() to request, {work}: median", "< 2 ms", at_most=2, unit="ms"), statistics.median(ms), figures))
        rounds.append(Round(Goal(f"write() to request, {work}: 99th percentile", "< 10 ms", at_most=10, unit="ms"), percentile_99(ms),
                            {"a timer in the same run is late by, 99th percentile ms": percentile_99(late)}))
    return rounds


@row("start")
def start(bed):
    """To the request that brings a line that was appended while the agent was down: later than the first read."""
    took = {}
    for n in (1, bed.files):
        directory = files(bed, n)
        config = bed.once_made(f"start-{n}", lambda d: None) / "raingauge.yaml"
        if not config.with_suffix(".state").exists():
            bed.once_into_sink(config, [directory / "**/*.jsonl"], events_in(directory))
        with open(directory / str((n - 1) // 1000) / f"{n - 1}.jsonl", "a") as f:
            f.write(bed.first_line())
        with Sink(bed) as sink:
            bed.write_config(config, sink.address, [directory / "**/*.jsonl"], more=AT_ONCE)
            began = time.monotonic()
            with bed.running(config):
                until(lambda: sink.ask()["requests"] > 0, "the line arrives")
                first = sink.ask()["first_us"] / 1e6
        if sink.counts["marks"] != 1:
            raise Failed(f"{sink.counts['marks']} events arrived for one line")
        took[n] = (first - began) * 1000
    return [Round(Goal(f"start with a checkpoint of {bed.files:,} files, to the first line's request", "< 200 ms", at_most=200, unit="ms"), took[bed.files],
                  {"with 1 file ms": took[1]})]


@row("bytes")
def linear_in_bytes(bed):
    cpu = {}
    for times in (1, 2, 4):
        log = bed.log(percent=100, scale=times / 4)
        cpu[times] = bed.once(log)[0].cpu
    empty = bed.cost_of_start()
    figures = {"CPU s of an empty log": empty, **{f"CPU s of {times / 4:g} × size": value for times, value in cpu.items()}}
    return [Round(Goal("4 × the bytes", "≤ 1.1 × 4 × the cost", at_most=1.1, unit="× 4"), cpu[4] / (4 * cpu[1]), figures)]


@row("idle-files")
def flat_in_files(bed):
    """A backfill by an agent that follows other files, too, in which nothing happens: its processor time from the moment the
    log is there until its last event has arrived."""
    log, cpu = bed.log(percent=100), {}
    for n in (1, bed.files // 10, bed.files):
        drop = bed.path("drop")
        drop.mkdir()
        others = events_in(files(bed, n))
        with Sink(bed) as sink, bed.config(sink, [drop / "*.log", files(bed, n) / "**/*.jsonl"]) as path, bed.running(path) as pid:
            until(lambda: sink.ask()["marks"] == others, "the other files are delivered")
            settle(pid)
            before = cpu_of(pid)
            os.link(log.path, drop / "new.log")
            until(lambda: sink.ask()["marks"] == others + log.events, "the log is delivered", pause=0.02)
            cpu[n] = cpu_of(pid) - before
        os.unlink(drop / "new.log")
    return [Round(Goal(f"a backfill beside {bed.files:,} files that do not change", "≤ 1.1 × beside one", at_most=1.1), cpu[bed.files] / cpu[1],
                  {f"CPU s, {n:,} files": value for n, value in cpu.items()})]


@row("bytes-read")
def flat_in_bytes_read(bed):
    """The same lines appended to a log of which little, and to one of which much was read before."""
    more, cpu = bed.log(percent=100, scale=1 / 8), {}
    for times in (1, 16):
        directory = bed.once_made(f"read-{times}", lambda d: None)
        config, log = directory / "raingauge.yaml", directory / "a.jsonl"
        if not log.exists():
            read = bed.log(percent=100, scale=times / 8)
            subprocess.run(["cp", read.path, log], check=True)
            bed.once_into_sink(config, [log], read.events)
        with open(log, "ab") as f:
            f.write(more.path.read_bytes())
        cpu[times] = bed.once_into_sink(config, [log], more.events).cpu
    return [Round(Goal("lines appended to a log of which 16 × was read before", "≤ 1.1 × to one of 1 ×", at_most=1.1), cpu[16] / cpu[1],
                  {f"CPU s, {times / 8:g} × size read": value for times, value in cpu.items()})]
