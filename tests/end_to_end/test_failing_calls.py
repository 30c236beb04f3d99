"""Each call on files fails in turn, on the state directory and on the logs, once or from then on: nothing crashes, the exit
code says what came of it, and nothing is lost after the next start."""
import errno
import json
import os
import subprocess

import pytest
from agent import RULES, SOURCE, Agent, line

LINES = 30
STEP = int(os.environ.get("RAINGAUGE_FAIL_STEP", "16"))
NO_ID = RULES.replace("      event_id: $.id\n", "", 1)
OLD = "".join(f'{{"time":"2020-01-01T00:00:0{n}.000Z","outcome":"invalid","line":"old {n}","offset":0}}\n' for n in range(3))
STATE_CALLS = "write,sync,rename,unlink,link,mkdir,truncate,map"
ALL = [(STATE_CALLS, errno.ENOSPC), (STATE_CALLS, errno.EIO), ("write,read", 0), ("open,read", errno.EIO), ("open", errno.EMFILE)]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    made = tmp_path_factory.mktemp("disk") / "watched_disk.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", made, SOURCE / "tests/support/watched_disk.c"], check=True)
    return made


def world(directory, server):
    """Files with poison in them, an old dead letter that is to go, and one more file after the first run's."""
    server.delivered.clear()
    server.requests.clear()
    agent = Agent(directory, server.url, rules=NO_ID, more="dead_letter: {max_bytes: 1500, max_age: 30d, lines: true}",
                  upload="  max_refused: 1000\n")
    text = agent.config.read_text().replace("max_age: 20ms", "max_age: 5ms, max_calls: 5").replace("interval: 50ms", "interval: 1ms")
    agent.config.write_text(text)
    for name in "abc":
        agent.log(f"{name}.jsonl", "".join(line(n, file=name) for n in range(LINES // 3)) + "broken\n")
    return agent


def run(agent, library, calls, at, more, error):
    """A `--once`; its exit code, log, and how many of these calls there were."""
    reader, writer = os.pipe()
    environment = {"LD_PRELOAD": str(library), "DISK_DIR": str(agent.state), "DISK_ALSO": str(agent.logs), "DISK_FAIL": calls,
                   "DISK_FAIL_AT": str(at), "DISK_FAIL_MORE": str(more), "DISK_ERRNO": str(error), "DISK_COUNT": str(writer)}
    process = agent.command("run", "--once", "--timeout", "3s" if more else "20s", "-c", agent.config, environment=environment, pass_fds=(writer,))
    _, log = process.communicate(timeout=60)
    os.close(writer)
    with os.fdopen(reader) as counts:
        return process.returncode, log, int(counts.read() or 0)


def letters(agent):
    found = []
    for name in ("dead-letter.jsonl.1", "dead-letter.jsonl"):
        path = agent.state / name
        found += [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []
    return found


def check(agent, server, what, log):
    """All that was written has come, once or more often under the same id; the rest is dead letters."""
    ids = {}
    for event in server.events() + [x["call"] for x in letters(agent) if "call" in x]:
        key = event["ai_data"]["input"], event["event_id"]
        ids.setdefault(key[1], key[0])
        assert ids[key[1]] == key[0], what
    assert len(ids) == LINES, f"{what}: {len(ids)} of {LINES} events\n{log}"


@pytest.mark.skipif("RAINGAUGE_RELEASE_BINARY" not in os.environ, reason="RAINGAUGE_RELEASE_BINARY is not set (a build without sanitizers)")
@pytest.mark.parametrize("more", [0, 1000000], ids=["once", "from_then_on"])
@pytest.mark.parametrize("calls,error", ALL, ids=lambda v: errno.errorcode.get(v, "short") if isinstance(v, int) else v.split(",")[0])
def test_each_call_fails_in_turn(tmp_path, server, library, monkeypatch, calls, error, more):
    """Every STEP-th of them; RAINGAUGE_FAIL_STEP=1 takes all."""
    monkeypatch.setattr("agent.BINARY", os.environ["RAINGAUGE_RELEASE_BINARY"])
    server.answer = lambda r: 400 if any(c.get("event_id") and c["properties"]["n"] % 10 == 3 for c in r.calls) else 204
    agent = world(tmp_path / "counted", server)
    code, log, total = run(agent, library, calls, 0, 0, error)
    assert code == 3 and total > 20, log
    check(agent, server, "no fault", log)
    for at in range(1 + STEP // 2, total + 1, STEP * (4 if more else 1)):
        what = f"{calls} {at} of {total}, errno {error}"
        agent = world(tmp_path / str(at), server)
        code, log, _ = run(agent, library, calls, at, more, error)
        assert code in (0, 1, 3), f"{what}: exit code {code}\n{log}"
        assert code in (0, 3) or "level=error" in log or "raingauge: state directory" in log, f"{what}: 1, and not why\n{log}"
        assert agent.once() in (0, 3), f"{what}\n{log}\n" + "\n".join(agent.stderr)
        check(agent, server, what, log)
