"""Several records become one (contract 4.6): joined, ended, and read again after a restart, with nothing lost and nothing
invented. The sum of 6.1 holds at every end."""
import collections
import gzip
import json
import os
import signal
import time

import pytest
from agent import RULES, Agent, wait_until
from server import HANG
from test_survival import OUTCOMES, assert_the_sum_holds, metrics
from test_admin import metric

MERGE = """
rules:
  - name: chat
    when: {$.kind: [request, chunk, response]}
    merge: {by: $.id, until: {$.kind: response}, append: [$.delta]%s}
    event:
      event: chat
      user_id: $.user ?? "anonymous"
      ai_data: {input: $.prompt ?? "-", output: $.delta, convo_id: $.id}
      properties: {first: $meta.offset, file: $meta.file, kinds: $.kind, tags: $.tags}
  - name: single
    when: {$.kind: single}
    event: {event: single, user_id: u, ai_data: {input: $.n, output: x}}
"""
NEVER = ", timeout: 0s"


def merge(more=NEVER):
    return MERGE % more


def record(kind, of, **more):
    return json.dumps({"kind": kind, "id": of, **more}) + "\n"


def request(of, **more):
    return record("request", of, user=f"u-{of}", prompt=f"prompt {of}", **more)


def whole(of, chunks=("a", "b")):
    return request(of) + "".join(record("chunk", of, delta=c) for c in chunks) + record("response", of)


def single(n):
    return json.dumps({"kind": "single", "n": str(n)}) + "\n"


def chats(server):
    return [e for e in server.events() if e["event"] == "chat"]


def singles(server):
    return [e["ai_data"]["input"] for e in server.events() if e["event"] == "single"]


def is_whole(event, chunks="ab"):
    of = event["ai_data"]["convo_id"]
    return (event["ai_data"]["input"], event["ai_data"]["output"], event["user_id"]) == (f"prompt {of}", chunks, f"u-{of}") and event["properties"]["kinds"] == "response"


def ended(agent, how):
    return metric(metrics(agent), f'raingauge_merges_ended_total{{rule="chat",how="{how}"}}')


def open_records(agent):
    return metric(metrics(agent), "raingauge_merges_open")


def read(agent):
    return metric(metrics(agent), "raingauge_lines_read_total")


@pytest.fixture
def merging(agent):
    agent.write_config(rules=merge())
    return agent


def test_lines_become_one(merging, server):
    """Texts are joined, later members win, the line's $meta and id are the first one's, and all count as delivered."""
    merging.log("a.jsonl", single(0) + whole("x"))
    merging.start()
    server.wait_for(lambda: len(server.events()) == 2)
    event = chats(server)[0]
    assert is_whole(event)
    assert event["properties"]["first"] == len(single(0))
    wait_until(lambda: metric(metrics(merging), "raingauge_lines_held") == 0)
    assert_the_sum_holds(merging, 5)
    assert metric(metrics(merging), 'raingauge_lines_total{outcome="delivered"}') == 5
    assert ended(merging, "until") == 1
    assert metric(metrics(merging), "raingauge_buffer_bytes") == 0
    assert merging.stop() == 0


def test_records_of_several_files_of_one_input(merging, server):
    """Requests in one file, answers in another; a record of another input is another record."""
    merging.write_config(rules=merge(), inputs=f'  - {{name: other, paths: ["{merging.logs}/*.other"]}}')
    merging.log("requests.jsonl", request("x"))
    merging.start()
    wait_until(lambda: open_records(merging) == 1)
    merging.log("answers.other", record("chunk", "x", delta="no") + record("response", "x"))
    merging.log("answers.jsonl", record("chunk", "x", delta="ab") + record("response", "x"))
    server.wait_for(lambda: len(chats(server)) == 2)
    by_output = {e["ai_data"]["output"]: e for e in chats(server)}
    assert is_whole(by_output["ab"])
    assert by_output["ab"]["properties"]["file"].endswith("requests.jsonl")
    assert by_output["no"]["user_id"] == "anonymous"
    assert merging.stop() == 0


def test_timeout_while_the_input_is_read_to_its_end(agent, server):
    """It counts from the first record, and what came by then is sent."""
    agent.write_config(rules=merge(", timeout: 1s"))
    agent.log("a.jsonl", request("x") + record("chunk", "x", delta="a"))
    agent.start()
    wait_until(lambda: open_records(agent) == 1)
    agent.log("a.jsonl", record("chunk", "x", delta="b"))
    server.wait_for(lambda: len(chats(server)) == 1)
    assert chats(server)[0]["ai_data"]["output"] == "ab"
    wait_until(lambda: ended(agent, "timeout") == 1)
    assert agent.stop() == 0


def test_no_timeout_while_the_server_is_dead(agent, server):
    """Where reading waits for room, the rest of the record is in the file: it is joined, however late."""
    agent.write_config(rules=merge(", timeout: 2s"), upload="  buffer: 4MiB")
    server.answer = lambda _: 503
    filler = "".join(json.dumps({"kind": "single", "n": "y" * 20000}) + "\n" for _ in range(400))
    agent.log("a.jsonl", request("x") + filler + record("chunk", "x", delta="ab") + record("response", "x"))
    agent.start()
    wait_until(lambda: open_records(agent) == 1)
    time.sleep(4)  # twice the time-out: what must not happen has had its time
    assert ended(agent, "timeout") == 0
    server.answer = None
    server.wait_for(lambda: len(server.events()) == 401, 60)
    assert [is_whole(e) for e in chats(server)] == [True]
    assert agent.stop() == 0


def test_max_open_ends_the_oldest(agent, server):
    agent.write_config(rules=merge(", timeout: 0s, max_open: 3"))
    agent.log("a.jsonl", "".join(request(f"r{i}") for i in range(10)))
    agent.start()
    server.wait_for(lambda: len(chats(server)) == 7)
    assert {e["ai_data"]["convo_id"] for e in chats(server)} == {f"r{i}" for i in range(7)}
    wait_until(lambda: ended(agent, "max_open") == 7)
    assert open_records(agent) == 3
    assert agent.stop() == 0


def test_a_quarter_of_the_buffer_ends_the_oldest(agent, server):
    """Open records are in the buffer, and take no more of it than that."""
    agent.write_config(rules=merge(), upload="  buffer: 4MiB")
    agent.log("a.jsonl", "".join(request(f"r{i}", tags=["z" * 50000]) for i in range(60)))
    agent.start()
    wait_until(lambda: read(agent) == 60)
    wait_until(lambda: metric(metrics(agent), "raingauge_lines_held") == open_records(agent))
    text = metrics(agent)
    assert 0 < ended(agent, "buffer") < 60
    assert metric(text, "raingauge_buffer_bytes") <= 1 << 20
    assert metric(text, "raingauge_merges_open") >= 5
    ids = {e["ai_data"]["convo_id"] for e in chats(server)}
    assert ids == {f"r{i}" for i in range(len(ids))}
    assert agent.stop() == 0


def test_once_ends_all_at_the_end(merging, server):
    """And what is there the next time begins anew."""
    merging.log("a.jsonl", whole("x") + request("y"))
    assert merging.once() == 0
    assert sorted(e["ai_data"]["convo_id"] for e in chats(server)) == ["x", "y"]
    assert merging.said("held=0")
    merging.log("a.jsonl", record("response", "y"))
    assert merging.once() == 0
    assert len(chats(server)) == 3


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_restart_while_records_are_open(merging, server, how):
    """What was settled is not sent again, and what was open is whole; also what came while nobody looked."""
    merging.log("a.jsonl", single(0) + request("x") + single(1) + record("chunk", "x", delta="a") + request("y") + whole("z") + single(2))
    merging.start()
    server.wait_for(lambda: len(server.events()) == 4)
    wait_until(lambda: open_records(merging) == 2 and metric(metrics(merging), "raingauge_lines_held") == 3)
    if how == "stop":
        assert merging.stop() == 0
        assert merging.said("held=3")
    else:
        time.sleep(1)  # several checkpoints
        merging.kill()
    merging.log("a.jsonl", single(3) + record("chunk", "x", delta="b") + record("response", "x"))
    merging.start()
    server.wait_for(lambda: len(server.events()) == 6)
    merging.log("a.jsonl", record("chunk", "y", delta="ab") + record("response", "y"))
    server.wait_for(lambda: len(server.events()) == 7)
    assert all(is_whole(e) for e in chats(server))
    assert collections.Counter(singles(server)) == {str(n): 1 for n in range(4)}
    assert sorted(e["ai_data"]["convo_id"] for e in chats(server)) == ["x", "y", "z"]
    wait_until(lambda: metric(metrics(merging), "raingauge_lines_held") == 0)
    assert_the_sum_holds(merging, 8)
    assert merging.stop() == 0


def test_restarts_one_after_the_other(merging, server):
    """A record stays whole over any number of them, and its id is its first line's."""
    merging.log("a.jsonl", request("x"))
    for n in range(5):
        merging.start()
        wait_until(lambda: open_records(merging) == 1)
        merging.log("a.jsonl", record("chunk", "x", delta=str(n)) + single(n))
        server.wait_for(lambda: len(singles(server)) == n + 1)
        if n % 2:
            merging.stop()
        else:
            time.sleep(0.5)
            merging.kill()
    merging.log("a.jsonl", record("response", "x"))
    merging.start()
    server.wait_for(lambda: len(chats(server)) == 1)
    assert is_whole(chats(server)[0], "01234")
    assert chats(server)[0]["properties"]["first"] == 0
    assert merging.stop() == 0


def test_what_was_refused_before_a_kill_bears_the_same_id(merging, server):
    """The record had ended and was not delivered: all its lines are read again, and make the same call."""
    seen = []
    server.answer = lambda r: seen.extend(r.calls) or 503
    merging.log("a.jsonl", request("x") + record("chunk", "x", delta="a"))
    merging.log("b.jsonl", "")
    merging.start()
    wait_until(lambda: open_records(merging) == 1)
    merging.log("b.jsonl", record("chunk", "x", delta="b") + record("response", "x"))
    wait_until(lambda: len(seen) > 2)
    merging.kill()
    server.answer = None
    merging.start()
    server.wait_for(lambda: len(chats(server)) == 1)
    assert chats(server)[0] == seen[0]
    assert is_whole(seen[0])
    assert merging.stop() == 0


def save_only_where_needed(agent):
    agent.config.write_text(agent.config.read_text().replace("interval: 50ms", "interval: 1h"))


def kill_when_a_chat_arrives(agent, server):
    """As early as can be: whatever it should have written before it sent that is written."""
    seen = []

    def answer(request):
        if not seen and any(c["event"] == "chat" for c in request.calls):
            seen.extend(c for c in request.calls if c["event"] == "chat")
            agent.process.kill()
        return 204

    server.answer = answer
    return seen


def test_a_kill_after_the_calls_of_a_record_that_no_line_ended(agent, server):
    """It ended by its time, and was sent: it is the same again after a restart, and what came later is another one."""
    agent.write_config(rules=merge(", timeout: 500ms"))
    save_only_where_needed(agent)
    agent.log("a.jsonl", request("x") + record("chunk", "x", delta="a"))
    seen = kill_when_a_chat_arrives(agent, server)
    agent.start()
    wait_until(lambda: seen)
    agent.kill()
    agent.log("a.jsonl", record("chunk", "x", delta="b"))
    server.answer = None
    server.delivered.clear()
    agent.start()
    server.wait_for(lambda: len(chats(server)) == 2)
    assert chats(server)[0] == seen[0]
    assert chats(server)[1]["ai_data"]["output"] == "b"
    assert agent.stop() == 0


def test_a_kill_after_the_calls_of_a_record_of_two_files(merging, server):
    """The answer is in another file, which nobody has saved. After the restart a line with the same key in the first
    one is not joined before it."""
    save_only_where_needed(merging)
    merging.log("requests.jsonl", request("x"))
    seen = kill_when_a_chat_arrives(merging, server)
    merging.start()
    wait_until(lambda: open_records(merging) == 1)
    merging.log("answers.jsonl", record("chunk", "x", delta="a") + record("response", "x"))
    wait_until(lambda: seen)
    merging.kill()
    merging.log("requests.jsonl", request("x") + record("chunk", "x", delta="b") + record("response", "x"))
    server.answer = None
    server.delivered.clear()
    merging.start()
    server.wait_for(lambda: len(chats(server)) == 2)
    assert chats(server)[0] == seen[0]
    assert is_whole(chats(server)[1], "b")
    assert merging.stop() == 0


def test_a_line_of_a_settled_record_behind_an_unsettled_one(merging, server):
    """Of the record the first line is passed, and its last one lies behind a line that the server does not take: a
    restart does not make half a record of it."""
    def answer(request):
        return 429 if any(c["event"] == "single" for c in request.calls) else 204  # never given up

    server.answer = answer
    merging.config.write_text(merging.config.read_text().replace("max_age: 20ms", "max_age: 20ms, max_calls: 1"))
    merging.log("a.jsonl", request("x"))
    merging.start()
    wait_until(lambda: open_records(merging) == 1)
    merging.log("a.jsonl", single(0) + record("chunk", "x", delta="ab") + record("response", "x"))
    server.wait_for(lambda: len(chats(server)) == 1)
    wait_until(lambda: metric(metrics(merging), "raingauge_lines_held") == 1)
    for _ in range(2):  # also where it is left so by a run that has joined nothing
        time.sleep(0.5)  # several checkpoints
        merging.kill()
        merging.start()
        wait_until(lambda: metric(metrics(merging), "raingauge_lines_held") == 1)
    server.answer = None
    server.wait_for(lambda: singles(server) == ["0"])
    merging.log("a.jsonl", single(1))
    server.wait_for(lambda: len(singles(server)) == 2)
    assert len(chats(server)) == 1
    assert merging.stop() == 0


@pytest.mark.parametrize("how", ["rename", "rename_out", "copytruncate", "gzip"])
@pytest.mark.parametrize("while_down", [False, True])
def test_rotation_while_a_record_is_open(merging, server, how, while_down):
    """The rest comes in the new file."""
    path, pad = merging.logs / "a.jsonl", "".join(single(f"pad {i}") for i in range(40))
    merging.log("a.jsonl", pad + request("x") + record("chunk", "x", delta="a"))
    merging.start()
    wait_until(lambda: open_records(merging) == 1)
    server.wait_for(lambda: len(singles(server)) == 40)
    if while_down:
        assert merging.stop() == 0
    if how == "rename":
        path.rename(merging.logs / "a.1.jsonl")
    elif how == "rename_out":
        path.rename(merging.logs / "a.jsonl.1")
    elif how == "copytruncate":
        (merging.logs / "a.jsonl.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)
    else:
        (merging.logs / "a.jsonl.1.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    merging.log("a.jsonl", record("chunk", "x", delta="b") + record("response", "x") + single("after"))
    if while_down:
        merging.start()
    server.wait_for(lambda: len(chats(server)) == 1, 40)
    assert is_whole(chats(server)[0])
    server.wait_for(lambda: "after" in singles(server))
    assert max(collections.Counter(singles(server)).values()) == 1
    assert merging.stop() == 0


def test_deleted_while_a_record_is_open(merging, server):
    """What was read of it is in memory."""
    merging.log("a.jsonl", request("x") + record("chunk", "x", delta="a"))
    merging.start()
    wait_until(lambda: open_records(merging) == 1)
    (merging.logs / "a.jsonl").unlink()
    merging.log("b.jsonl", record("chunk", "x", delta="b") + record("response", "x"))
    server.wait_for(lambda: len(chats(server)) == 1)
    assert is_whole(chats(server)[0])
    assert merging.stop() == 0


def test_two_files_are_read_again_in_the_order_of_their_lines(merging, server):
    """The answers' file is older by name and time, and has the end of the record: that comes last all the same."""
    merging.log("a.jsonl", "")
    merging.log("b.jsonl", request("x"))
    seen = []
    server.answer = lambda r: seen.extend(r.calls) or 503
    merging.start()
    wait_until(lambda: open_records(merging) == 1)
    merging.log("a.jsonl", record("chunk", "x", delta="a"))
    wait_until(lambda: read(merging) == 2)
    merging.log("b.jsonl", record("chunk", "x", delta="b"))
    wait_until(lambda: read(merging) == 3)
    merging.log("a.jsonl", record("response", "x"))
    wait_until(lambda: len(seen) > 0)
    for _ in range(3):
        merging.kill()
        seen.clear()
        merging.start()
        wait_until(lambda: len(seen) > 0)
        assert is_whole(seen[0])
        assert seen[0]["properties"]["file"].endswith("b.jsonl")
    server.answer = None
    server.wait_for(lambda: len(chats(server)) == 1)
    assert merging.stop() == 0


def test_a_reload_neither_ends_nor_parts_a_record(merging, server):
    """It keeps the rules of its first line; the next record has the new ones; a rule that is gone is waited for."""
    merging.log("a.jsonl", request("x") + request("y"))
    merging.start()
    wait_until(lambda: open_records(merging) == 2)
    merging.write_config(rules=merge().replace("event: chat\n", "event: chat2\n"))
    merging.process.send_signal(signal.SIGHUP)
    merging.wait_said("configuration reloaded")
    merging.log("a.jsonl", record("chunk", "x", delta="ab") + record("response", "x") + whole("z"))
    server.wait_for(lambda: len(server.events()) == 2)
    assert is_whole(chats(server)[0])
    assert [e for e in server.events() if e["event"] == "chat2"][0]["ai_data"]["convo_id"] == "z"
    merging.stderr.clear()
    merging.write_config(rules=RULES)
    merging.process.send_signal(signal.SIGHUP)
    merging.wait_said("configuration reloaded")
    assert open_records(merging) == 1
    merging.stderr.clear()
    merging.write_config(rules=merge())
    merging.process.send_signal(signal.SIGHUP)
    merging.wait_said("configuration reloaded")
    merging.log("a.jsonl", record("chunk", "y", delta="ab") + record("response", "y"))
    server.wait_for(lambda: len(chats(server)) == 2)
    assert all(is_whole(e) for e in chats(server))
    assert merging.stop() == 0


def test_other_rules_after_a_restart(merging, server):
    """The lines of open records are read again by the rules that are in force then, and lose nothing."""
    merging.log("a.jsonl", request("x") + single(0) + record("chunk", "x", delta="a"))
    merging.start()
    server.wait_for(lambda: len(singles(server)) == 1)
    wait_until(lambda: open_records(merging) == 1)
    assert merging.stop() == 0
    merging.write_config(rules="rules: [{name: all, event: {event: other, user_id: u, ai_data: {input: $.kind, output: x}}}]")
    merging.start()
    server.wait_for(lambda: len(server.events()) == 3)
    assert sorted(e["ai_data"]["input"] for e in server.events() if e["event"] == "other") == ["chunk", "request"]
    assert merging.stop() == 0


OTLP = """
rules:
  - name: trace
    merge: {by: $.trace, until: {$.end: true}, append: [$.text], timeout: 0s}
    event: {event: trace, user_id: $parent.user, ai_data: {input: $.text, output: x}, properties: {whole: $.end}}
"""


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_many_records_a_line(agent, server, how):
    """A line has parts of records that are done and of others that are open: after a restart only the latter are
    joined again."""
    agent.write_config(rules=OTLP)
    agent.config.write_text(agent.config.read_text().replace("    rescan", "    records: $.spans[*]\n    rescan"))

    def batch(user, *spans):
        return json.dumps({"user": user, "spans": [{"trace": t, "text": x, **({"end": True} if e else {})} for t, x, e in spans]}) + "\n"

    agent.log("a.jsonl", batch("one", ("p", "1", 0), ("q", "1", 0)) + batch("two", ("p", "2", 1), ("r", "1", 0)))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    wait_until(lambda: open_records(agent) == 2)
    if how == "stop":
        assert agent.stop() == 0
    else:
        time.sleep(1)
        agent.kill()
    agent.log("a.jsonl", batch("three", ("r", "2", 1), ("q", "2", 1), ("s", "1", 1)))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 4)
    assert sorted((e["ai_data"]["input"], e["user_id"]) for e in server.events()) == [("1", "three"), ("12", "one"), ("12", "one"), ("12", "two")]
    wait_until(lambda: metric(metrics(agent), "raingauge_lines_held") == 0)
    assert open_records(agent) == 0
    assert agent.stop() == 0


def test_a_dead_letter_settles_all_lines(agent, server):
    agent.write_config(rules=merge())
    server.answer = lambda r: 400 if any(c["event"] == "chat" for c in r.calls) else 204
    agent.log("a.jsonl", whole("x") + single(0))
    agent.start()
    wait_until(lambda: (agent.state / "dead-letter.jsonl").exists() and metric(metrics(agent), "raingauge_lines_held") == 0)
    assert metric(metrics(agent), 'raingauge_lines_total{outcome="dead_lettered"}') == 4
    letter = json.loads((agent.state / "dead-letter.jsonl").read_text().splitlines()[0])
    assert (letter["rule"], letter["offset"]) == ("chat", 0) and letter["file"].endswith("a.jsonl")
    assert agent.stop() == 0


def test_a_signal_waits_for_the_event_of_a_merged_record(agent, server):
    """Mapped before it, in the same read: it is sent after it."""
    agent.write_config(rules=merge().replace("  - name: single", "  - name: rated\n    when: {$.kind: rated}\n    signal: {event_id: $.e, signal_name: up}\n  - name: single").replace("event: chat\n", "event: chat\n      event_id: $.id\n"))
    agent.log("a.jsonl", "".join(whole(f"r{i}") + json.dumps({"kind": "rated", "e": f"r{i}"}) + "\n" for i in range(200)))
    agent.start()
    server.wait_for(lambda: len(server.calls()) == 400)
    sent = set()
    for endpoint, call in server.delivered:
        assert endpoint == "events/track" or call["event_id"] in sent
        sent.add(call["event_id"])
    assert agent.stop() == 0
