"""`raingauge map` and `raingauge test`: rules tried on lines, without a network and without state."""
import gzip
import json
import os
import subprocess
import uuid

import pytest

from agent import BINARY

CONFIG = """
inputs:
  - {name: chat, paths: ["logs/*.jsonl"]}
  - {name: text, paths: ["texts/*.log"], parser: raw, order: name}
rules:
  - {name: noise, when: {$.msg: noise}, drop: true}
  - name: completion
    inputs: [chat]
    when: {$.msg: llm, $.user: {exists: true}}
    event: {event: chat, user_id: $.user, ai_data: {input: $.q}, properties: {file: $meta.file}}
  - {name: text, inputs: [text], signal: {event_id: e, signal_name: $.message}}
"""


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "raingauge.yaml").write_text(CONFIG)
    (tmp_path / "logs").mkdir()
    (tmp_path / "texts").mkdir()
    return tmp_path


def run(directory, *arguments, input="", code=0, command="map"):
    """The objects on stdout; stderr is kept beside."""
    p = subprocess.run([BINARY, command, *arguments], cwd=directory, input=input.encode(), capture_output=True,
                       env={"PATH": os.environ["PATH"], "RAINGAUGE_CONFIG": "raingauge.yaml"}, timeout=60)
    run.stderr = p.stderr.decode()
    assert p.returncode == code, run.stderr
    return [json.loads(line) for line in p.stdout.decode().splitlines()] if command == "map" else p.stdout.decode()


def test_a_logfile(directory):
    """Calls in the order of the lines, as they would be sent; --all shows the other lines, and a last one without newline."""
    log = directory / "logs" / "a.jsonl"
    log.write_text('{"msg":"llm","user":"u1","q":"hi"}\n{"msg":"noise"}\n\n{"msg":"tick"}\nnonsense\n{"msg":"llm","user":""}')
    calls = run(directory, "logs/a.jsonl")
    uuid.UUID(calls[0]["call"].pop("event_id"))
    assert calls == [{"endpoint": "events/track", "rule": "completion", "file": "logs/a.jsonl", "offset": 0,
                      "call": {"user_id": "u1", "event": "chat", "ai_data": {"input": "hi"}, "properties": {"file": str(log)}}}]
    assert [(o.get("outcome"), o["offset"], o.get("reason")) for o in run(directory, "--all", "./logs/a.jsonl")] == [
        (None, 0, None), ("dropped", 35, "dropped by rule"), ("unmatched", 52, "no rule matches"), ("invalid", 67, "not JSON"),
        ("rejected", 76, "missing user_id")]


def test_a_file_of_many_names(directory):
    """However many patterns, inputs and names lead to it, it is mapped once, as `run` reads it once."""
    (directory / "raingauge.yaml").write_text(CONFIG.replace('["logs/*.jsonl"]', '["logs/b.jsonl", "logs/*.jsonl"]').replace("texts/*.log", "logs/*"))
    (directory / "logs" / "b.jsonl").write_text('{"msg":"llm","user":"u1","q":"hi"}\n')
    (directory / "logs" / "c.jsonl").write_text('{"msg":"llm","user":"u1","q":"ho"}\n')
    os.utime(directory / "logs" / "c.jsonl", (1e9, 1e9))
    os.link(directory / "logs" / "b.jsonl", directory / "logs" / "hard.jsonl")
    os.symlink("b.jsonl", directory / "logs" / "soft")
    assert [(os.path.basename(c["file"]), c["call"]["ai_data"]["input"]) for c in run(directory)] == [("c.jsonl", "ho"), ("b.jsonl", "hi")]


def test_a_gzip_file(directory):
    """Read as its content where the input says so, as `run` reads it; of one that is cut off what can be read, and exit 1."""
    line = b'{"msg":"llm","user":"u1","q":"hi"}\n'
    (directory / "raingauge.yaml").write_text(CONFIG.replace("*.jsonl", "*").replace("texts/*.log", "texts/*").replace("name}", "name, compression: none}"))
    packed = directory / "logs" / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(line) + gzip.compress(line[:-1]))
    for arguments in [], ["logs/a.jsonl.gz"], ["--input", "chat", str(packed)]:
        assert [(c["offset"], c["call"]["user_id"]) for c in run(directory, *arguments)] == [(0, "u1"), (len(line), "u1")]
    packed.write_bytes((gzip.compress(line) + gzip.compress(line + os.urandom(100000).hex().encode()))[:-20000])
    assert [c["offset"] for c in run(directory, code=1)] == [0, len(line)]
    assert "cut off" in run.stderr
    packed.write_bytes(gzip.compress(line) + b"nonsense")
    assert [c["offset"] for c in run(directory, code=1)] == [0]
    assert "damaged" in run.stderr
    packed.write_bytes(line)
    assert [c["offset"] for c in run(directory)] == [0], "only its name is one"
    packed.unlink()
    (directory / "texts" / "t.gz").write_bytes(gzip.compress(line))
    assert "\x1f" in run(directory)[0]["call"]["signal_name"]


def test_what_a_tests_lines_are(directory):
    """Text, whatever the input's encoding is. Their end ends a record of many lines, and a container's partial line, as the end
    of a LOGFILE does."""
    (directory / "raingauge.yaml").write_text("""
inputs:
  - {name: many, paths: [a], parser: raw, multiline: {start: '^\\d'}}
  - {name: pod, paths: [b], parser: raw, envelope: cri}
  - {name: wide, paths: [c], parser: raw, encoding: utf-16le}
  - {name: old, paths: [d], parser: raw, encoding: latin1}
rules: [{name: text, signal: {event_id: e, signal_name: $.message}}]
tests:
  - {name: a record, input: many, lines: [1 a, ' b', 2 c], expect: [{signal: {signal_name: "1 a\\n b"}}, {signal: {signal_name: 2 c}}]}
  - {name: a part, input: pod, line: "2024-05-01T10:00:00.1Z stdout P one", expect: [{signal: {signal_name: one}}]}
  - {name: text, input: wide, line: caf\u00e9, expect: [{signal: {signal_name: caf\u00e9}}]}
  - {name: text too, input: old, line: caf\u00e9, expect: [{signal: {signal_name: caf\u00e9}}]}
""")
    assert run(directory, command="test") == "ok   a record\nok   a part\nok   text\nok   text too\n4 passed, 0 failed\n"
    lines = "2024-05-01T10:00:00.1Z stdout P one"
    assert [c["call"]["signal_name"] for c in run(directory, "--input", "pod", "-", input=lines)] == ["one"]


def test_which_input_a_file_is_of(directory):
    """The first whose paths match it, else --input, else the first."""
    (directory / "texts" / "t.log").write_text("one\n")
    (directory / "elsewhere").write_text("two\n")
    assert [c["call"]["signal_name"] for c in run(directory, "texts/t.log", "--input", "chat")] == ["one"]
    assert [c["call"]["signal_name"] for c in run(directory, "elsewhere", "--input", "text")] == ["two"]
    assert [c["outcome"] for c in run(directory, "--all", "elsewhere")] == ["invalid"]
    assert [(c["file"], c["call"]["signal_name"]) for c in run(directory, "--input=text", "-", input="three")] == [("-", "three")]
    run(directory, "--input", "nobody", "-", code=2)
    assert 'no input is named "nobody"' in run.stderr


def test_the_inputs_own_files(directory):
    """Without LOGFILE, in the configuration's order, the older file first, or by name."""
    for name, mtime in (("b", 1000), ("a", 2000)):
        path = directory / "logs" / f"{name}.jsonl"
        path.write_text(json.dumps({"msg": "llm", "user": name}) + "\n")
        os.utime(path, (mtime, mtime))
        path = directory / "texts" / f"{name}.log"
        path.write_text(name + "\n")
        os.utime(path, (mtime, mtime))
    assert [os.path.basename(c["file"]) for c in run(directory)] == ["b.jsonl", "a.jsonl", "a.log", "b.log"]


def test_ids_are_of_the_file(directory):
    """The same file gives the same ids under any name; another file, or the same lines from a pipe, others."""
    (directory / "logs" / "a.jsonl").write_text('{"msg":"llm","user":"u"}\n' * 2)
    ids = [c["call"]["event_id"] for c in run(directory, "logs/a.jsonl")]
    assert len(set(ids)) == 2
    os.rename(directory / "logs" / "a.jsonl", directory / "logs" / "b.jsonl")
    assert [c["call"]["event_id"] for c in run(directory, "logs/b.jsonl")] == ids
    (directory / "logs" / "c.jsonl").write_bytes((directory / "logs" / "b.jsonl").read_bytes())
    assert not set(ids) & {c["call"]["event_id"] for c in run(directory, "logs/c.jsonl")}
    piped = [c["call"]["event_id"] for c in run(directory, "-", input='{"msg":"llm","user":"u"}\n')]
    assert piped[0] not in ids
    assert piped == [c["call"]["event_id"] for c in run(directory, "-", input='{"msg":"llm","user":"u"}\n')]


def test_explain(directory):
    """Each rule that was tried on a line, and which condition did not hold, before the line's calls."""
    shown = run(directory, "--explain", "-", input='{"msg":"llm","user":"u"}\n{"msg":"llm"}\n')
    assert [(o.get("explain"), o.get("holds"), o.get("condition"), o.get("rule")) for o in shown] == [
        ("noise", False, "$.msg", None), ("completion", True, None, None), (None, None, None, "completion"),
        ("noise", False, "$.msg", None), ("completion", False, "$.user: {exists}", None)]
    assert shown[-1]["at"] == "raingauge.yaml:9" and shown[-1]["offset"] == 25


def test_a_large_file_through_a_pipe(directory):
    """Lines over any number of reads, a long one among them, keep their offsets."""
    lines = [json.dumps({"msg": "llm", "user": str(n), "q": "x" * (n * 37 % 5000)}) + "\n" for n in range(2000)]
    lines.insert(1000, '{"msg":"' + "y" * 3_000_000 + '"}\n')
    shown = run(directory, "--all", "-", input="".join(lines))
    assert len(shown) == 2001
    offset = 0
    for line, got in zip(lines, shown):
        assert got["offset"] == offset
        offset += len(line)
    assert shown[1000]["outcome"] == "oversized" and shown[2000]["call"]["user_id"] == "1999"


def test_what_cannot_be_read(directory):
    """Is said; the other files are mapped, and the exit code is 1."""
    (directory / "logs" / "a.jsonl").write_text('{"msg":"llm","user":"u"}\n')
    assert len(run(directory, "missing", "logs", "logs/a.jsonl", code=1)) == 1
    assert "missing: No such file or directory" in run.stderr and "logs: " in run.stderr
    run(directory, "--nonsense", code=2)
    (directory / "raingauge.yaml").write_text("rules: 7\n")
    run(directory, "-", code=2)
    assert "raingauge.yaml:1:8: error:" in run.stderr


def test_of_the_configuration(directory):
    """`raingauge test`: a line a test, the difference of those that failed, the sum, the exit code."""
    tests = """
tests:
  - name: a call
    line: {msg: llm, user: u, q: hi}
    expect: [{event: {user_id: u, ai_data: {input: hi}}}]
  - name: noise
    lines: ["not json", '{"msg":"noise"}']
    expect: []
  - name: of another input
    input: text
    line: plain
    expect: [{signal: {signal_name: plain}}]
"""
    (directory / "raingauge.yaml").write_text(CONFIG + tests)
    assert run(directory, command="test") == "ok   a call\nok   noise\nok   of another input\n3 passed, 0 failed\n"
    (directory / "raingauge.yaml").write_text(CONFIG + tests + """
  - name: another input
    line: {msg: llm, user: u, q: hi}
    expect: [{event: {ai_data: {input: ho}}}, {signal: {event_id: e}}]
  - name: rejected
    lines: ['{"msg":"noise"}', '{"msg":"llm","user":""}']
    expect: [{event: {event: chat}}]
""")
    shown = run(directory, command="test", code=1).splitlines()
    assert shown[3].startswith("FAIL another input (raingauge.yaml:")
    assert '    ai_data.input: expected "ho", got "hi"' in shown
    assert "  call 2 is missing:" in shown
    assert "  line 2: rejected: missing user_id (rule completion)" in shown
    assert shown[-1] == "3 passed, 2 failed"
