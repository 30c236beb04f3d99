"""`raingauge tap`: calls and refusals as they are made; it never slows delivery."""
import json
import select
import signal
import subprocess
import threading

from agent import line, wait_until
from test_admin import get, metric, started


class Tap:
    def __init__(self, agent, *args):
        self.rows = []
        self.process = agent.command("tap", "--state-dir", agent.state, *args, stdout=subprocess.PIPE)
        self._thread = threading.Thread(target=lambda: [self.rows.append(json.loads(r)) for r in self.process.stdout], daemon=True)
        self._thread.start()

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)


def test_calls_and_refusals(agent, server):
    """Each call as `map` shows it, each refusal with its reason; --rule shows one rule's alone; an unknown rule is said."""
    started(agent)
    everything, feedback = Tap(agent), Tap(agent, "--rule", "feedback")
    n = 0

    def told():
        nonlocal n
        agent.log("a.jsonl", line(n) + f'{{"msg":"feedback","id":"e{n}","rating":"up"}}\n' + line(1000 + n, user=None) + "broken\n")
        n += 1
        return everything.rows and feedback.rows and any(r.get("outcome") == "invalid" for r in everything.rows)

    wait_until(told)
    calls = [r for r in everything.rows if "call" in r]
    assert {r["rule"] for r in calls} == {"completion", "feedback"}
    first = next(r for r in calls if r["rule"] == "completion")
    assert first["endpoint"] == "events/track" and first["file"] == str(agent.logs / "a.jsonl")
    assert first["call"]["ai_data"]["input"].startswith("question")
    assert any(r.get("outcome") == "rejected" and r["reason"] == "missing user_id" for r in everything.rows)
    assert {r["rule"] for r in feedback.rows} == {"feedback"}
    everything.end()
    feedback.end()
    process = agent.command("tap", "--state-dir", agent.state, "--rule", "none of that <name>", stdout=subprocess.PIPE)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 1 and out == "" and "no rule of that name" in err
    assert agent.stop() == 0


def test_a_reader_that_does_not_read(agent, server):
    """Delivery goes on at its pace; once it reads again the reader is told how much it missed."""
    started(agent)
    process = agent.command("tap", "--state-dir", agent.state, stdout=subprocess.PIPE)
    n = 0

    def first():
        nonlocal n
        agent.log("a.jsonl", line(n))
        n += 1
        return process.stdout in select.select([process.stdout], [], [], 0.05)[0]

    wait_until(first)
    many = 6000
    agent.log("a.jsonl", "".join(line(i, prompt="x" * 1000) for i in range(n, n + many)))
    server.wait_for(lambda: len(server.events()) == n + many, 60)
    seen = dropped = missed = 0
    for row in process.stdout:
        value = json.loads(row)
        if "dropped" in value:
            dropped += value["dropped"]
        else:
            if not seen:
                missed = int(value["call"]["event_id"][1:])  # before it was listening
            seen += 1
        if missed + seen + dropped == n + many:
            break
    assert dropped > 0
    process.send_signal(signal.SIGINT)
    process.wait(10)
    assert agent.stop() == 0


def test_agent_stops_under_a_tap(agent, server):
    """A stop does not wait for listeners; they are told; too many of them are refused."""
    started(agent)
    def open_descriptors():
        return metric(get(agent, "/metrics")[1], "process_open_fds")

    before = open_descriptors()
    taps = [Tap(agent) for _ in range(4)]
    wait_until(lambda: open_descriptors() >= before + 4)
    refused = None

    def one_too_many():
        nonlocal refused
        p = agent.command("tap", "--state-dir", agent.state, stdout=subprocess.PIPE)
        try:
            refused = p.communicate(timeout=0.5)[1]
        except subprocess.TimeoutExpired:
            p.kill()
            p.communicate()
            return False
        return "too many listeners" in refused

    wait_until(one_too_many)
    assert agent.stop() == 0
    for tap in taps:
        assert tap.process.wait(10) == 1
        assert "the agent has ended" in tap.process.stderr.read()
