"""The agent in a hostile world: full disks, lost and damaged state, servers that go and come back, clocks that jump.

At the end of each test the sum of the contract's 6.1 holds on /metrics, to the line."""
import json
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import time

import pytest
from agent import RULES, SOURCE, Agent, line, wait_until
from server import HANG, Server
from test_admin import get, metric

NO_ID = RULES.replace("      event_id: $.id\n", "", 1)
OUTCOMES = ("delivered", "dropped", "unmatched", "sampled", "invalid", "oversized", "rejected", "dead_lettered")


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    library = tmp_path_factory.mktemp("shim") / "hostile_world.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, SOURCE / "tests/support/hostile_world.c"], check=True)
    return library


class World:
    """What is wrong with it at the moment."""

    def __init__(self, directory, shim, disk):
        self.dir = directory / "world"
        self.dir.mkdir()
        sanitizers = {"ASAN_OPTIONS": "verify_asan_link_order=0"}
        self.environment = {"LD_PRELOAD": str(shim), "HOSTILE_DIR": str(self.dir), "HOSTILE_DISK": str(disk), **sanitizers}

    def set(self, name, text=""):
        (self.dir / "new").write_text(text)
        (self.dir / "new").rename(self.dir / name)

    def unset(self, name):
        (self.dir / name).unlink()


@pytest.fixture
def world(agent, shim):
    return World(agent.dir, shim, agent.state)


def ids(calls):
    return [call.get("event_id") for call in calls]


def metrics(agent):
    """Of the agent, as soon as it answers."""
    for _ in range(200):
        try:
            return get(agent, "/metrics")[1]
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no metrics")


def assert_the_sum_holds(agent, read, held=0):
    text = metrics(agent)
    assert metric(text, "raingauge_lines_read_total") == read, text
    assert metric(text, "raingauge_lines_held") == held, text
    assert sum(metric(text, f'raingauge_lines_total{{outcome="{o}"}}') for o in OUTCOMES) + held == read, text


def end(agent, read, **options):
    wait_until(lambda: metric(metrics(agent), "raingauge_lines_read_total") == read and metric(metrics(agent), "raingauge_lines_held") == 0)
    assert_the_sum_holds(agent, read)
    assert agent.stop(**options) == 0


# ---- the disk ----

def test_full_disk(agent, server, world):
    """The agent goes on delivering, says so, is not ready, and saves when there is room again; also of new files."""
    agent.start(environment=world.environment)
    agent.log("a.jsonl", line(1))
    server.wait_for(lambda: len(server.events()) == 1)
    wait_until(lambda: get(agent, "/readyz")[0] == 200)
    world.set("full")
    agent.log("a.jsonl", line(2))
    agent.log("b.jsonl", line(3))
    server.wait_for(lambda: sorted(ids(server.events())) == ["e1", "e2", "e3"])
    agent.wait_said("No space left on device")
    wait_until(lambda: get(agent, "/readyz")[0] == 503)
    assert "checkpoint" in get(agent, "/readyz")[1]
    time.sleep(0.5)  # many intervals
    assert sum("No space left" in text for text in agent.stderr) < 5
    world.unset("full")
    wait_until(lambda: get(agent, "/readyz")[0] == 200)
    agent.kill()
    agent.start(environment=world.environment)
    agent.log("b.jsonl", line(4))
    server.wait_for(lambda: "e4" in ids(server.events()))
    assert sorted(ids(server.events())) == ["e1", "e2", "e3", "e4"]
    end(agent, 1)


def test_once_on_a_full_disk(agent, server, world):
    """Everything is delivered; as that could not be saved the exit code is 1, and the next run sends it again, the same."""
    agent.write_config(rules=NO_ID)
    world.set("full")
    agent.log("a.jsonl", line(1) + line(2))
    assert agent.once(environment=world.environment) == 1
    assert len(server.events()) == 2
    world.unset("full")
    assert agent.once(environment=world.environment) == 0
    assert ids(server.events()[:2]) == ids(server.events()[2:])


def test_dead_letters_that_cannot_be_written(agent, server, world):
    """Their lines stay unsettled, whatever comes: after kill -9 the call is refused again, and not lost."""
    server.answer = lambda r: (400, {}, "no") if any(c["event_id"] == "e1" for c in r.calls) else 204
    agent.start(environment=world.environment)
    agent.wait_said("started")
    world.set("full")
    agent.log("a.jsonl", line(1) + line(2))
    agent.wait_said("dead letters cannot be written")
    server.wait_for(lambda: ids(server.events()) == ["e2"])
    wait_until(lambda: metric(metrics(agent), 'raingauge_lines_total{outcome="delivered"}') == 1)
    assert_the_sum_holds(agent, 2, held=1)
    agent.kill()
    world.unset("full")
    agent.start(environment=world.environment)
    wait_until(lambda: metric(metrics(agent), 'raingauge_lines_total{outcome="dead_lettered"}') == 1)
    letters = [json.loads(text) for text in (agent.state / "dead-letter.jsonl").read_text().splitlines()]
    assert [x["call"]["event_id"] for x in letters] == ["e1"]
    end(agent, 2)


# ---- the state ----

def test_checkpoint_from_the_future(agent, server):
    """It is refused, with the release that wrote it, and left as it is."""
    agent.state.mkdir()
    text = "raingauge-checkpoint 2 written-by 9.8.7\nwhatever that may be\n"
    (agent.state / "checkpoint").write_text(text)
    agent.log("a.jsonl", line(1))
    assert agent.once() == 1
    assert agent.said("9.8.7") and not server.requests
    assert (agent.state / "checkpoint").read_text() == text


def test_state_is_lost(agent, server):
    """All of it gone: everything is sent again, under the same ids, as it is after a restart in the middle."""
    agent.write_config(rules=NO_ID)
    agent.log("a.jsonl", "".join(line(n) for n in range(50)))
    agent.log("b.jsonl", line(50) + "".join(line(n) for n in range(49)))
    assert agent.once() == 0
    first = {(c["properties"]["n"], c["event_id"]) for c in server.events()}
    assert len(first) == len(set(ids(server.events()))) == 100
    shutil.rmtree(agent.state)
    server.delivered.clear()
    assert agent.once() == 0
    assert {(c["properties"]["n"], c["event_id"]) for c in server.events()} == first


def test_damaged_checkpoint(agent, server):
    """It is set aside and said; the good records count; of a file whose record is bad all is sent again, under the same ids."""
    agent.write_config(rules=NO_ID)
    for name in "ab":
        agent.log(f"{name}.jsonl", "".join(line(n, prompt=name) for n in range(20)))
    assert agent.once() == 0
    first = sorted(ids(server.events()))
    path = agent.state / "checkpoint"
    lines = path.read_bytes().splitlines(keepends=True)
    bad = [i for i, text in enumerate(lines) if b"/a.jsonl" in text]
    for i in bad:
        lines[i] = lines[i].replace(b"inode", b"inodE")
    good_end = [text for text in lines if b"/b.jsonl" in text][-1]
    path.write_bytes(b"".join(lines) + good_end)
    server.delivered.clear()
    agent.log("b.jsonl", line(99, prompt="b"))
    assert agent.once() == 0
    assert len(list(agent.state.glob("checkpoint.corrupt-*"))) == 1 and agent.said("set aside")
    prompts = [c["ai_data"]["input"] for c in server.events()]
    assert (prompts.count("a"), prompts.count("b")) == (20, 1)
    assert set(ids(server.events())) - set(first) == {c["event_id"] for c in server.events() if c["properties"]["n"] == 99}


def test_dead_letter_file_has_a_ceiling(agent, server):
    """It is rotated once; what was lost by that is said and counted, and the last ones are there."""
    agent.write_config(more="dead_letter: {max_bytes: 4KiB}", upload="  max_refused: 1000\n  concurrency: 1")
    server.answer = lambda r: (400, {}, "no " * 100)
    agent.start()
    for n in range(60):
        agent.log("a.jsonl", line(n))
    wait_until(lambda: metric(metrics(agent), "raingauge_dead_letters_total") == 60)
    kept = [json.loads(text)["call"]["event_id"] for name in ("dead-letter.jsonl.1", "dead-letter.jsonl") for text in (agent.state / name).read_text().splitlines()]
    lost = metric(metrics(agent), "raingauge_dead_letters_lost_total")
    assert lost > 0 and lost + len(kept) == 60 and agent.said("dead letters are lost")
    assert server.requests[-1].calls[0]["event_id"] in kept
    assert (agent.state / "dead-letter.jsonl").stat().st_size <= 4096
    end(agent, 60)


def test_old_dead_letters_are_deleted(agent, server):
    """Those older than max_age; the others stay."""
    agent.state.mkdir()
    young = json.dumps({"time": "2999-01-01T00:00:00.000Z", "call": {}})
    (agent.state / "dead-letter.jsonl").write_text('{"time":"2020-01-01T00:00:00.000Z","call":{}}\n' * 3 + young.replace(": ", ":") + "\n")
    agent.write_config(more="dead_letter: {max_age: 1h}")
    agent.start()
    agent.wait_said("older than max_age")
    assert (agent.state / "dead-letter.jsonl").read_text() == young.replace(": ", ":") + "\n"
    end(agent, 0)


# ---- the server ----

def resident(agent):
    return int(open(f"/proc/{agent.process.pid}/statm").read().split()[1]) * 4096


def test_a_dead_server_and_a_large_log(tmp_path, server):
    """Reading pauses at the buffer and memory stays flat; afterwards all of it drains, each line once, at the limited rate."""
    agent = Agent(tmp_path, server.url, upload="  buffer: 4MiB\n  concurrency: 1\n  rate_limit: 40")
    server.answer = lambda r: 503
    n = 4000
    with open(agent.logs / "a.jsonl", "w") as f:
        for i in range(n):
            f.write(line(i, completion="z" * 5000))
    agent.start()
    server.wait_for(lambda: len(server.requests) >= 3)
    wait_until(lambda: metric(metrics(agent), "raingauge_buffer_bytes") > 3 << 20)
    before, read = resident(agent), metric(metrics(agent), "raingauge_lines_read_total")
    server.wait_for(lambda: len(server.requests) >= 8)
    assert metric(metrics(agent), "raingauge_lines_read_total") == read < n / 2
    assert resident(agent) < before + (4 << 20)
    assert_the_sum_holds(agent, read, held=read)
    server.answer = None
    back = len(server.requests)
    server.wait_for(lambda: len(server.events()) == n, timeout=60)
    assert sorted(ids(server.events())) == sorted(f"e{i}" for i in range(n))
    at = [r.at for r in server.requests[back:]]
    assert all(b - a > 0.8 for a, b in zip(at, at[45:])), "more than the rate allows in a second"
    end(agent, n)


def test_a_revoked_key_stops_its_own_team_only(tmp_path, server):
    """One destination answers 401 with more waiting than half of the buffer: the others' lines go on, and with a new key its own."""
    rules = RULES.replace("  - name: completion\n    when: {$.msg: llm.completion}\n",
                          "  - name: completion\n    when: {$.msg: llm.completion}\n    to: $.to ?? \"raindrop\"\n")
    key = tmp_path / "key"
    key.write_text("team-key-1")
    agent = Agent(tmp_path, server.url, rules=rules, upload="  buffer: 4MiB",
                  more=f"destinations: {{team: {{write_key_file: {key}}}}}")
    server.answer = lambda r: 401 if r.headers["Authorization"] == "Bearer team-key-1" else 204
    team = 1200
    with open(agent.logs / "team.jsonl", "w") as f:
        for i in range(team):
            f.write(line(i, to="team", completion="z" * 5000))
    agent.start()
    agent.wait_said("uploading is paused")
    wait_until(lambda: metric(metrics(agent), "raingauge_buffer_bytes") > 1 << 20)
    for i in range(5000, 5020):
        agent.log("mine.jsonl", line(i))
        server.wait_for(lambda: f"e{i}" in ids(server.events()), timeout=3)
    text = metrics(agent)
    assert metric(text, 'raingauge_paused{destination="team"}') == 1 and metric(text, 'raingauge_paused{destination="raindrop"}') == 0
    assert metric(text, "raingauge_buffer_bytes") < (4 << 20) / 2 * 1.2
    assert get(agent, "/readyz")[0] == 503
    key.write_text("team-key-2\n")
    server.wait_for(lambda: len(server.events()) == team + 20, timeout=60)
    assert not agent.said("team-key")
    end(agent, team + 20)


def test_signals_wait_for_events_of_any_file(agent, server):
    """A signal of another file is not sent before the events that were mapped by then have arrived."""
    passes = []
    server.answer = lambda r: 204 if r.endpoint != "events/track" or passes else 503
    agent.start()
    agent.log("events.jsonl", "".join(line(n) for n in range(100)))
    server.wait_for(lambda: len(server.requests) >= 2)
    agent.log("signals.jsonl", '{"msg":"feedback","id":"e7","rating":"up"}\n' * 20)
    wait_until(lambda: metric(metrics(agent), "raingauge_lines_read_total") == 120)
    time.sleep(0.2)  # it would have been sent
    assert all(r.endpoint == "events/track" for r in server.requests)
    passes.append(True)
    server.wait_for(lambda: len(server.signals()) == 20)
    kinds = [endpoint for endpoint, _ in server.delivered]
    assert kinds == ["events/track"] * 100 + ["signals/track"] * 20
    end(agent, 120)


def test_names_that_cannot_be_resolved(agent, server, world):
    """DNS fails and comes back: nothing is lost, the failure is said, and no request storms."""
    agent.write_config()
    agent.config.write_text(agent.config.read_text().replace("127.0.0.1", "raindrop.example")
                            .replace("raindrop:\n", "raindrop:\n  allow_insecure: true\n", 1))
    world.set("no-names")
    agent.log("a.jsonl", line(1))
    agent.start(environment=world.environment)
    agent.wait_said("resolve")
    assert server.requests == []
    world.unset("no-names")
    server.wait_for(lambda: ids(server.events()) == ["e1"])
    end(agent, 1)


def test_proxy(tmp_path, server):
    """Requests go through the proxy of the configuration, or of the environment; its password is not in the log."""
    agent = Agent(tmp_path, "http://raindrop.invalid/v1", raindrop=f"  allow_insecure: true\n  proxy: http://u:pass-w0rd@127.0.0.1:{server.port}")
    agent.log("a.jsonl", line(1))
    assert agent.once() == 0
    agent.write_config(raindrop="  allow_insecure: true")
    agent.log("a.jsonl", line(2))
    assert agent.once(environment={"http_proxy": f"http://127.0.0.1:{server.port}"}) == 0
    assert [r.path for r in server.requests] == ["http://raindrop.invalid/v1/events/track"] * 2
    assert server.requests[0].headers["Proxy-Authorization"].startswith("Basic ")
    assert not agent.said("pass-w0rd")
    dead = Server()
    dead.close()
    agent.write_config(raindrop=f"  allow_insecure: true\n  proxy: http://127.0.0.1:{dead.port}")
    agent.log("a.jsonl", line(3))
    assert agent.once("--timeout", "1s") == 1
    agent.write_config(raindrop=f"  allow_insecure: true\n  proxy: http://127.0.0.1:{server.port}")
    assert agent.once() == 0
    assert ids(server.events()) == ["e1", "e2", "e3"]


def certificate(directory, name):
    cert, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    return cert, key


def test_a_certificate_that_changes(tmp_path):
    """To one that nobody vouches for: nothing more is sent, until the right one is back."""
    good, bad = certificate(tmp_path, "good"), certificate(tmp_path, "bad")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*good)

    def serve(chain, port=0):
        server = Server(port)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*chain)
        server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
        server.answer = lambda r: (204, {"Connection": "close"}, "")
        return server

    first = serve(good)
    agent = Agent(tmp_path, f"https://127.0.0.1:{first.port}/v1", raindrop=f"  tls: {{ca_file: {good[0]}}}")
    agent.start()
    agent.log("a.jsonl", line(1))
    first.wait_for(lambda: ids(first.events()) == ["e1"])
    first.close()
    second = serve(bad, first.port)
    agent.log("a.jsonl", line(2))
    agent.wait_said("certificate")
    assert second.requests == []
    second.close()
    third = serve(good, first.port)
    third.wait_for(lambda: ids(third.events()) == ["e2"])
    end(agent, 2)
    third.close()


# ---- stopping ----

@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_before_the_start_is_over(agent, server, sig):
    """It is held until it is listened for: the end is as graceful as later."""
    agent.log("a.jsonl", line(1))
    agent.start()
    status = pathlib.Path(f"/proc/{agent.process.pid}/status")
    held = 1 << (sig - 1)
    wait_until(lambda: int(re.search(r"SigBlk:\s*(\w+)", status.read_text())[1], 16) & held or agent.said("started"), what="signals are held")
    assert agent.stop(sig) == 0
    assert agent.said("stopping")
    assert {e["event_id"] for e in server.events()} == {"e1"}


def test_second_signal(agent, server):
    """The first waits for the server, for shutdown_timeout at most; the second ends it at once, with 1; nothing is lost."""
    agent.write_config(upload="  shutdown_timeout: 60s")
    server.answer = lambda r: HANG
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.requests) == 1)
    agent.process.send_signal(signal.SIGTERM)
    agent.wait_said("stopping")
    began = time.monotonic()
    assert agent.stop(signal.SIGINT) == 1
    assert time.monotonic() - began < 5
    server.answer = None
    server.release()
    assert agent.once() == 0
    assert ids(server.events()) == ["e1"]


def test_shutdown_time(agent, server):
    """A server that hangs is waited for for shutdown_timeout and no longer; the last line says what is left."""
    agent.write_config(upload="  shutdown_timeout: 700ms")
    server.answer = lambda r: HANG
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.requests) == 1)
    began = time.monotonic()
    assert agent.stop() == 0
    assert 0.6 < time.monotonic() - began < 5
    assert "stopped" in agent.stderr[-1] and "read=1" in agent.stderr[-1] and "held=1" in agent.stderr[-1]


def test_shutdown_follow(agent, server):
    """What an application that stops at the same moment still writes, also into new files, is delivered."""
    agent.write_config(upload="  shutdown_follow: 1s")
    agent.start()
    agent.log("a.jsonl", line(1))
    server.wait_for(lambda: len(server.events()) == 1)
    agent.process.send_signal(signal.SIGTERM)
    agent.wait_said("stopping")
    agent.log("a.jsonl", line(2))
    agent.log("late.jsonl", line(3))
    assert agent.wait() == 0
    assert sorted(ids(server.events())) == ["e1", "e2", "e3"]


def test_a_line_that_is_half_written_when_the_stop_begins(agent, server):
    """However long the stop takes, and though its file is renamed meanwhile: it is not taken torn, but whole at the next start."""
    agent.write_config(upload="  shutdown_timeout: 60s")
    server.answer = lambda r: HANG
    agent.start()
    half = len(line(0)) + 20
    text = line(0) + line(1) + line(2)
    agent.log("a.jsonl", text[:half])
    server.wait_for(lambda: len(server.requests) == 1)
    agent.process.send_signal(signal.SIGTERM)
    agent.wait_said("stopping")
    time.sleep(0.5)  # two walks: what was there when the stop began is read
    agent.log("a.jsonl", text[half:])
    (agent.logs / "a.jsonl").rename(agent.logs / "a.jsonl.1")
    time.sleep(6)  # a renamed file's last line is taken after 5 s
    server.answer = None
    server.release()
    assert agent.wait() == 0
    assert not agent.said("is invalid")
    assert agent.once() == 0
    assert set(ids(server.events())) == {"e0", "e1", "e2"}


# ---- time ----

@pytest.mark.parametrize("jumps", [(86400, -86400), (-3 * 86400, 0), (2 ** 31 - int(time.time()) - 2, 0), (2 ** 33, 0)],
                         ids=["a day ahead and back", "back", "over the end of 32 bits", "far ahead"])
def test_the_clock_jumps(agent, server, world, jumps):
    """Nothing hangs and nothing storms, with a file that grows, one that is new, and a server that fails between."""
    agent.write_config(more="dead_letter: {max_age: 30d}\nlog: {stats: 1s}")
    agent.start(environment=world.environment)
    n = 0
    for jump in (0, *jumps):
        world.set("clock", str(jump))
        server.script = [503, 429]
        agent.log("a.jsonl", line(n))
        agent.log(f"new{n}.jsonl", line(n + 1))
        server.wait_for(lambda: {f"e{n}", f"e{n + 1}"} <= set(ids(server.events())), timeout=10)
        n += 2
    asked = len(server.requests)
    used = sum(map(int, open(f"/proc/{agent.process.pid}/stat").read().split()[13:15]))
    time.sleep(1)  # to see it do nothing
    assert len(server.requests) == asked
    assert sum(map(int, open(f"/proc/{agent.process.pid}/stat").read().split()[13:15])) - used < 50  # of 100 a second
    assert len(ids(server.events())) == n
    age = metric(metrics(agent), "raingauge_checkpoint_age_seconds")
    assert age >= 0
    assert get(agent, "/healthz")[0] == 200
    end(agent, n)
    assert all(re.match(r"time=\d{4,5}-\d\d-\d\dT", text) for text in agent.stderr), agent.stderr


def test_retry_after_as_a_date_of_a_clock_that_differs(agent, server):
    """It is counted from the answer's own Date: a server an hour ahead does not make the agent wait for an hour."""
    server.script = [(429, {"Date": "Wed, 01 Jan 2098 00:00:00 GMT", "Retry-After": "Wed, 01 Jan 2098 00:00:01 GMT"}, "")]
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.requests) == 2, timeout=10)
    assert server.requests[1].at - server.requests[0].at > 0.9
    end(agent, 1)
