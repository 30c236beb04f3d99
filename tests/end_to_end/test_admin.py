"""The admin endpoint: metrics that Prometheus takes, the sum of lines, health and readiness."""
import http.client
import re
import shutil
import socket
import subprocess

import pytest
from agent import Agent, get, line, metric, wait_until


def started(agent):
    agent.start()
    wait_until(lambda: (agent.state / "admin.sock").exists() and agent.said("started"), what="the admin socket, and signals to be listened for")
    return agent


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
def test_promtool_takes_the_metrics(agent, server):
    """Every metric has help, type, and a name as Prometheus wants it, with all kinds of series filled."""
    server.script = [500, 429, "reset"]
    server.answer = lambda r: (400, {}, "no") if any(c.get("event_id") == "e3" for c in r.calls) else 204
    agent.log("a.jsonl", "".join(line(n) for n in range(6)) + line(7, user=None) + "broken\n")
    started(agent)
    server.wait_for(lambda: len(server.events()) == 5)
    wait_until(lambda: metric(get(agent, "/metrics")[1], 'raingauge_lines_total{outcome="dead_lettered"}') == 1)
    status, text = get(agent, "/metrics")
    assert status == 200
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    assert metric(text, 'raingauge_dead_letters_total{endpoint="events/track",reason="status_400"}') == 1
    assert metric(text, 'raingauge_calls_rejected_total{rule="completion",reason="missing user_id"}') == 1
    assert agent.stop() == 0


RULES_THAT_MAY_FAIL = """
rules:
  - name: chat
    when: {"$.msg | lower": chat}
    to: $.team
    event: {event: chat, event_id: $.id, user_id: "$.user | trim", attachments: [{type: text, value: $.v, role: $.role}]}
    signal: {signal_name: seen, sentiment: $.s}
  - name: login
    identify: {user_id: fixed, traits: $.traits}
  - {name: rest, drop: true}
"""


def test_series_are_there_from_the_start(tmp_path, server):
    """What a rule may be rejected for, and the filters that it uses, at 0 and nothing else."""
    agent = started(Agent(tmp_path, server.url, rules=RULES_THAT_MAY_FAIL))
    text = get(agent, "/metrics")[1]

    def series(name):
        return {(labels["rule"], labels.get("reason") or labels.get("filter")) for labels in
                (dict(re.findall(r'(\w+)="([^"]*)"', row)) for row in text.splitlines() if row.startswith(name + "{"))}

    assert series("raingauge_calls_rejected_total") == {
        ("chat", reason) for reason in ("missing event_id", "missing user_id", "missing attachments.role", "invalid attachments.role",
                                        "invalid sentiment", "destination", "too large")} | {
        ("login", reason) for reason in ("invalid traits", "missing traits", "too large")}
    assert series("raingauge_filter_failures_total") == {("chat", "lower"), ("chat", "trim")}
    assert metric(text, "raingauge_calls_rejected_total") == metric(text, "raingauge_filter_failures_total") == 0
    agent.log("a.jsonl", '{"msg":"chat","id":"1","user":"u","s":"odd","team":"raindrop"}\n')
    wait_until(lambda: metric(get(agent, "/metrics")[1], 'raingauge_calls_rejected_total{reason="invalid sentiment"}') == 1)
    text = get(agent, "/metrics")[1]
    assert metric(text, "raingauge_calls_rejected_total") == 1
    assert agent.stop() == 0


def test_the_sum_of_lines(agent, server):
    """Lines read = the sum of all outcomes and those held in memory, at any moment."""
    server.answer = lambda r: 503
    agent.log("a.jsonl", "".join(line(n) for n in range(30)) + '{"msg":"health"}\n{"msg":"noise"}\nbroken\n')
    started(agent)
    wait_until(lambda: metric(get(agent, "/metrics")[1], "raingauge_lines_read_total") == 33)
    text = get(agent, "/metrics")[1]
    assert metric(text, "raingauge_lines_held") == 30
    assert metric(text, "raingauge_lines_total") + metric(text, "raingauge_lines_held") == 33
    server.answer = None
    server.wait_for(lambda: len(server.events()) == 30)
    wait_until(lambda: metric(get(agent, "/metrics")[1], "raingauge_lines_held") == 0)
    text = get(agent, "/metrics")[1]
    assert metric(text, 'raingauge_lines_total{input="chat",outcome="delivered"}') == 30
    assert metric(text, 'raingauge_lines_total{input="chat",outcome="invalid"}') == 1
    assert metric(text, "raingauge_lag_bytes") == 0
    assert agent.stop() == 0


def test_health_and_readiness(agent, server):
    """Alive whatever the server answers; ready only while no destination is paused."""
    started(agent)
    assert get(agent, "/healthz") == (200, "ok\n")
    wait_until(lambda: get(agent, "/readyz")[0] == 200)
    server.answer = lambda r: 401
    agent.log("a.jsonl", line(1))
    wait_until(lambda: get(agent, "/readyz")[0] == 503)
    assert "paused" in get(agent, "/readyz")[1]
    assert get(agent, "/healthz")[0] == 200
    assert get(agent, "/nothing")[0] == 404
    assert get(agent, "/metrics", "DELETE")[0] == 405
    server.answer = None
    wait_until(lambda: get(agent, "/readyz")[0] == 200)
    assert agent.stop() == 0
    assert not (agent.state / "admin.sock").exists()


def test_slow_client(agent, server):
    """A client that sends half a request and one that reads nothing do not hold the agent up."""
    started(agent)
    clients = []
    for _ in range(20):
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(agent.state / "admin.sock"))
        try:
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost:")
        except OSError:
            pass  # one too many: cut off
        clients.append(client)
    agent.log("a.jsonl", line(1))
    server.wait_for(lambda: len(server.events()) == 1)
    for client in clients:
        client.close()
    assert agent.stop() == 0


def test_tcp(tmp_path, server):
    """The same over TCP where it is configured; a port that is taken makes a start impossible, with the address named."""
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    agent = Agent(tmp_path, server.url, more=f"admin: {{listen: 127.0.0.1:{port}}}")
    agent.start()
    assert agent.wait() == 1
    assert agent.said(f"127.0.0.1:{port}")
    taken.close()
    agent.start()
    agent.wait_said("started")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/healthz")
    assert connection.getresponse().status == 200
    assert agent.stop() == 0
