"""raingauge replay: dead letters are sent again."""
import fcntl
import json
import os
import pty
import signal
import subprocess
import threading

import pytest

from agent import BINARY, KEY, RULES, Agent, line, wait_until
from server import HANG


def dead_letters(agent, name="dead-letter.jsonl"):
    path = agent.state / name
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def refuse(*ids):
    """Answers 400 where one of these is in the request."""
    return lambda request: (400, {}, "no") if any(c.get("event_id") in ids or c.get("user_id") in ids for c in request.calls) else 204


def replay(agent, *args, code=0, **options):
    process = agent.command("replay", "-c", agent.config, *args, **options)
    said = process.communicate(timeout=60)[1]
    assert "Sanitizer" not in said and "runtime error" not in said, said
    assert process.returncode == code, said
    return said


def letter(n, **more):
    value = {"time": "2026-01-01T00:00:00.000Z", "destination": "raindrop", "endpoint": "events/track", "rule": "completion",
             "file": "/gone/chat.jsonl", "offset": 10 * n, "status": 400, "reason": "no",
             "call": {"event": "chat", "event_id": f"e{n}", "user_id": "u", "properties": {"n": n, "exact": 1.10}}}
    value.update(more)
    return json.dumps(value) + "\n"


def test_what_was_refused_is_sent_again(agent, server):
    """Every kind of call, just as it was, to the end; the file is left as it is, and a second time is as good."""
    agent.log("chat.jsonl", line(1) + line(2) + '{"msg":"feedback","id":"e3","rating":"up"}\n' + '{"msg":"login","user":"u9","plan":"pro"}\n')
    server.answer = refuse("e1", "e3", "u9")
    assert agent.once() == 3
    letters = dead_letters(agent)
    assert len(letters) == 3
    before = (agent.state / "dead-letter.jsonl").read_bytes()
    server.answer = None
    server.delivered.clear()
    for _ in range(2):
        said = replay(agent, agent.state / "dead-letter.jsonl")
        assert "read=3 delivered=3" in said
    assert sorted(json.dumps(c) for c in server.calls()) == sorted(2 * [json.dumps(x["call"]) for x in letters])
    assert (agent.state / "dead-letter.jsonl").read_bytes() == before
    assert all("rk_test" in r.headers["Authorization"] for r in server.requests)


def test_what_fails_again_is_appended(agent, server):
    """It says again where it came from; exit code 3; replay of the very file stops at the size it had."""
    agent.log("chat.jsonl", line(1) + line(2) + line(3))
    server.answer = refuse("e1", "e2")
    assert agent.once() == 3
    server.answer = refuse("e2")
    said = replay(agent, agent.state / "dead-letter.jsonl", code=3)
    assert "read=2 delivered=1" in said and "dead_lettered=1" in said
    letters = dead_letters(agent)
    assert [x["call"]["event_id"] for x in letters] == ["e1", "e2", "e2"]
    assert {k: v for k, v in letters[2].items() if k != "time"} == {k: v for k, v in letters[1].items() if k != "time"}


FORMS = {
    "latin1": ("encoding: latin1", lambda text: text.encode("latin1") + b"\n"),
    "utf-16le": ("encoding: utf-16le", lambda text: (text + "\n").encode("utf-16le")),
    "cri": ("envelope: cri", lambda text: f"2024-05-01T10:00:00.1Z stderr F {text}\n".encode()),
    "cri in parts": ("envelope: auto", lambda text: f"2024-05-01T10:00:00.1Z stderr P {text[:5]}\n2024-05-01T10:00:01Z stderr F {text[5:]}\n".encode()),
    "docker": ("envelope: docker", lambda text: json.dumps({"log": text + "\n", "stream": "stderr", "time": "2024-05-01T10:00:00.1Z"}).encode() + b"\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_kept_line_is_text_already(agent, server, form):
    """Its encoding and envelope are not looked for again; what the envelope said is still known; a call has its line's id where
    the line still stands there."""
    setting, bytes_of = FORMS[form]
    rules = """rules:
  - name: r
    event: {event: e, user_id: $.u, ai_data: {input: $.q}, properties: {stream: $meta.stream}}
    identify: {user_id: v, traits: {q: $.q}}"""
    agent.write_config(inputs=f"    {setting}", rules=rules, more="dead_letter: {lines: true}")
    agent.log("a.jsonl", bytes_of('{"q":"caf\u00e9"}') + bytes_of('{"u":"u","q":"x"}'))
    assert agent.once() == 0
    kept, = dead_letters(agent)
    assert kept["line"] == '{"q":"caf\u00e9"}'
    server.delivered.clear()
    agent.write_config(inputs=f"    {setting}", rules=rules.replace("$.u", '$.u ?? "w"'), more="dead_letter: {lines: true}")
    replay(agent, agent.state / "dead-letter.jsonl")
    event, = server.events()
    mapped = json.loads(subprocess.run([BINARY, "map", "-c", agent.config], capture_output=True).stdout.splitlines()[0])["call"]
    if form != "cri":
        del event["event_id"], mapped["event_id"]
    assert event == mapped and event["ai_data"] == {"input": "caf\u00e9"}
    assert ("timestamp" in event) == (event.get("properties") == {"stream": "stderr"}) == ("envelope" in setting)


MERGED = {
    "plain": ("", "", "$", '{"id":1,"k":"req","q":"a"}\n{"id":1,"k":"res","o":"b"}\n'),
    "under names": ("", "as: $.k, ", "$.req", '{"id":1,"k":"req","q":"a"}\n{"id":1,"k":"res","o":"b"}\n'),
    "of records": ("records: $.r[*]", "", "$", '{"r":[{"id":1,"k":"req","q":"a"}]}\n{"r":[{"id":1,"k":"res","o":"b"}]}\n'),
    "of logfmt": ("parser: logfmt", "", "$", "id=1 k=req q=a\nid=1 k=res o=b\n"),
    "of many lines": ("parser: regex\n    pattern: '^# id=(?<id>.) k=(?<k>\\w+) q=(?<q>\\w)'\n    multiline: {start: '^#'}", "", "$", "# id=1 k=req q=a\n x\n# id=1 k=res q=a\n"),
}


@pytest.mark.parametrize("form", MERGED)
def test_a_merged_record_that_was_kept(agent, server, form):
    """It is a record of its rule already: no parser, `records`, `when` or `as` is applied to it again, and it is not sampled twice;
    where the rule is no more it is a line as others."""
    setting, name, root, lines = MERGED[form]
    rules = f"""rules:
  - name: m
    when: {{$.k: [req, res]}}
    sample: {{rate: 0.999999, by: $.id}}
    merge: {{by: $.id, {name}until: {{$.k: res}}}}
    event: {{event: e, user_id: {root}.u, ai_data: {{input: {root}.q}}}}"""
    agent.write_config(inputs=f"    {setting}", rules=rules, more="dead_letter: {lines: true}")
    agent.log("a.jsonl", lines)
    assert agent.once() == 0
    kept, = dead_letters(agent)
    assert kept["merged_by"] == "m"
    agent.write_config(inputs=f"    {setting}", rules=rules.replace(".u,", ".u ?? \"w\","), more="dead_letter: {lines: true}")
    said = replay(agent, agent.state / "dead-letter.jsonl")
    assert "delivered=1" in said and [(e["user_id"], e["ai_data"]) for e in server.events()] == [("w", {"input": "a"})]
    if name:
        agent.write_config(rules=rules.replace("name: m", "name: n"))
        assert "unmatched=1" in replay(agent, agent.state / "dead-letter.jsonl")


def test_a_line_without_its_envelope_is_kept_as_it_is(agent, server):
    """The present rules want it still; `auto` does not."""
    agent.write_config(inputs="    envelope: cri", more="dead_letter: {lines: true}")
    agent.log("a.jsonl", line(1))
    assert agent.once() == 0
    replay(agent, agent.state / "dead-letter.jsonl")
    assert server.requests == [] and len(dead_letters(agent)) == 2
    agent.write_config(inputs="    envelope: auto", more="dead_letter: {lines: true}")
    replay(agent, agent.state / "dead-letter.jsonl")
    assert {e["event_id"] for e in server.events()} == {"e1"}


def test_beside_a_running_agent(agent, server):
    """Both append to one dead-letter file, each whole lines."""
    server.answer = refuse(*(f"e{n}" for n in range(200)))
    agent.write_config(upload="  max_refused: 100000")
    aside = agent.dir / "aside.jsonl"
    aside.write_text("".join(letter(n) for n in range(100)))
    agent.start()
    thread = threading.Thread(target=lambda: [agent.log("chat.jsonl", line(n)) for n in range(100, 200)])
    thread.start()
    replay(agent, aside, code=3)
    thread.join()
    wait_until(lambda: len(dead_letters(agent)) == 200)
    assert agent.stop() == 0
    assert {x["call"]["event_id"] for x in dead_letters(agent)} == {f"e{n}" for n in range(200)}


def test_kept_lines_are_mapped_anew(agent, server):
    """By the present rules; ids are those the agent would have made; what is still wrong is kept again, without a 3."""
    agent.write_config(more="dead_letter: {lines: true}")
    agent.log("chat.jsonl", '{"msg":"llm.completion","prompt":"a","uid":"u1"}\n' + "not json\n" + '{"msg":"llm.completion","prompt":"b"}\n')
    assert agent.once() == 0
    assert [x["outcome"] for x in dead_letters(agent)] == ["rejected", "invalid", "rejected"]
    mended = RULES.replace("user_id: $.user\n      timestamp", "user_id: $.user ?? $.uid\n      timestamp")
    agent.write_config(rules=mended)
    said = replay(agent, agent.state / "dead-letter.jsonl")
    assert "read=3 delivered=1" in said and "invalid=1" in said and "rejected=1" in said
    assert [x["outcome"] for x in dead_letters(agent)] == ["rejected", "invalid", "rejected", "invalid", "rejected"]
    assert dead_letters(agent)[4]["offset"] == dead_letters(agent)[2]["offset"]
    mapped = agent.command("map", "-c", agent.config, agent.logs / "chat.jsonl", stdout=-1).communicate(timeout=60)[0]
    assert [json.loads(mapped.splitlines()[0])["call"]] == server.events()
    assert server.events()[0]["user_id"] == "u1"


def test_destinations(tmp_path, server):
    """Each call goes with its destination's key and project; one that is no more is never sent with another's: it stays a
    dead letter, which is said, with exit code 3, and goes when the destination is there again."""
    team_a = "  team-a: {write_key: rk_team_a, project_id: alpha}\n"
    agent = Agent(tmp_path, server.url, more="destinations:\n" + team_a)
    aside = agent.dir / "aside.jsonl"
    aside.write_text(letter(1, destination="team-a", project="alpha") + letter(2) + letter(3, destination="team-b", project="beta")
                     + letter(4, destination="") + letter(5))
    said = replay(agent, aside, code=3)
    assert "not in the configuration" in said and "line=3" in said and "destination=team-b" in said and "rk_" not in said
    assert "read=5 delivered=4" in said and "dead_lettered=1" in said
    sent = {c["event_id"]: r.headers for r in server.requests for c in r.calls}
    assert set(sent) == {"e1", "e2", "e4", "e5"}
    assert sent["e1"]["Authorization"] == "Bearer rk_team_a" and sent["e1"]["X-Raindrop-Project-Id"] == "alpha"
    assert "X-Raindrop-Project-Id" not in sent["e2"]
    kept, = dead_letters(agent)
    was = json.loads(letter(3))
    assert {k: v for k, v in kept.items() if k not in ("time", "reason")} == {k: v for k, v in was.items() if k not in ("time", "status", "reason")} | {
        "destination": "team-b", "project": "beta"}
    assert kept["time"] > was["time"] and "configuration" in kept["reason"] and '"exact":1.1' in json.dumps(kept["call"], separators=(",", ":"))

    agent.write_config(more="destinations:\n" + team_a + "  team-b: {write_key: rk_team_b}")
    server.requests.clear()
    replay(agent, agent.state / "dead-letter.jsonl")
    assert [(r.headers["Authorization"], r.headers["X-Raindrop-Project-Id"]) for r in server.requests] == [("Bearer rk_team_b", "beta")]


def test_a_destination_that_takes_nothing_holds_up_nobody_else(tmp_path, server):
    """However many of its letters come first, and among which kept lines: theirs go, in their order; its own when it takes them."""
    more = "destinations:\n  team-a: {write_key: rk_team_a}\n  team-b: {write_key: rk_team_b}"
    agent = Agent(tmp_path, server.url, more=more, upload="  buffer: 4MiB\n  concurrency: 2")
    text = "x" * 20000

    def big(n, to):
        return letter(n, destination=to, call={"event": "chat", "event_id": f"e{n}", "user_id": "u", "ai_data": {"input": text}})

    kept = "".join(json.dumps({"time": "2026-01-01T00:00:00.000Z", "outcome": "invalid", "line": line(n).rstrip(), "offset": 0}) + "\n"
                   for n in range(9000, 9010))
    files = [agent.dir / "first.jsonl", agent.dir / "second.jsonl"]
    files[0].write_text("".join(big(n, "team-a") for n in range(400)) + "no letter\n" + kept + letter(5000))
    files[1].write_text("".join(big(n, "team-a" if n % 2 else "team-b") for n in range(1000, 1100)) + letter(5001, destination="team-c"))
    revoked = [True]
    server.answer = lambda r: 401 if revoked[0] and r.headers["Authorization"].endswith("team_a") else 204
    process = agent.command("replay", "-c", agent.config, *files)
    others = [f"e{n}" for n in [*range(1000, 1100, 2), 5000, *range(9000, 9010)]]
    server.wait_for(lambda: len(server.events()) == len(others), timeout=60)
    assert sorted(e["event_id"] for e in server.events()) == sorted(others)
    wait_until(lambda: len(dead_letters(agent)) == 1)
    of_b = [e["event_id"] for e in server.events() if e["event_id"] < "e2" and len(e["event_id"]) == 5]
    firsts = [c["event_id"] for r in server.requests if r.headers["Authorization"].endswith("team_b") for c in r.calls]
    assert firsts == of_b == [f"e{n}" for n in range(1000, 1100, 2)]
    assert process.poll() is None
    revoked[0] = False
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 1 and said.count("a dead letter cannot be sent again") == 1 and "line=401" in said, said
    assert "Sanitizer" not in said and "runtime error" not in said, said
    of_a = [f"e{n}" for n in [*range(400), *range(1001, 1100, 2)]]
    assert sorted(e["event_id"] for e in server.events()) == sorted(others + of_a), "each once"
    assert "read=513 delivered=511" in said, said


BAD = ["", "{", "[]", "{}", '{"call":1,"endpoint":"events/track"}', letter(1, endpoint="x/y"), letter(1, project="No Slug"),
       letter(1, offset="7"), letter(1, offset=-1), letter(1, file="a\0b"), letter(1, call=None), letter(1, destination=7), '{"line":7}']


@pytest.mark.parametrize("bad", BAD)
def test_lines_that_are_no_dead_letters(agent, server, bad):
    """They are said with their place; the others are sent; exit code 1."""
    aside = agent.dir / "aside.jsonl"
    aside.write_text(letter(1) + bad.rstrip("\n") + "\n" + letter(2).rstrip("\n"))
    said = replay(agent, aside, code=1)
    assert "line=2" in said
    assert [c["event_id"] for c in server.events()] == ["e1", "e2"]
    assert server.events()[0] == json.loads(letter(1))["call"]


def test_usage(agent, server):
    """No file, a wrong time-out, an invalid configuration: 2; a file that is not there: 1, and nothing was sent."""
    aside = agent.dir / "aside.jsonl"
    aside.write_text(letter(1))
    replay(agent, code=2)
    replay(agent, "--timeout", "soon", aside, code=2)
    assert "nothing.jsonl" in replay(agent, aside, agent.dir / "nothing.jsonl", code=1)
    replay(agent, aside, agent.dir, code=1)
    agent.config.write_text("inputs: 7\n")
    replay(agent, aside, code=2)
    assert server.requests == []


def test_time_out_and_signal(agent, server):
    """Both end it with 1 while the server does not answer, and say how far it came; the next run sends everything."""
    agent.write_config(upload="  shutdown_timeout: 300ms")
    aside = agent.dir / "aside.jsonl"
    aside.write_text("".join(letter(n) for n in range(2000)))
    server.answer = lambda request: HANG
    assert "--timeout is over" in replay(agent, "--timeout", "300ms", aside, code=1)
    server.requests.clear()
    process = agent.command("replay", "-c", agent.config, aside)
    server.wait_for(lambda: len(server.requests) > 3)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1 and "ended before its end" in said
    server.requests.clear()
    agent.write_config(upload="  shutdown_timeout: 60s")
    process = agent.command("replay", "-c", agent.config, aside)
    server.wait_for(lambda: len(server.requests) > 3)
    process.send_signal(signal.SIGINT)
    while "stopping" not in process.stderr.readline():
        pass
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 1 and "delivered=0" in said.splitlines()[-1], "a second one at once"
    server.answer = None
    server.release()
    replay(agent, aside)
    assert {c["event_id"] for c in server.events()} == {f"e{n}" for n in range(2000)}


def test_waits_for_the_lock(agent, server):
    """While another process holds the dead-letter file's lock nothing is appended; afterwards it is."""
    agent.state.mkdir()
    aside = agent.dir / "aside.jsonl"
    aside.write_text(letter(1))
    server.answer = refuse("e1")
    with open(agent.state / "dead-letter.jsonl", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = agent.command("replay", "-c", agent.config, aside)
        server.wait_for(lambda: len(server.requests) == 1)
        with pytest.raises(Exception):
            process.wait(0.3)
        assert held.tell() == 0 and dead_letters(agent) == []
    process.communicate(timeout=30)
    assert process.returncode == 3 and len(dead_letters(agent)) == 1


def test_progress_bar(agent, server):
    """On a terminal how far it is stands on stderr."""
    aside = agent.dir / "aside.jsonl"
    aside.write_text("".join(letter(n) for n in range(50)))
    controller, terminal = pty.openpty()
    process = subprocess.Popen([BINARY, "replay", "-c", str(agent.config), str(aside)], stderr=terminal, env={**os.environ, "RAINDROP_WRITE_KEY": KEY})
    os.close(terminal)
    shown = b""
    try:
        while piece := os.read(controller, 4096):
            shown += piece
    except OSError:
        pass  # its end
    assert process.wait(30) == 0
    assert b"100%" in shown and b"50 calls" in shown
