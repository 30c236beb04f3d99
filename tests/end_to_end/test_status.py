"""/status and `raingauge status`: what an operator is told, and that nothing of it is content, a key, or a command."""
import json
import os
import re
import signal
import subprocess

import pytest
from agent import KEY, line, wait_until
from test_admin import get, metric, started


def status(agent, *args, state=None):
    """`raingauge status`: exit code, stdout, stderr."""
    process = agent.command("status", "--state-dir", state or agent.state, *args, stdout=subprocess.PIPE)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def look(agent):
    return json.loads(get(agent, "/status")[1])


def test_shape(agent, server):
    """The members that raingauge(1) documents are there, with the numbers of what was done."""
    agent.log("a.jsonl", "".join(line(n) for n in range(5)) + line(7, user=None) + "broken\n" + '{"msg":"feedback","id":"e1","rating":"up"}\n')
    started(agent)
    server.wait_for(lambda: len(server.events()) == 5 and len(server.signals()) == 1)
    wait_until(lambda: look(agent)["lines"]["held"] == 0)
    wait_until(lambda: look(agent)["files"][0]["lag_bytes"] == 0)
    s = look(agent)
    assert s["status_version"] == 1 and re.match(r"\d+\.\d+\.\d+", s["version"]) and s["pid"] == agent.process.pid
    assert s["ready"] is True and s["reason"] is None
    assert s["config"]["path"] == str(agent.config) and re.fullmatch("[0-9a-f]{64}", s["config"]["sha256"])
    assert s["lines"] == {"read": 8, "delivered": 6, "dropped": 0, "unmatched": 0, "sampled": 0, "invalid": 1,
                          "oversized": 0, "rejected": 1, "dead_lettered": 0, "held": 0}
    assert [i["name"] for i in s["inputs"]] == ["chat"] and s["inputs"][0]["lag_seconds"] == 0
    size = (agent.logs / "a.jsonl").stat()
    f = s["files"][0]
    assert (f["path"], f["input"], f["state"]) == (str(agent.logs / "a.jsonl"), "chat", "current")
    assert (f["inode"], f["offset"], f["size"]) == (size.st_ino, size.st_size, size.st_size)
    rules = {r["name"]: r for r in s["rules"]}
    assert rules["completion"]["calls"] == {"event": 5, "signal": 0, "identify": 0}
    assert rules["completion"]["rejected"] == {"missing user_id": 1} and rules["health"]["rejected"] == {}
    d = s["destinations"][0]
    assert (d["name"], d["state"], d["reason"], d["delivered"]["signal"]) == ("raindrop", "ok", None, 1)
    assert d["requests"].keys() == {"204"} and d["calls_waiting"] == 0
    assert s["checkpoint"]["age_seconds"] >= 0 and s["delivery"]["buffer_bytes"] == 0
    whys = {(r["message"], r["reason"], r["offset"]) for r in s["recent"]}
    assert ("line is invalid", "not JSON", 5 * len(line(0)) + len(line(7, user=None))) in whys
    assert any(m == "call is rejected" and why == "missing user_id" for m, why, _ in whys)
    assert agent.stop() == 0


def test_a_pause_is_named(agent, server):
    """A wrong key: not ready, the destination paused with the answer's code; over again once the key is taken."""
    server.answer = lambda r: 401
    agent.log("a.jsonl", line(1))
    started(agent)
    wait_until(lambda: not look(agent)["ready"])
    d = look(agent)["destinations"][0]
    assert (d["state"], d["reason"], d["calls_waiting"]) == ("paused", "status 401", 1)
    code, out, _ = status(agent)
    assert code == 0 and "NOT READY: uploading is paused" in out and re.search(r"raindrop +paused .*status 401", out)
    code, out, err = status(agent, "--ready")
    assert code == 1 and "paused" in err
    assert status(agent, "--live")[:2] == (0, "ok\n")
    server.answer = None
    wait_until(lambda: status(agent, "--ready")[0] == 0)
    assert agent.stop() == 0


def test_lag_is_the_age_of_the_oldest_undelivered_line(agent, server):
    """lag_seconds counts from when a line was written, also for one written before the start; 0 once it is delivered."""
    server.answer = lambda r: 503
    agent.log("a.jsonl", line(1))
    written = (agent.logs / "a.jsonl").stat().st_mtime
    os.utime(agent.logs / "a.jsonl", (written - 100, written - 100))
    started(agent)
    wait_until(lambda: look(agent)["destinations"][0]["state"] == "failing")
    assert look(agent)["destinations"][0]["reason"] == "status 503"
    assert 100 <= look(agent)["files"][0]["lag_seconds"] < 130
    assert 100 <= metric(get(agent, "/metrics")[1], "raingauge_lag_seconds") < 130
    server.answer = None
    wait_until(lambda: look(agent)["files"][0]["lag_seconds"] == 0)
    agent.log("a.jsonl", '{"half')
    wait_until(lambda: look(agent)["files"][0]["state"] == "unfinished line")
    assert look(agent)["files"][0]["lag_seconds"] == 0, "no line yet"
    assert metric(get(agent, "/metrics")[1], "raingauge_lag_seconds") == 0
    assert agent.stop() == 0


def test_no_agent(agent):
    """Where none runs the message names the directory and the exit code is 1, for the probes too."""
    for args in ([], ["--json"], ["--live"], ["--ready"]):
        code, out, err = status(agent, *args, state="/nonexistent/state")
        assert (code, out) == (1, "") and "no agent runs" in err and "/nonexistent/state" in err
    assert status(agent, "--live", "--ready")[0] == 2


def test_killed_agent_leaves_no_ghost(agent, server):
    """After kill -9 the socket is still there, but `status` says that nobody runs."""
    started(agent)
    agent.kill()
    code, _, err = status(agent)
    assert code == 1 and "no agent runs" in err


def test_stopped_agent_is_not_live(agent, server):
    """A process that does not turn its loop is not live: the probe ends by itself and says so."""
    started(agent)
    agent.process.send_signal(signal.SIGSTOP)
    code, _, err = status(agent, "--live")
    agent.process.send_signal(signal.SIGCONT)
    assert code == 1 and "does not answer" in err
    assert agent.stop() == 0


HOSTILE = ["quote\".jsonl", "new\nline.jsonl", "<script>alert(1)</script>.jsonl".replace("/", "_"), "esc\x1b[31mred.jsonl",
           "back\\slash.jsonl", "\u202egnp.jsonl", "lab{a=\"b\"}.jsonl"]


def test_hostile_file_names(agent, server):
    """Names with quotes, newlines, escape sequences and tags stay text: in JSON, on the terminal, in metrics and log."""
    for n, name in enumerate([*HOSTILE, "bad\udcff.jsonl"]):
        agent.log(name, line(n) + "broken\n")
    started(agent)
    server.wait_for(lambda: len(server.events()) == len(HOSTILE) + 1)
    wait_until(lambda: look(agent)["lines"]["held"] == 0)
    paths = {f["path"] for f in look(agent)["files"]}
    assert {str(agent.logs / name) for name in HOSTILE} <= paths and str(agent.logs / "bad\ufffd.jsonl") in paths
    code, out, _ = status(agent)
    assert code == 0 and "\x1b" not in out and "\u202e" not in out
    assert sum("jsonl" in row and ("current" in row or "behind" in row) for row in out.splitlines()) == len(HOSTILE) + 1
    assert "jsonl" not in get(agent, "/metrics")[1]
    assert agent.stop() == 0
    assert not any("\x1b" in row or "\u202e" in row for row in agent.stderr)


def test_no_content_and_no_key(agent, server):
    """What stands in lines, in answers and in the key is in none of status, metrics and log."""
    secret = "Xq7secretXq7"
    server.script = [(500, {}, secret), (400, {}, secret)]
    agent.log("a.jsonl", line(1, prompt=secret) + line(2, user=None, id=secret) + f"{secret}\n" + f'{{"msg":"{secret}"}}\n')
    started(agent)
    wait_until(lambda: sum(look(agent)["lines"].values()) == 8 and look(agent)["lines"]["held"] == 0)
    for text in (get(agent, "/status")[1], get(agent, "/metrics")[1], status(agent)[1]):
        assert secret not in text and KEY not in text
    assert agent.stop() == 0
    assert not agent.said(secret)
