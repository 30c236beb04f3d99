"""Forms of log files: container runtimes' envelopes, records of many lines, gzip."""
import gzip
import json
import os

import pytest

from agent import Agent

RULES = """
rules:
  - name: all
    event: {event: e, event_id: $.id, user_id: u, properties: {n: $.n, stream: $meta.stream, pod: $meta.pod, time: $meta.time}}
"""
RAW = """
rules:
  - name: all
    event: {event: e, user_id: u, ai_data: {input: $.message}}
"""


@pytest.fixture
def make_agent(tmp_path, server):
    made = []

    def make(**configuration):
        made.append(Agent(tmp_path, server.url, **configuration))
        return made[-1]

    yield make
    for agent in made:
        if agent.process and agent.process.poll() is None:
            agent.kill()
        text = "\n".join(agent.stderr)
        assert "AddressSanitizer" not in text and "runtime error" not in text and "LeakSanitizer" not in text, text


def cri(stream, tag, text):
    return f"2026-01-02T03:04:05.123456789Z {stream} {tag} {text}\n"


def ids(server):
    return [event["event_id"] for event in server.events()]


def test_streams_of_a_container(make_agent, server):
    """A line whose end does not come holds up neither stderr nor a restart: each line comes once, whole."""
    agent = make_agent(rules=RULES, inputs="    envelope: cri")
    agent.log("a.jsonl", cri("stdout", "F", '{"id":"o1"}') + cri("stdout", "P", '{"id":"o2"') + cri("stderr", "F", '{"id":"e1"}'))
    agent.start()
    server.wait_for(lambda: ids(server) == ["o1", "e1"])
    agent.log("a.jsonl", cri("stderr", "P", '{"id":') + cri("stderr", "F", '"e2"}'))
    server.wait_for(lambda: ids(server) == ["o1", "e1", "e2"])
    assert agent.stop() == 0
    agent.log("a.jsonl", cri("stderr", "F", '{"id":"e3"}'))
    agent.start()
    server.wait_for(lambda: ids(server) == ["o1", "e1", "e2", "e3"])
    agent.log("a.jsonl", cri("stdout", "F", ',"n":2}'))
    server.wait_for(lambda: len(server.events()) == 5)
    assert agent.stop() == 0
    assert ids(server) == ["o1", "e1", "e2", "e3", "o2"]
    last = server.events()[-1]
    assert last["properties"] == {"n": 2, "stream": "stdout", "time": "2026-01-02T03:04:05.123456789Z"}
    assert last["timestamp"] == "2026-01-02T03:04:05.123456789Z"


def test_a_kill_in_the_middle_of_a_line(make_agent, server):
    """Nothing is lost, and no record is made of a tail without its head."""
    agent = make_agent(rules=RULES, inputs="    envelope: cri")
    for i in range(5):
        agent.log("a.jsonl", cri("stdout", "P", '{"id":"o%d"' % i) + cri("stderr", "F", '{"id":"e%d"}' % i))
        agent.start()
        server.wait_for(lambda: f"e{i}" in ids(server))
        agent.kill()
        agent.log("a.jsonl", cri("stderr", "F", '{"id":"f%d"}' % i) + cri("stdout", "F", "}"))
    agent.start()
    wanted = {f"{letter}{i}" for letter in "oef" for i in range(5)}
    server.wait_for(lambda: set(ids(server)) == wanted)
    assert agent.stop() == 0
    assert set(ids(server)) == wanted


def test_pods_name_themselves(make_agent, server):
    """$meta tells of the container what its log's path says."""
    agent = make_agent(rules=RULES)
    pods = agent.dir / "pods" / "shop_web-1_0a1b-uid" / "app"
    pods.mkdir(parents=True)
    agent.write_config(rules=RULES, inputs=f"    envelope: cri\n  - name: pods\n    envelope: auto\n    paths: ['{agent.dir}/pods/*/*/*.log']")
    (pods / "0.log").write_text(cri("stderr", "F", '{"id":"p"}'))
    assert agent.once() == 0
    assert server.events()[0]["properties"] == {"stream": "stderr", "pod": "web-1", "time": "2026-01-02T03:04:05.123456789Z"}


def test_records_of_many_lines(make_agent, server):
    """A record ends at the next start; the last one when the file has not grown for the timeout."""
    agent = make_agent(rules=RAW, inputs="    parser: raw\n    multiline: {start: '^[0-9]', timeout: 700ms}")
    agent.log("a.jsonl", "1 one\n  at a\n\n  at b\n2 two\n")
    agent.start()
    inputs = lambda: [event["ai_data"]["input"] for event in server.events()]
    server.wait_for(lambda: inputs() == ["1 one\n  at a\n\n  at b"])
    server.wait_for(lambda: inputs() == ["1 one\n  at a\n\n  at b", "2 two"])
    agent.log("a.jsonl", "3 three\n  at c\n")
    server.wait_for(lambda: inputs()[2:] == ["3 three\n  at c"])
    agent.log("a.jsonl", "4 four\n")
    assert agent.stop() == 0
    assert agent.once() == 0
    assert inputs()[3:] == ["4 four"]


def test_gzip_files_once(make_agent, server):
    """Content of all members; a file that is cut: what can be read of it, and the rest is reported."""
    agent = make_agent(rules=RULES)
    agent.write_config(rules=RULES, inputs=f"  - name: old\n    paths: ['{agent.logs}/*.gz']")
    lines = lambda a, b: "".join(json.dumps({"id": f"i{n}", "n": n, "noise": os.urandom(20).hex()}) + "\n" for n in range(a, b)).encode()
    (agent.logs / "a.gz").write_bytes(gzip.compress(lines(0, 500)) + gzip.compress(lines(500, 1000)))
    assert agent.once() == 0
    assert sorted(ids(server)) == sorted(f"i{n}" for n in range(1000))
    whole = gzip.compress(lines(1000, 4000))
    (agent.logs / "b.gz").write_bytes(whole[:len(whole) // 2])
    assert agent.once() == 0
    assert any("gzip" in text and "error" in text for text in agent.stderr)
    assert 1000 < len(server.events()) < 4000
    assert len(set(ids(server))) == len(ids(server))
    before = len(server.events())
    assert agent.once() == 0
    assert len(server.events()) == before


def test_a_rotated_file_goes_on_in_its_gzip(make_agent, server):
    """Half read, rotated and compressed while the agent is down: the rest is read out of the .gz, nothing twice."""
    agent = make_agent(rules=RULES)
    lines = [json.dumps({"id": f"i{n}", "n": n}) + "\n" for n in range(2000)]
    agent.log("a.jsonl", "".join(lines[:1000]))
    assert agent.once() == 0
    (agent.logs / "a.jsonl.1.gz").write_bytes(gzip.compress("".join(lines).encode()))
    (agent.logs / "a.jsonl").unlink()
    agent.log("a.jsonl", json.dumps({"id": "new", "n": 0}) + "\n")
    agent.start()
    server.wait_for(lambda: len(server.events()) >= 2001)
    assert agent.stop() == 0
    assert sorted(ids(server)) == sorted([f"i{n}" for n in range(2000)] + ["new"])
