"""The agent as a user first meets it: a log goes in, calls come out, once."""
import json
import os
import pathlib
import signal

from agent import KEY, Agent, line, wait_until


def test_a_log_becomes_calls(agent, server):
    """Events, signals and identify calls of one file arrive as the rules say, with the headers that the API wants."""
    agent.log("a.jsonl", line(1) + json.dumps({"msg": "feedback", "id": "e1", "rating": "up", "sentiment": "positive"}) + "\n"
              + json.dumps({"msg": "login", "user": "u1", "plan": "paid"}) + "\n" + json.dumps({"msg": "health"}) + "\n"
              + "not json\n" + json.dumps({"msg": "noise"}) + "\n")
    assert agent.once() == 0
    assert server.events() == [{"event_id": "e1", "user_id": "u1", "event": "chat_completion", "properties": {"n": 1},
                                "ai_data": {"model": None, "input": "question 1", "output": "answer 1"}}] or \
        server.events()[0]["ai_data"] == {"input": "question 1", "output": "answer 1"}
    assert server.signals() == [{"event_id": "e1", "signal_name": "thumbs_up", "sentiment": "POSITIVE"}]
    assert server.identifies() == [{"user_id": "u1", "traits": {"plan": "paid"}}]
    for request in server.requests:
        assert request.headers["Authorization"] == f"Bearer {KEY}"
        assert request.headers["Content-Type"] == "application/json"
    assert "read=6 delivered=3 dropped=1 unmatched=1" in agent.stderr[-1]
    assert "invalid=1" in agent.stderr[-1]


def test_again_sends_nothing(agent, server):
    """The same command again goes on where it was."""
    agent.log("a.jsonl", line(1) + line(2))
    assert agent.once() == 0
    assert len(server.events()) == 2
    assert agent.once() == 0
    assert len(server.events()) == 2
    agent.log("a.jsonl", line(3))
    assert agent.once() == 0
    assert [e["event_id"] for e in server.events()] == ["e1", "e2", "e3"]


def test_follows_growth(agent, server):
    """New lines, new files, and a line that comes in two halves."""
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    whole = line(2)
    agent.log("a.jsonl", whole[:10])
    agent.log("b.jsonl", line(3))
    server.wait_for(lambda: len(server.events()) == 2)
    agent.log("a.jsonl", whole[10:])
    server.wait_for(lambda: len(server.events()) == 3)
    assert agent.stop() == 0
    assert sorted(e["event_id"] for e in server.events()) == ["e1", "e2", "e3"]


def test_rename_and_create(agent, server):
    """The rest of a renamed file is read, also what its writer adds afterwards, and the new file from its beginning."""
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    with open(agent.logs / "a.jsonl", "a") as writer:
        os.rename(agent.logs / "a.jsonl", agent.logs / "a.jsonl.1")
        writer.write(line(2))
        writer.flush()
        agent.log("a.jsonl", line(3))
        server.wait_for(lambda: len(server.events()) == 3)
        writer.write(line(4))
    server.wait_for(lambda: len(server.events()) == 4)
    assert agent.stop() == 0
    assert len(server.events()) == 4


def test_copy_and_truncate(agent, server):
    """A file that is copied away and cut to nothing is read on from its beginning, the copy is not read again."""
    agent.log("a.jsonl", "".join(line(n) for n in range(5)))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 5)
    (agent.logs / "a.jsonl.1").write_bytes((agent.logs / "a.jsonl").read_bytes())
    os.truncate(agent.logs / "a.jsonl", 0)
    agent.log("a.jsonl", line(5))
    server.wait_for(lambda: len(server.events()) == 6)
    assert agent.stop() == 0
    assert sorted(e["event_id"] for e in server.events()) == [f"e{n}" for n in range(6)]


def test_retries(agent, server):
    """Failures that pass are waited out; nothing is lost, nothing arrives twice."""
    server.script = [500, 429, "reset", "garbage", "half", (503, {"Retry-After": "1"}, "")]
    agent.log("a.jsonl", "".join(line(n) for n in range(20)))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 20, timeout=30)
    assert agent.stop() == 0
    assert [e["event_id"] for e in server.events()] == [f"e{n}" for n in range(20)]


def test_the_call_at_fault_is_found(agent, server):
    """A batch refused with 400 is halved until the poisonous call is alone; it becomes a dead letter, exit code 3."""
    server.answer = lambda r: (400, {}, "bad user u_bad") if any(c.get("event_id") == "e13" for c in r.calls) else 204
    agent.log("a.jsonl", "".join(line(n) for n in range(40)))
    assert agent.once() == 3
    assert sorted(e["event_id"] for e in server.events()) == sorted(f"e{n}" for n in range(40) if n != 13)
    dead = [json.loads(text) for text in (agent.state / "dead-letter.jsonl").read_text().splitlines()]
    assert [d["call"]["event_id"] for d in dead] == ["e13"]
    assert dead[0]["status"] == 400 and dead[0]["endpoint"] == "events/track" and dead[0]["rule"] == "completion"
    assert dead[0]["file"].endswith("a.jsonl") and dead[0]["offset"] == sum(len(line(n)) for n in range(13))
    assert "bad user u_bad" in dead[0]["reason"]
    assert not agent.said("u_bad")


def test_wrong_key_pauses(agent, server):
    """A 401 drops nothing: uploading pauses, says so, and goes on when the key is taken."""
    server.answer = lambda r: 401
    agent.log("a.jsonl", line(1))
    agent.start()
    agent.wait_said("401")
    server.answer = None
    server.wait_for(lambda: len(server.events()) == 1)
    assert agent.stop() == 0


def test_stops_with_work_left(tmp_path, server):
    """What is not answered when shutdown_timeout ends is read again at the next start."""
    agent = Agent(tmp_path, server.url, upload="  shutdown_timeout: 300ms")
    server.answer = lambda r: 503
    agent.log("a.jsonl", line(1) + line(2))
    agent.start()
    server.wait_for(lambda: len(server.requests) >= 1)
    assert agent.stop() == 0
    assert "held=2" in agent.stderr[-1]
    server.answer = None
    assert agent.once() == 0
    assert sorted(e["event_id"] for e in server.events()) == ["e1", "e2"]


def test_kill_and_start_again(agent, server):
    """After kill -9 nothing is missing, and a repeat bears the same id, also where the log gives none."""
    def bare(n):
        return json.dumps({"msg": "llm.completion", "user": "u", "prompt": f"p{n}"}) + "\n"
    agent.log("a.jsonl", "".join(bare(n) for n in range(100)))
    agent.start()
    server.wait_for(lambda: len(server.events()) >= 1)
    agent.kill()
    agent.log("a.jsonl", "".join(bare(n) for n in range(100, 200)))
    assert agent.once() == 0
    ids = {}
    for e in server.events():
        ids.setdefault(e["ai_data"]["input"], set()).add(e["event_id"])
    assert sorted(ids) == sorted(f"p{n}" for n in range(200))
    assert all(len(v) == 1 for v in ids.values())
    assert len(set.union(*ids.values())) == 200


def test_second_signal(agent, server):
    """A second signal ends it at once, with exit 1; the last line of log says what is undelivered."""
    server.answer = 503
    agent.log("a.jsonl", line(1) + line(2))
    agent.start()
    wait_until(lambda: server.requests)
    agent.process.send_signal(signal.SIGTERM)
    agent.wait_said("stopping")
    assert agent.stop(signal.SIGINT) == 1
    assert "held=2" in agent.stderr[-1] and "undelivered_calls=2" in agent.stderr[-1], agent.stderr[-3:]


def test_two_agents(agent, server):
    """The second agent on a state directory exits 1 and names the holder."""
    agent.start()
    wait_until(lambda: (agent.state / "lock").exists() and agent.state.joinpath("lock").read_text().strip() != "")
    second = agent.command("run", "-c", agent.config, "--once")
    _, text = second.communicate(timeout=20)
    assert second.returncode == 1
    assert str(agent.process.pid) in text
    assert agent.stop(signal.SIGINT) == 0


def test_state_directory_is_not_writable(agent, server):
    """A state directory that cannot be made is a clear error before anything is read."""
    agent.dir.joinpath("state").write_text("a file is in the way")
    agent.log("a.jsonl", line(1))
    assert agent.once() == 1
    assert agent.said(str(agent.state))
    assert server.requests == []


def test_half_a_first_line_is_no_first_line(agent, server):
    """`--once` while a file's first line is half written does not make the file's ids of that half: a copy of the file, made
    while the agent was down, has the same ids."""
    def bare(n):
        return json.dumps({"msg": "llm.completion", "user": "u", "prompt": f"p{n}", "completion": "x" * 300}) + "\n"
    agent.log("a.jsonl", bare(0)[:2])
    assert agent.once() == 0
    agent.log("a.jsonl", bare(0)[2:] + "".join(bare(n) for n in range(1, 10)))
    server.answer = lambda r: 503
    agent.start()
    server.wait_for(lambda: server.requests)
    agent.kill()
    os.rename(agent.logs / "a.jsonl", agent.dir / "saved")
    (agent.logs / "a.jsonl.1").write_bytes((agent.dir / "saved").read_bytes())
    os.rename(agent.dir / "saved", agent.logs / "a.jsonl")
    with open(agent.logs / "a.jsonl", "r+") as f:
        f.truncate()
        f.write("".join(bare(n) for n in range(10, 14)))
    server.answer = None
    agent.start()
    server.wait_for(lambda: len(server.events()) == 14)
    assert agent.stop() == 0
    ids = {}
    for request in server.requests:
        for call in request.calls:
            ids.setdefault(call["ai_data"]["input"], set()).add(call["event_id"])
    assert sorted(ids) == sorted(f"p{n}" for n in range(14))
    assert all(len(i) == 1 for i in ids.values()), ids


def test_moves_between_inputs(tmp_path, server):
    """A file that is moved into another input's directory, under an agent that runs and one that does not, is read on there."""
    agent = Agent(tmp_path, server.url, inputs=f"""    close_inactive: 100ms
  - name: other
    paths: ["{tmp_path}/other/*.jsonl"]
    rescan: 200ms
""")
    here, there = agent.logs / "a.jsonl", tmp_path / "other" / "b.jsonl"
    there.parent.mkdir()
    agent.log("a.jsonl", "".join(line(n) for n in range(20)))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 20)
    here.rename(there)
    wait_until(lambda: not any("jsonl" in os.readlink(fd) for fd in pathlib.Path(f"/proc/{agent.process.pid}/fd").iterdir() if fd.is_symlink()))
    with open(there, "a") as f:
        f.write(line(20))
    server.wait_for(lambda: len(server.events()) == 21)
    assert agent.stop() == 0
    there.rename(here)
    agent.log("a.jsonl", line(21))
    assert agent.once() == 0
    here.rename(there)
    with open(there, "a") as f:
        f.write(line(22))
    assert agent.once() == 0
    assert [e["event_id"] for e in server.events()] == [f"e{n}" for n in range(23)]
    assert not agent.said("cannot be read") and not agent.said("lost")
