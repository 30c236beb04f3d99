"""Sentences of the contract's sections 6 and 7 that no other test holds the binary to."""
import json
import os
import re
import signal
import time

import crash
import pytest
from agent import Agent, get, line, metric, wait_until


def ids(server):
    return [e["event_id"] for e in server.events()]


def test_bad_lines(tmp_path, server):
    """Section 7, each row: what is sent, how each line counts, and what is said of it."""
    agent = Agent(tmp_path, server.url, more="dead_letter: {lines: true}", inputs="    max_line_bytes: 2KiB\n    validate: all\n")

    def deep(n):
        return json.dumps({"msg": "llm.completion", "id": f"deep{n}", "user": "u", "prompt": "p"})[:-1] + ',"d":' + "[" * n + "]" * n + "}\n"

    whole = line(3).encode().rstrip(b"\n")
    lines = [
        line(1).encode(), b"{\n", b'  "msg": "x"\n', b"}\n",  # a document over many lines
        b"\0\0\0" + line(2).encode(), whole + b"\0\0\n", b"\0\0\0\0\n", b"\n", b" \t \n",
        line(4).encode().replace(b"question", b"qu\0estion"), line(5).encode().replace(b"\n", b"\r\n"),
        b'{"msg":"llm.completion","id":"first","id":"last","user":"u","prompt":"p"}\n',
        line(7, x="y" * 3000).encode(), line(8).encode(), deep(127).encode(), deep(128).encode(),
        b'{"msg":"llm.completion","id":"utf","user":"u","prompt":"a\xff\xe2\x82b\\ud800c\\udc00\xf0\x9f\x98\x80"}\n',
        b"[1,2]\n", b'{"a":1} x\n', b"{'a':1}\n", b'{"a":01}\n', b"nope\n", line(9, user=None).encode()]
    agent.log("a.jsonl", b"".join(lines))
    os.mkfifo(agent.logs / "fifo.jsonl")
    (agent.logs / "directory.jsonl").mkdir()
    (agent.logs / "device.jsonl").symlink_to("/dev/zero")
    agent.start()
    server.wait_for(lambda: "utf" in ids(server))
    wait_until(lambda: metric(get(agent, "/metrics")[1], "raingauge_lines_held") == 0)
    assert ids(server) == ["e1", "e2", "e3", "e5", "last", "e8", "deep127", "utf"]
    assert server.events()[-1]["ai_data"]["input"] == "a\ufffd\ufffdb\ufffdc\ufffd\U0001f600"
    text = get(agent, "/metrics")[1]
    counts = {"delivered": 8, "invalid": 10, "oversized": 1, "rejected": 1, "unmatched": 0, "dropped": 0, "sampled": 0, "dead_lettered": 0}
    assert {o: metric(text, f'raingauge_lines_total{{outcome="{o}"}}') for o in counts} == counts
    assert metric(text, "raingauge_lines_read_total") == 20
    assert metric(text, "raingauge_nul_bytes_total") == 9
    assert metric(text, 'raingauge_calls_rejected_total{rule="completion",reason="missing user_id"}') == 1
    time.sleep(0.5)  # some rescans
    assert agent.stop() == 0
    said = "\n".join(agent.stderr)
    assert "the beginning of a JSON document over many lines" in said and f"offset={len(lines[0])} " in said
    for name in ("fifo", "directory", "device"):
        assert said.count(f"{name}.jsonl") == 1
    assert re.search(r"message=stopped read=20 delivered=8 dropped=0 unmatched=0 sampled=0 invalid=10 oversized=1 rejected=1 dead_lettered=0", agent.stderr[-1])
    kept = [json.loads(text) for text in (agent.state / "dead-letter.jsonl").read_text().splitlines()]
    assert [x["outcome"] for x in kept] == ["invalid"] * 10 + ["rejected"]
    assert all(set(x) == {"time", "outcome", "line", "file", "offset", "reason"} for x in kept)
    assert "qu\\u0000estion" in json.dumps(kept[3]["line"])


def test_a_dead_letter_says_what_there_is_to_say(tmp_path, server):
    """Its members, the first KiB of the answer as its reason, and nothing of that in the log."""
    agent = Agent(tmp_path, server.url, raindrop="  project_id: alpha")
    server.answer = lambda r: (422, {}, "secret answer " * 200)
    agent.log("a.jsonl", line(1) + line(2))
    assert agent.once() == 3
    letters = [json.loads(text) for text in (agent.state / "dead-letter.jsonl").read_text().splitlines()]
    letter = max(letters, key=lambda x: x["offset"])  # they were refused at the same time
    assert list(letter) == ["time", "destination", "project", "endpoint", "rule", "file", "offset", "status", "reason", "call"]
    assert letter["reason"] == ("secret answer " * 200)[:1024]
    assert (letter["destination"], letter["project"], letter["endpoint"], letter["rule"], letter["file"], letter["offset"], letter["status"]) == \
        ("raindrop", "alpha", "events/track", "completion", str(agent.logs / "a.jsonl"), len(line(1)), 422)
    assert not agent.said("secret answer")
    assert oct((agent.state / "dead-letter.jsonl").stat().st_mode & 0o777) == oct((agent.state / "checkpoint").stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 402, 404, 405, 407])
def test_pauses(agent, server, status):
    """Nothing is dropped, it is said loudly, once, and a redirect is not followed; then it goes on."""
    server.script = [(status, {"Location": f"{server.url}/elsewhere"}, "")] * 4
    agent.log("a.jsonl", line(1) + line(2))
    agent.start()
    server.wait_for(lambda: ids(server) == ["e1", "e2"])
    assert agent.stop() == 0
    assert {r.path for r in server.requests} == {"/v1/events/track"} and len(server.requests) == 5
    assert len({len(r.calls) for r in server.requests}) == 1, "a pause halves nothing"
    assert sum("uploading is paused" in text for text in agent.stderr) == 1 and agent.said(f"status {status}")
    assert not (agent.state / "dead-letter.jsonl").exists()


def test_another_url(agent, server):
    """The checkpoint names the URL it was delivered to; one warning where the configuration has another."""
    agent.log("a.jsonl", line(1))
    assert agent.once() == 0
    assert not agent.said("another URL")
    agent.config.write_text(agent.config.read_text().replace("/v1", "/v1/"))
    agent.log("a.jsonl", line(2))
    assert agent.once() == 0
    moved = server.url.replace("127.0.0.1", "localhost")
    agent.config.write_text(agent.config.read_text().replace(server.url + "/", moved))
    agent.log("a.jsonl", line(3))
    assert agent.once() == 0
    assert sum("another URL" in text and moved in text for text in agent.stderr) == 1
    assert ids(server) == ["e1", "e2", "e3"]


def test_nothing_good_is_left_of_the_checkpoint(agent, server):
    """Files are read from the beginning then, whatever start_at says, under the same ids."""
    agent.write_config(inputs="    start_at: end")
    agent.log("a.jsonl", line(1))
    assert agent.once() == 0
    agent.log("a.jsonl", line(2))
    assert agent.once() == 0
    assert ids(server) == ["e2"]
    (agent.state / "checkpoint").write_bytes(b"\x00\xff nothing of it\n" * 9)
    assert agent.once() == 0
    assert ids(server) == ["e2", "e1", "e2"]
    assert agent.said("is damaged") and len(list(agent.state.glob("checkpoint.corrupt-*"))) == 1


def test_a_new_input_starts_by_its_start_at(tmp_path, server):
    """An input that a reload brings, with start_at: end, takes only what is written from then on."""
    agent = Agent(tmp_path, server.url)
    late = tmp_path / "late"
    late.mkdir()
    (late / "a.jsonl").write_text(line(1))
    agent.start()
    agent.wait_said("message=started")
    agent.write_config(inputs=f"  - name: late\n    paths: [\"{late}/*.jsonl\"]\n    start_at: end\n    rescan: 200ms\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_said("reloaded")
    checkpoint = agent.state / "checkpoint"
    wait_until(lambda: checkpoint.exists() and '"input":"late"' in checkpoint.read_text())
    with open(late / "a.jsonl", "a") as f:
        f.write(line(2))
    agent.log("b.jsonl", line(3))
    server.wait_for(lambda: sorted(ids(server)) == ["e2", "e3"])
    assert agent.stop() == 0


@pytest.mark.parametrize("order,expected", [("name", [1, 2, 3]), ("modified", [3, 1, 2]), ("fair", [3, 1, 2])])
def test_order_of_once(tmp_path, server, order, expected):
    """`--once` reads the inputs in the configuration's order, an input's files by name or by time (fair: by time)."""
    second = tmp_path / "second"
    second.mkdir()
    agent = Agent(tmp_path, server.url, upload="  concurrency: 1",
                  inputs=f"    order: {order}\n  - name: second\n    order: {order}\n    paths: [\"{second}/*.jsonl\"]\n")
    for directory, first in ((second, 4), (agent.logs, 1)):
        for age, n in ((20, first), (10, first + 1), (30, first + 2)):
            path = directory / f"{n}.jsonl"
            path.write_text("".join(line(10 * n + i) for i in range(3)))
            os.utime(path, (time.time() - age, time.time() - age))
    assert agent.once() == 0
    files = [int(i[1:-1]) for i in ids(server)][::3]
    assert files == expected + [n + 3 for n in expected]


def test_suspended(tmp_path, server):
    """A process that stood still, with requests under way and timers due: it goes on, and does not storm."""
    agent = Agent(tmp_path, server.url)
    agent.config.write_text(agent.config.read_text().replace("timeout: 5s", "timeout: 1s"))
    server.script = ["hang"]
    agent.start()
    agent.log("a.jsonl", line(1))
    server.wait_for(lambda: len(server.requests) == 1)
    agent.process.send_signal(signal.SIGSTOP)
    time.sleep(2.5)  # the suspension
    agent.log("a.jsonl", line(2))
    agent.process.send_signal(signal.SIGCONT)
    server.wait_for(lambda: sorted(set(ids(server))) == ["e1", "e2"])
    assert len(server.requests) < 6
    server.release()
    assert agent.stop() == 0


def wait_until_quiet(record):
    """Nothing has been written for longer than the time between two saves."""
    seen, since = -1, 0

    def quiet():
        nonlocal seen, since
        if record.stat().st_size != seen:
            seen, since = record.stat().st_size, time.monotonic()
        return time.monotonic() > since + 1.5

    wait_until(quiet, 60, "the checkpoint is saved")


def test_what_the_checkpoint_costs(tmp_path, server):
    """It grows with the files that changed, not with those that are watched."""
    library, record = crash.build(tmp_path), tmp_path / "record"
    agent = Agent(tmp_path, server.url, inputs="    watch: inotify\n")
    files = 1000
    for n in range(files):
        agent.log(f"{n}.jsonl", line(n))
    with open(record, "wb") as out:
        os.set_inheritable(out.fileno(), True)
        agent.start(pass_fds=(out.fileno(),), environment={"LD_PRELOAD": str(library), "DISK_DIR": str(agent.state), "DISK_RECORD": str(out.fileno()),
                                                           "ASAN_OPTIONS": "verify_asan_link_order=0"})
        server.wait_for(lambda: len(server.events()) == files, timeout=60)
        wait_until(lambda: metric(get(agent, "/metrics")[1], "raingauge_lines_held") == 0)
        wait_until_quiet(record)
        for changed in (0, 3):
            before = record.stat().st_size
            for n in range(changed):
                agent.log(f"{n}.jsonl", line(files + n))
            server.wait_for(lambda: len(server.events()) == files + changed)
            wait_until_quiet(record)
            changes = list(crash.changes_of(record.read_bytes()[before:]))
            written = sum(len(data) for what, *_, data, _ in changes if what == "w")
            assert written <= 2048 * changed and sum(what == "s" for what, *_ in changes) <= 4 * changed, changes
    assert agent.stop() == 0


@pytest.mark.skipif("RAINGAUGE_RELEASE_BINARY" not in os.environ, reason="RAINGAUGE_RELEASE_BINARY is not set (a build without sanitizers)")
def test_a_known_file_costs_little(tmp_path, server, monkeypatch):
    """However many lines of it were once under way: 6.6, a small constant for a file that is known."""
    monkeypatch.setattr("agent.BINARY", os.environ["RAINGAUGE_RELEASE_BINARY"])
    agent = Agent(tmp_path, server.url, upload="  buffer: 4MiB", inputs="    close_inactive: 100ms\n")
    delivered = [0]

    def answer(request):
        delivered[0] += len(request.calls)
        server.requests.clear()
        server.delivered.clear()
        return 204

    def resident_after(first, last):
        for n in range(first, last):
            agent.log(f"{n}.jsonl", "".join(line(1000 * n + i) for i in range(1000)))
        wait_until(lambda: delivered[0] == 1000 * last, timeout=60)
        wait_until(lambda: metric(get(agent, "/metrics")[1], "raingauge_lines_held") == 0)
        return int(open(f"/proc/{agent.process.pid}/statm").read().split()[1]) * 4

    server.answer = answer
    agent.start()
    few, many = resident_after(0, 50), resident_after(50, 200)
    assert many - few < 6144, f"{(many - few) / 150:.0f} KiB a file"
    assert agent.stop() == 0
