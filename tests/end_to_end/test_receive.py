"""`raingauge receive`, the local stand-in for Raindrop: what it takes, what it refuses and why, what it keeps and shows."""
import gzip
import http.client
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess

import pytest

from agent import BINARY, wait_until

EVENT = {"user_id": "u1", "event": "chat", "event_id": "e1", "ai_data": {"input": "hi", "output": "hello", "model": "m"}}
SIGNAL = {"event_id": "e1", "signal_name": "thumbs_up", "sentiment": "POSITIVE"}
IDENTIFY = {"user_id": "u1", "traits": {"plan": "paid"}}
HEADERS = {"Authorization": "Bearer k", "Content-Type": "application/json"}


class Receiver:
    """A running `raingauge receive` on a port of its own."""

    def __init__(self, directory, *arguments, stdout=None):
        self.out = directory / "calls.jsonl"
        self.shown = directory / "shown"
        with open(self.shown, "wb") as shown:
            self.process = subprocess.Popen([BINARY, "receive", "--listen", "127.0.0.1:0", "--out", str(self.out), *arguments],
                                            stdout=shown if stdout is None else stdout, stderr=subprocess.PIPE)
        if stdout is None:
            wait_until(lambda: self.shown.read_text().endswith("\n"), what="receive listens")
            self.port = int(re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)\n", self.shown.read_text())[1])

    def post(self, path, body, headers=None, method="POST", raw=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body if raw else json.dumps(body), HEADERS if headers is None else headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text) if text else None

    def kept(self):
        return [json.loads(line) for line in self.out.read_text().splitlines()]

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, self.shown.read_text(), err.decode()


@pytest.fixture
def receive(tmp_path):
    started = []

    def start(*arguments, **more):
        started.append(Receiver(tmp_path, *arguments, **more))
        return started[-1]

    yield start
    for r in started:
        if r.process.poll() is None:
            r.process.kill()
            r.process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_takes_what_is_documented(receive, how):
    """All three endpoints, with and without /v1, identify also alone; kept when the answer has come; the sum at the end."""
    r = receive()
    assert r.post("/v1/events/track", [EVENT, {**EVENT, "event_id": "e2"}]) == (204, None)
    assert r.kept() == [{"endpoint": "events/track", "call": EVENT}, {"endpoint": "events/track", "call": {**EVENT, "event_id": "e2"}}]
    assert r.post("/signals/track", [SIGNAL]) == (204, None)
    assert r.post("/v1/users/identify", IDENTIFY) == (204, None)
    assert r.post("/v1/users/identify", [IDENTIFY, IDENTIFY]) == (204, None)
    assert r.post("/v1/events/track", []) == (204, None)
    assert [k["endpoint"] for k in r.kept()] == ["events/track"] * 2 + ["signals/track"] + ["users/identify"] * 3
    code, out, err = r.stop(how)
    assert code == 0
    assert out.splitlines()[-1] == "received 2 events, 1 signals, 3 identify calls; refused 0"
    assert err == ""
    assert "\x1b" not in out
    assert re.search(r'event +chat  u1  m  "hi" → "hello"', out)
    assert re.search(r"signal +thumbs_up  POSITIVE", out)
    assert re.search(r"identify +u1  plan=paid", out)
    assert "warning" not in out


@pytest.mark.parametrize("path, body, place", [
    ("/v1/events/track", [EVENT, {"user_id": "u", "event": "e", "ai_data": {"input": 1}}], (1, "ai_data.input", "must be a string")),
    ("/v1/events/track", [{"user_id": "u"}], (0, "event", "is missing")),
    ("/v1/signals/track", [{**SIGNAL, "sentiment": "good"}], (0, "sentiment", "must be one of POSITIVE, NEGATIVE")),
    ("/v1/users/identify", {"user_id": "u", "trait": {}}, (0, "traits", "is missing")),
    ("/v1/events/track", ["x"], (0, "", "must be an object")),
])
def test_names_what_is_wrong(receive, path, body, place):
    """400 names the call and the member; the whole request is refused, and nothing of it is kept."""
    r = receive()
    status, answer = r.post(path, body)
    assert status == 400
    index, member, problem = place
    assert answer["calls"][0]["index"] == index
    assert {"path": member, "problem": problem} in answer["calls"][0]["problems"]
    assert answer["refused"] == 1
    assert r.kept() == []
    code, out, _ = r.stop()
    assert code == 0
    assert out.splitlines()[-1] == "received 0 events, 0 signals, 0 identify calls; refused 1"
    assert f"{path[4:]}[{index}]{'.' if member else ''}{member} {problem}" in out


def test_many_wrong_calls_have_a_bounded_answer(receive):
    """Only the first hundred wrong calls are told one by one, all are counted."""
    r = receive()
    status, answer = r.post("/v1/events/track", [{}] * 5000)
    assert status == 400
    assert len(answer["calls"]) == 100 and answer["refused"] == 5000
    status, answer = r.post("/v1/events/track", [{f"{i}{'x' * 30000}": 1 for i in range(30)}])
    assert status == 400


@pytest.mark.parametrize("change, status", [
    ({"Authorization": None}, 401),
    ({"Authorization": "Bearer "}, 401),
    ({"Authorization": "Basic k"}, 401),
    ({"Authorization": "bearer k"}, 204),
    ({"Content-Type": None}, 415),
    ({"Content-Type": "text/plain"}, 415),
    ({"Content-Type": "application/json; charset=utf-8"}, 204),
    ({"Content-Encoding": "br"}, 415),
    ({"X-Raindrop-Project-Id": "support-agent"}, 204),
    ({"X-Raindrop-Project-Id": "Support_Agent"}, 400),
    ({"X-Raindrop-Project-Id": 'a"}\\'}, 400),
])
def test_headers(receive, change, status):
    r = receive()
    headers = {k: v for k, v in {**HEADERS, **change}.items() if v is not None}
    assert r.post("/v1/events/track", [EVENT], headers)[0] == status
    if change.get("X-Raindrop-Project-Id") and status == 204:
        assert r.kept() == [{"endpoint": "events/track", "project": "support-agent", "call": EVENT}]


def test_only_the_given_key(receive):
    """--key takes just that one, and no output shows any key."""
    r = receive("--key", "right-key")
    assert r.post("/v1/events/track", [EVENT], {**HEADERS, "Authorization": "Bearer wrong-key"})[0] == 401
    assert r.post("/v1/events/track", [EVENT], {**HEADERS, "Authorization": "Bearer right-keys"})[0] == 401
    assert r.post("/v1/events/track", [EVENT], {**HEADERS, "Authorization": "Bearer right-key"})[0] == 204
    _, out, err = r.stop()
    assert "-key" not in out + err


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v1/events/track", 405), ("PUT", "/v1/events/track", 405), ("POST", "/v1/events/track_partial", 404),
    ("POST", "/v2/events/track", 404), ("GET", "/", 404), ("POST", "/v1/../v1/events/track", 404),
])
def test_other_requests(receive, method, path, status):
    r = receive()
    code, answer = r.post(path, [EVENT], method=method)
    assert code == status and answer["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[", b"[{}", b"nonsense", b'[{"a" "b"}]', b'{"user_id":"u","event":"e"}', b"7", b"[" * 200])
def test_bodies_that_are_none(receive, body):
    """No JSON by RFC 8259, or no array: 400 with the reason."""
    r = receive()
    status, answer = r.post("/v1/events/track", body, raw=True)
    assert status == 400 and answer["error"]
    assert r.kept() == []


def test_pretty_printed_json_is_kept_on_one_line(receive):
    r = receive()
    assert r.post("/v1/events/track", json.dumps([EVENT], indent=2).replace("\n", "\r\n"), raw=True)[0] == 204
    assert r.kept() == [{"endpoint": "events/track", "call": EVENT}]


def test_size_limit(receive):
    """A body of 1 MiB is taken, one byte more is 413, whatever it holds; a call above 1 MB gets a warning."""
    r = receive()
    event = json.dumps([{**EVENT, "properties": {"x": ""}}])
    full = event.replace('""', '"' + "x" * (1048576 - len(event)) + '"')
    assert len(full) == 1048576
    assert r.post("/v1/events/track", full, raw=True)[0] == 204
    assert r.post("/v1/events/track", full + " ", raw=True)[0] == 413
    assert r.post("/v1/events/track", b"x" * 5000000, raw=True)[0] == 413
    assert len(r.kept()) == 1
    assert "above 1 MB" in r.stop()[1]


def test_gzip(receive):
    """A gzip body is its content; what is damaged, cut off, followed by more, or a bomb, is refused."""
    r = receive()
    headers = {**HEADERS, "Content-Encoding": "gzip"}
    packed = gzip.compress(json.dumps([EVENT]).encode())
    assert r.post("/v1/events/track", packed, headers, raw=True)[0] == 204
    assert r.post("/v1/events/track", packed[:-1], headers, raw=True)[0] == 400
    assert r.post("/v1/events/track", packed + b"x", headers, raw=True)[0] == 400
    assert r.post("/v1/events/track", packed[:20] + b"\xff\xff" + packed[22:], headers, raw=True)[0] == 400
    assert r.post("/v1/events/track", b"[]", headers, raw=True)[0] == 400
    assert r.post("/v1/events/track", gzip.compress(b" " * 100000000), headers, raw=True)[0] == 413
    assert r.kept() == [{"endpoint": "events/track", "call": EVENT}]


def test_signal_of_an_unknown_event_is_warned_about(receive):
    """It is taken: the event may have been sent to somebody else. Each only until its event is seen."""
    r = receive()
    assert r.post("/v1/signals/track", [SIGNAL])[0] == 204
    assert r.post("/v1/events/track", [{**EVENT, "event_id": f"e{i}"} for i in range(3000)])[0] == 204
    assert r.post("/v1/signals/track", [{**SIGNAL, "event_id": f"e{i}"} for i in range(3000)])[0] == 204
    assert len(r.kept()) == 6001
    assert r.stop()[1].count("no event with the event_id of this signal was seen") == 1


def test_terminal_gets_colours_but_no_commands_of_the_client(receive, tmp_path, monkeypatch):
    """On a terminal there are colours, not with NO_COLOR; control characters of a call are shown, not sent."""
    monkeypatch.setenv("TERM", "xterm")
    for no_color in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_color)
        main, terminal = pty.openpty()
        r = receive(stdout=terminal)
        os.close(terminal)
        text = b""

        def read_until(mark):
            nonlocal text
            while mark not in text:
                assert select.select([main], [], [], 20)[0], text
                text += os.read(main, 65536)

        read_until(b"listening on http://127.0.0.1:")
        read_until(b"\n")
        r.port = int(re.search(rb":(\d+)", text)[1])
        assert r.post("/v1/events/track", [{**EVENT, "user_id": "u\x1b[2J\u202e\x9b"}])[0] == 204
        read_until(b"\\u009b")
        assert (b"\x1b[32mevent" in text) == (no_color == "")
        assert b"\x1b[2J" not in text and "\u202e".encode() not in text
        assert b"u\\u001b[2J\\u202e\\u009b" in text
        assert r.stop()[0] == 0
        os.close(main)


def test_appends_to_what_is_there(receive, tmp_path):
    (tmp_path / "calls.jsonl").write_text('{"endpoint":"users/identify","call":{}}\n')
    r = receive()
    assert r.post("/v1/events/track", [EVENT])[0] == 204
    assert len(r.kept()) == 2


def test_disk_full_is_no_204(tmp_path):
    """What could not be kept is answered 500, so that the agent sends it again."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    process = subprocess.Popen([BINARY, "receive", "--listen", "127.0.0.1:0", "--out", "/dev/full"], stdout=subprocess.PIPE)
    port = int(process.stdout.readline().split(b":")[-1])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("POST", "/v1/events/track", json.dumps([EVENT]), HEADERS)
    assert connection.getresponse().status == 500
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=20)
    assert b"received 0 events" in out and process.returncode == 0


def test_reader_may_go(receive):
    """Whoever reads what is shown closes it: calls are still taken."""
    r = receive(stdout=subprocess.PIPE)
    r.port = int(r.process.stdout.readline().split(b":")[-1])
    r.process.stdout.close()
    r.process.stdout = None
    for _ in range(3):
        assert r.post("/v1/events/track", [EVENT])[0] == 204
    assert len(r.kept()) == 3


@pytest.mark.parametrize("arguments, code, complaint", [
    (["--listen", "127.0.0.1"], 2, '--listen "127.0.0.1" is no ADDR:PORT'),
    (["--listen", "127.0.0.1:65536"], 2, '"127.0.0.1:65536" is no ADDR:PORT'),
    (["--listen", "127.0.0.1:-1"], 2, "is no ADDR:PORT"),
    (["--listen", "256.0.0.1:0"], 1, "256.0.0.1:0"),
    (["--out", "/nonexistent/x", "--listen", "127.0.0.1:0"], 1, "No such file or directory"),
    (["--lisen", "x"], 2, 'unknown option "--lisen"; did you mean "--listen"?'),
    (["extra"], 2, 'unexpected argument "extra"'),
])
def test_what_cannot_start_says_why(arguments, code, complaint):
    done = subprocess.run([BINARY, "receive", *arguments], capture_output=True, text=True, timeout=20)
    assert done.returncode == code
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run([BINARY, "receive", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"], capture_output=True, text=True, timeout=20)
    assert done.returncode == 1
    assert "Address already in use" in done.stderr
