"""Allocations of the whole process failing, one in each run: nothing crashes, and nothing is lost after the next start."""
import json
import os
import subprocess

import pytest
from agent import SOURCE, Agent, line

LINES = 40
STEP = int(os.environ.get("RAINGAUGE_OOM_STEP", "151"))
LOG = "".join(line(n) for n in range(LINES)) + json.dumps({"msg": "feedback", "id": "e1", "rating": "up"}) + "\n" + \
    json.dumps({"msg": "login", "user": "u1", "plan": "paid"}) + "\nbroken\n"


@pytest.fixture(scope="module")
def fail_malloc(tmp_path_factory):
    library = tmp_path_factory.mktemp("fail") / "fail_malloc.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, SOURCE / "tests/support/fail_malloc.c"], check=True)
    return library


def once_failing(agent, library, at):
    """A run in which that allocation fails; its exit code, log, and how many allocations there were."""
    reader, writer = os.pipe()
    environment = {"LD_PRELOAD": str(library), "FAIL_MALLOC_AT": str(at), "FAIL_MALLOC_FD": str(writer)}
    run = agent.command("run", "--once", "--timeout", "20s", "-c", agent.config, environment=environment, pass_fds=(writer,))
    _, log = run.communicate(timeout=60)
    os.close(writer)
    with os.fdopen(reader) as counts:
        return run.returncode, log, int(counts.read() or 0)


@pytest.mark.skipif("RAINGAUGE_RELEASE_BINARY" not in os.environ, reason="RAINGAUGE_RELEASE_BINARY is not set (a build without sanitizers)")
def test_each_allocation_fails_in_turn(tmp_path, server, fail_malloc, monkeypatch):
    """Every STEP-th of them; RAINGAUGE_OOM_STEP=1 takes all."""
    monkeypatch.setattr("agent.BINARY", os.environ["RAINGAUGE_RELEASE_BINARY"])
    agent = Agent(tmp_path / "counted", server.url)
    agent.log("a.jsonl", LOG)
    code, log, total = once_failing(agent, fail_malloc, 0)
    assert code == 0 and total > 1000, log
    at, failed_starts = 1, 0
    while at <= total:
        server.delivered.clear()
        agent = Agent(tmp_path / str(at), server.url)
        agent.log("a.jsonl", LOG)
        code, log, _ = once_failing(agent, fail_malloc, at)
        if "message=started" in log:
            assert code in (0, 1), f"allocation {at}: exit code {code}\n{log}"
        else:
            failed_starts += 1  # in the loader, or inside a library's own start-up, which may not survive it
        assert agent.once() == 0
        assert {e["event_id"] for e in server.events()} == {f"e{n}" for n in range(LINES)}, f"allocation {at}\n{log}"
        assert server.signals() and server.identifies(), f"allocation {at}\n{log}"
        at += STEP
    assert failed_starts < total / STEP / 2 + 1, "most runs are to get beyond the start"
