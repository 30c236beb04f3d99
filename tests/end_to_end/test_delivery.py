"""What the server's answers do (contract 6.7), with the binary: pauses, poison, too large, TLS, keys, destinations."""
import gzip
import json
import ssl
import subprocess
import time

import pytest

from agent import KEY, RULES, Agent, line, wait_until
from server import HANG, Server


def dead_letters(agent):
    path = agent.state / "dead-letter.jsonl"
    return [json.loads(text) for text in path.read_text().splitlines()] if path.exists() else []


def ids(calls):
    return [c["event_id"] for c in calls]


def set_batch(agent, max_calls):
    text = agent.config.read_text()
    agent.config.write_text(text.replace("max_age: 20ms", f"max_age: 20ms, max_calls: {max_calls}").replace("max: 200ms", "max: 40ms"))


def has(request, *names):
    return any(c.get("event_id") in names for c in request.calls)


@pytest.mark.parametrize("max_calls", [1, 5, 7])
def test_poison_that_the_server_chokes_on(tmp_path, server, max_calls):
    """A call that makes the server answer 500 is given up in the end, alone; the others are delivered, exit code 3."""
    agent = Agent(tmp_path, server.url)
    set_batch(agent, max_calls)
    server.answer = lambda r: 500 if has(r, "e13") else 204
    agent.log("a.jsonl", "".join(line(n) for n in range(40)))
    assert agent.once() == 3
    assert sorted(ids(server.events())) == sorted(f"e{n}" for n in range(40) if n != 13)
    letters = dead_letters(agent)
    assert [d["call"]["event_id"] for d in letters] == ["e13"] and letters[0]["status"] == 500
    alone = [r for r in server.requests if [c["event_id"] for c in r.calls] == ["e13"]]
    assert len(alone) == 10


def test_order_with_one_request_at_a_time(tmp_path, server):
    """With concurrency 1 the calls of a file arrive in its order although every request fails twice at first, and no
    signal comes before its event."""
    agent = Agent(tmp_path, server.url, upload="  concurrency: 1")
    set_batch(agent, 3)
    tries = {}

    def answer(r):
        tries[r.raw] = tries.get(r.raw, 0) + 1
        return 204 if tries[r.raw] == 3 else 503

    server.answer = answer
    agent.log("a.jsonl", "".join(line(n) + json.dumps({"msg": "feedback", "id": f"e{n}", "rating": "up"}) + "\n" for n in range(30)))
    assert agent.once() == 0
    assert ids(server.events()) == [f"e{n}" for n in range(30)]
    assert ids(server.signals()) == [f"e{n}" for n in range(30)]
    seen = set()
    for endpoint, call in server.delivered:
        if endpoint == "events/track":
            seen.add(call["event_id"])
        else:
            assert call["event_id"] in seen


def test_retry_after_is_kept_to(agent, server):
    """No request starts before the time that a 429 names, also above retry.max."""
    server.script = [(429, {"Retry-After": "2"}, "")]
    agent.log("a.jsonl", line(1))
    agent.start()
    agent.wait_said("status=429")
    agent.log("a.jsonl", line(2) + json.dumps({"msg": "login", "user": "u1", "plan": "paid"}) + "\n")
    server.wait_for(lambda: len(server.events()) == 2 and len(server.identifies()) == 1)
    times = [r.at for r in server.requests]
    assert times[1] - times[0] >= 1.95
    assert agent.stop() == 0


def test_too_large_is_halved_and_cut(agent, server):
    """413: batches are halved, a single call is cut until it fits; its ids stay whole."""
    server.answer = lambda r: 413 if len(r.raw) > 100_000 else 204
    agent.log("a.jsonl", "".join(line(n, completion="x" * 60_000) for n in range(4)) + line(9, completion="y" * 300_000))
    assert agent.once() == 0
    events = {e["event_id"]: e for e in server.events()}
    assert sorted(events) == ["e0", "e1", "e2", "e3", "e9"]
    assert all(len(events[f"e{n}"]["ai_data"]["output"]) == 60_000 for n in range(4))
    cut = events["e9"]["ai_data"]["output"]
    assert cut.endswith("...[truncated by raingauge]") and 60_000 < len(cut) < 100_000


def test_gzip_and_a_server_that_does_not_take_it(tmp_path, server):
    """Bodies are compressed where asked; a 415 makes them plain from then on."""
    agent = Agent(tmp_path, server.url, raindrop="  compression: gzip")
    agent.log("a.jsonl", "".join(line(n) for n in range(50)))
    assert agent.once() == 0
    assert server.requests[0].headers["Content-Encoding"] == "gzip"
    assert len(server.requests[0].raw) < len(gzip.decompress(server.requests[0].raw)) / 3
    server.answer = lambda r: 415 if r.headers.get("Content-Encoding") else 204
    before = len(server.requests)
    agent.start()
    for n in range(50, 53):
        agent.log("a.jsonl", line(n))
        server.wait_for(lambda: len(server.events()) == n + 1)
    assert agent.stop() == 0
    assert [bool(r.headers.get("Content-Encoding")) for r in server.requests[before:]] == [True, False, False, False]


def test_all_refused_pauses(tmp_path, server):
    """When every call is refused no more than max_refused are given up; then uploading pauses until one is taken."""
    agent = Agent(tmp_path, server.url, upload="  max_refused: 5")
    server.answer = lambda r: 400
    agent.log("a.jsonl", "".join(line(n) for n in range(60)))
    agent.start()
    agent.wait_said("all_refused")
    wait_until(lambda: len(dead_letters(agent)) == 5)
    before = len(server.requests)
    server.wait_for(lambda: len(server.requests) >= before + 6)
    assert all(len(r.calls) == 1 for r in server.requests[-3:])
    assert len(dead_letters(agent)) == 5
    server.answer = None
    server.wait_for(lambda: len(server.events()) == 55)
    assert agent.stop() == 0


def test_key_file_is_read_again_after_401(tmp_path, server):
    """A rotated key is picked up without a reload; neither key is ever shown."""
    key = tmp_path / "key"
    key.write_text(f"  {KEY}-old\n")
    agent = Agent(tmp_path, server.url, raindrop=f"  write_key_file: {key}")
    server.answer = lambda r: 204 if r.headers["Authorization"] == f"Bearer {KEY}-new" else 401
    agent.log("a.jsonl", line(1))
    agent.start()
    agent.wait_said("status 401")
    key.write_text(f"{KEY}-new\n")
    server.wait_for(lambda: len(server.events()) == 1)
    assert agent.stop() == 0
    assert {r.headers["Authorization"] for r in server.requests} == {f"Bearer {KEY}-old", f"Bearer {KEY}-new"}


def test_an_echoed_key_is_blanked(agent, server):
    """A server that repeats the key in its refusal does not get it into the dead-letter file."""
    server.answer = lambda r: (422, {}, f"who is {r.headers['Authorization']}?")
    agent.log("a.jsonl", line(1))
    assert agent.once() == 3
    text = (agent.state / "dead-letter.jsonl").read_text()
    assert KEY not in text and "who is Bearer ***" in text
    assert (agent.state / "dead-letter.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_destination_that_hangs_holds_up_nobody_else(tmp_path, server):
    """Calls of one destination go on while another one's server does not answer; each with its own key and project."""
    rules = RULES.replace("  - name: completion\n    when: {$.msg: llm.completion}\n",
                          "  - name: other\n    when: {$.msg: llm.completion, $.to: team}\n    to: team\n"
                          "    event: {event: e, user_id: $.user, event_id: $.id, ai_data: {input: $.prompt}}\n"
                          "  - name: completion\n    when: {$.msg: llm.completion}\n")
    with Server() as team:
        agent = Agent(tmp_path, server.url, rules=rules, upload="  shutdown_timeout: 200ms",
                      more=f"destinations: {{team: {{url: '{team.url}', write_key: team-key, project_id: team-a}}}}")
        team.answer = lambda r: HANG
        agent.log("b.jsonl", "".join(line(n, to="team") for n in range(50)))
        agent.start()
        team.wait_for(lambda: len(team.requests) >= 1)
        for n in range(100, 110):
            agent.log("a.jsonl", line(n))
            server.wait_for(lambda: f"e{n}" in ids(server.events()), timeout=3)
        assert team.requests[0].headers["Authorization"] == "Bearer team-key"
        assert team.requests[0].headers["X-Raindrop-Project-Id"] == "team-a"
        assert all(r.headers["X-Raindrop-Project-Id"] is None for r in server.requests)
        team.answer = None
        team.release()
        team.wait_for(lambda: len(team.events()) == 50)
        assert agent.stop() == 0


@pytest.fixture
def tls(tmp_path):
    """A server behind TLS with a certificate that only its own file vouches for."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True)
    with Server() as server:
        def start(**versions):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(cert, key)
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # so that it is the agent who refuses an old version
            for name, version in versions.items():
                setattr(context, name, version)
            server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
            return server, f"https://127.0.0.1:{server.port}/v1", cert
        yield start


def test_tls_is_verified(tmp_path, tls):
    """An unknown certificate is no answer: nothing is sent, nothing is lost; with its ca_file calls arrive."""
    server, url, cert = tls()
    agent = Agent(tmp_path, url, upload="  shutdown_timeout: 100ms")
    agent.log("a.jsonl", line(1))
    agent.start()
    agent.wait_said("certificate")
    assert agent.stop() == 0
    assert server.requests == []
    agent.write_config(raindrop=f"  tls: {{ca_file: {cert}}}")
    assert agent.once() == 0
    assert ids(server.events()) == ["e1"]


def test_old_tls_is_refused(tmp_path, tls):
    """A server that has nothing newer than TLS 1.1 gets nothing."""
    server, url, cert = tls(minimum_version=ssl.TLSVersion.TLSv1, maximum_version=ssl.TLSVersion.TLSv1_1)
    agent = Agent(tmp_path, url, upload="  shutdown_timeout: 100ms", raindrop=f"  tls: {{ca_file: {cert}}}")
    agent.log("a.jsonl", line(1))
    agent.start()
    agent.wait_said("a request failed")
    assert agent.stop() == 0
    assert server.requests == []


def test_the_buffer_bounds_what_is_read(tmp_path, server):
    """While the server is down reading pauses: the files are the buffer. Afterwards everything arrives."""
    agent = Agent(tmp_path, server.url, upload="  buffer: 4MiB")
    server.answer = lambda r: 503
    n = 3000
    with open(agent.logs / "a.jsonl", "w") as f:
        for i in range(n):
            f.write(line(i, completion="z" * 5000))
    agent.start()
    server.wait_for(lambda: len(server.requests) >= 3)
    time.sleep(1)  # to see it not read on
    resident = int(open(f"/proc/{agent.process.pid}/statm").read().split()[1]) * 4096
    server.answer = None
    server.wait_for(lambda: len(server.events()) == n, timeout=60)
    assert agent.stop() == 0
    assert ids(server.events()).count("e0") == 1 and len(set(ids(server.events()))) == n
    assert resident < 120 << 20  # sanitizers included
