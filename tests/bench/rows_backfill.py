"""The rows about backfills: `run --once` on a log that is there, and what that costs."""
import os

from bed import MIB, ONE_RULE, words_to_numbers
from goals import Goal, Round, no_peer, no_second_core, row
import peer

OTEL = {"rules": "", "inputs": """    records:
      - $['resourceSpans','resourceLogs'][*]
      - $['scopeSpans','scopeLogs'][*]
      - $['spans','logRecords'][*]""", "more": 'include: ["preset:otel-genai"]'}


def speed(log, cpu):
    """MB of the log per second of processor time."""
    return log.bytes / 1e6 / cpu


def against_jsmn(bed, log, goal, **options):
    agent, _ = bed.once(log, **options)
    jsmn = bed.jsmn(log)
    return Round(goal, jsmn.cpu / agent.cpu, {"agent MB/s": speed(log, agent.cpu), "jsmn MB/s": speed(log, jsmn.cpu)})


@row("all")
def all_match(bed):
    return [against_jsmn(bed, bed.log(percent=100), Goal("all lines match", "≥ 0.6 × jsmn-only", at_least=0.6))]


@row("five")
def five_percent(bed):
    return [against_jsmn(bed, bed.log(percent=5), Goal("5 % match", "≥ 3 × jsmn-only", at_least=3))]


def against_peer(bed, percent, goal):
    log = bed.log(percent=percent, scale=min(1.0, 64 * MIB / bed.size))
    agent, _ = bed.once(log)
    cpu = peer.syslog_ng(bed, log)
    return [Round(goal, cpu / agent.cpu, {"agent MB/s": speed(log, agent.cpu), "syslog-ng MB/s": speed(log, cpu)})]


@row("all-peer", no_peer)
def all_match_peer(bed):
    return against_peer(bed, 100, Goal("all lines match", "≥ 8 × syslog-ng", at_least=8))


@row("five-peer", no_peer)
def five_percent_peer(bed):
    return against_peer(bed, 5, Goal("5 % match", "≥ 50 × syslog-ng", at_least=50))


@row("none")
def none_match(bed):
    log = bed.log(percent=0)
    agent, _ = bed.once(log)
    wc = bed.wc(log)
    return [Round(Goal("no line matches", "≥ 0.4 × wc -l", at_least=0.4), wc.cpu / agent.cpu,
                  {"agent MB/s": speed(log, agent.cpu), "wc MB/s": speed(log, wc.cpu)})]


@row("otlp")
def otlp(bed):
    goal = Goal("OTLP batches, every span a call of a model, otel-genai preset", "≥ 0.25 × jsmn-only", at_least=0.25)
    return [against_jsmn(bed, bed.log("otlp", 100, scale=0.5), goal, **OTEL)]


@row("otlp-mixed")
def otlp_mixed(bed):
    goal = Goal("the same, one span in four a call of a model", "≥ 0.25 × jsmn-only", at_least=0.25)
    return [against_jsmn(bed, bed.log("otlp", 25, scale=0.5), goal, **OTEL)]


@row("cri")
def cri(bed):
    rounds = []
    for percent in (100, 5):
        wrapped, plain = bed.log("cri", percent), bed.log("app", percent)
        agent, _ = bed.once(wrapped, inputs="    envelope: cri")
        without, _ = bed.once(plain)
        goal = Goal(f"CRI-wrapped lines, {percent} % match", "≥ 0.8 × plain", at_least=0.8)
        rounds.append(Round(goal, speed(wrapped, agent.cpu) / speed(plain, without.cpu),
                            {"CRI MB/s": speed(wrapped, agent.cpu), "plain MB/s": speed(plain, without.cpu)}))
    return rounds


@row("gz")
def gz(bed):
    log = bed.gzip(bed.log(percent=0, scale=0.5))
    agent, _ = bed.once(log)
    pipe = bed.gzip_wc(log)
    return [Round(Goal(".gz, no line matches", "≥ 0.8 × gzip -dc to wc -l", at_least=0.8), pipe.cpu / agent.cpu,
                  {"agent MB/s": speed(log, agent.cpu), "gzip, wc MB/s": speed(log, pipe.cpu), "agent wall s": agent.wall, "pipe wall s": pipe.wall})]


def other_rules(condition):
    return "".join(f"""  - name: other-{n}
    when: {condition(n)}
    event: {{event: other, event_id: $.request_id, user_id: $.user.id, ai_data: {{input: $.prompt}}}}
""" for n in range(199))


def mixed_condition(n):
    return [f"{{$.msg: llm.other.{n}}}", f"{{$.msg: llm.completion, $.model: other-{n}}}", f"{{$.kind: kind-{n}}}",
            f"{{$.session: {{starts_with: other_{n}_}}}}", f"{{$.level: [l{n}, m{n}]}}", f"{{$.tokens.in: {{gt: {100000 + n}}}}}"][n % 6]


@row("rules")
def two_hundred_rules(bed):
    rounds = []
    for percent, condition, work in ((100, lambda n: f"{{$.msg: llm.other.{n}}}", "200 rules by $.msg, the last matches all lines"),
                                     (5, lambda n: f"{{$.msg: llm.other.{n}}}", "200 rules by $.msg, the last matches 5 %"),
                                     (100, mixed_condition, "200 rules by six kinds of condition, the last matches all lines")):
        log = bed.log(percent=percent)
        many, _ = bed.once(log, rules="\n" + other_rules(condition) + ONE_RULE)
        one, _ = bed.once(log)
        rounds.append(Round(Goal(work, "≤ 1.5 × one rule", at_most=1.5), many.cpu / one.cpu,
                            {"200 rules MB/s": speed(log, many.cpu), "one MB/s": speed(log, one.cpu)}))
    return rounds


def allocated(bed, scale, percent, calls):
    """A run's lines, requests, and allocations, those of the agent's own code and all."""
    log, told = bed.log(percent=percent, scale=scale), bed.path("malloc")
    preload = {"LD_PRELOAD": str(bed.programs / "libcount_malloc.so"), "COUNT_MALLOC": str(told)}
    _, sink = bed.once(log, environment=preload, more=f"upload: {{batch: {{max_calls: {calls}}}}}")
    n = words_to_numbers(told.read_text())
    told.unlink()
    return log.lines, sink["requests"], n["own"], n["total"]


@row("allocations")
def allocations(bed):
    """Allocations are a × lines + b × requests + those of start and end: three runs, of which one has twice the lines and
    one a quarter of the calls in a request, give a, which the goal is about, and b. Blocks that are read count as lines, so less
    than one in a hundred lines is none."""
    rounds = []
    for percent in (100, 5, 0):
        base, twice, small = allocated(bed, 0.25, percent, 400), allocated(bed, 0.5, percent, 400), allocated(bed, 0.5, percent, 100)
        requests = small[1] - twice[1]
        own_request, request = ((small[i] - twice[i]) / requests if requests > 0 else 0 for i in (2, 3))
        own_line, line = ((twice[i] - base[i] - b * (twice[1] - base[1])) / (twice[0] - base[0]) for i, b in ((2, own_request), (3, request)))
        figures = {"by the agent's own code a line": own_line, "a request": request, "a request by the agent's own code": own_request}
        rounds.append(Round(Goal(f"heap allocations, {percent} % match", "0 a line (below 0.01)", at_most=0.01, unit="a line"), line, figures))
    return rounds


@row("memory")
def memory(bed):
    rounds = []
    for work, log, options in (("all lines match", bed.log(percent=100), {}), ("no line matches", bed.log(percent=0), {}),
                               ("OTLP", bed.log("otlp", 100, scale=0.5), OTEL), (".gz", bed.gzip(bed.log(percent=0, scale=0.5)), {})):
        agent, _ = bed.once(log, **options)
        rounds.append(Round(Goal(f"peak memory, {work}", "≤ 28 MiB (buffer 16 + 12)", at_most=28, unit="MiB"), agent.peak, {}))
    return rounds


@row("cores", no_second_core)
def two_cores(bed):
    """The sink is not pinned: it shares the two cores, and has one nearly for itself where the agent has the other."""
    rounds = []
    first, second = map(str, sorted(os.sched_getaffinity(0))[:2])
    for percent in (100, 5, 0):
        log = bed.log(percent=percent)
        both, _ = bed.once(log, cpus=f"{first},{second}", sink_cpus=f"{first},{second}")
        one, _ = bed.once(log, cpus=first, sink_cpus=f"{first},{second}")
        figures = {"two MB/s wall": log.bytes / 1e6 / both.wall, "one MB/s wall": log.bytes / 1e6 / one.wall, "two CPU s": both.cpu, "one CPU s": one.cpu}
        rounds.append(Round(Goal(f"backfill on two cores, {percent} % match", "≥ 1.6 × one core (wall)", at_least=1.6), one.wall / both.wall, figures))
    return rounds
