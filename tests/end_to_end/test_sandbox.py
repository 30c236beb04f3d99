"""The confinement (contract 9), seen from outside: what the kernel says of the process, and what it cannot reach."""
import ctypes
import os
import pathlib
import shutil
import signal
import struct
import subprocess

import pytest
from agent import RULES, Agent, line, wait_until
from test_admin import get, metric

LANDLOCK_CREATE_RULESET = 444
SECCOMP = 317 if os.uname().machine == "x86_64" else 277
NOT_ALLOWED = "not allowed by the sandbox; needs a restart"


def has_landlock():
    return ctypes.CDLL(None, use_errno=True).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1) > 0


pytestmark = pytest.mark.skipif(not has_landlock(), reason="this kernel has no Landlock")


def without(*calls, error=38):
    """For preexec_fn: a kernel that has not got these system calls (ENOSYS)."""
    def lack():
        code = [struct.pack("HBBI", 0x20, 0, 0, 0)]  # load the number
        for call in calls:
            code += [struct.pack("HBBI", 0x15, 0, 1, call), struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | error)]
        code.append(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000))
        text = ctypes.create_string_buffer(b"".join(code))
        program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(text)))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(38, 1, 0, 0, 0) != 0 or libc.prctl(22, 2, program, 0, 0) != 0:
            os._exit(99)
    return lack


def states(pid):
    """Of each thread: (NoNewPrivs, Seccomp)."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        fields = dict(row.split(":\t", 1) for row in (task / "status").read_text().splitlines() if ":\t" in row)
        yield fields["NoNewPrivs"], fields["Seccomp"]


@pytest.fixture
def outside(tmp_path_factory):
    return tmp_path_factory.mktemp("outside")


def test_every_thread_is_confined(agent, server):
    """With `require` it starts here, works, and each of its threads is under seccomp without a way to new privileges."""
    agent.write_config(more="sandbox: require")
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    assert set(states(agent.process.pid)) == {("1", "2")} and len(list(states(agent.process.pid))) > 1
    assert agent.said('message=confined files="Landlock, version') and agent.said("calls=seccomp")
    text = get(agent, "/metrics")[1]
    assert metric(text, "process_open_fds") > 5 and metric(text, "process_resident_memory_bytes") > 0
    assert agent.stop() == 0


def test_off(agent, server):
    """`off` leaves the process as it was."""
    agent.write_config(more="sandbox: off")
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    assert {seccomp for _, seccomp in states(agent.process.pid)} == {"0"} and not agent.said("confined")
    assert agent.stop() == 0


@pytest.mark.parametrize("calls, names", [([LANDLOCK_CREATE_RULESET], ["the kernel has no Landlock"]), ([SECCOMP], ["the kernel has no seccomp filters"]),
                                          ([LANDLOCK_CREATE_RULESET, SECCOMP], ["the kernel has no Landlock", "the kernel has no seccomp filters"])])
def test_a_kernel_that_lacks_it(agent, server, calls, names):
    """`require` ends with 1 and names what is missing; `auto` says so in one line at info and works."""
    agent.write_config(more="sandbox: require")
    agent.log("a.jsonl", line(1))
    agent.start(preexec_fn=without(*calls))
    assert agent.wait() == 1 and server.requests == []
    assert all(name in agent.stderr[-1] for name in ["level=error", "sandbox: require: ", *names]), agent.stderr
    agent.write_config()
    agent.start(preexec_fn=without(*calls))
    server.wait_for(lambda: len(server.events()) == 1)
    said = [row for row in agent.stderr if "not wholly confined" in row]
    assert len(said) == 1 and "level=info" in said[0] and all(name in said[0] for name in names)
    assert agent.stop() == 0


def test_a_container_that_forbids_it(agent):
    """A container runtime that refuses the calls is not called an old kernel."""
    agent.write_config(more="sandbox: require")
    agent.start(preexec_fn=without(LANDLOCK_CREATE_RULESET, error=1))
    assert agent.wait() == 1 and "Landlock is forbidden here" in agent.stderr[-1]


def test_a_link_out(agent, server, outside):
    """Even with `symlinks: all` nothing is opened that no setting names; the log says why. symlink_targets names it."""
    (outside / "secret").write_text(line(66))
    inputs = "    symlinks: all\n"
    agent.write_config(inputs=inputs)
    (agent.logs / "link.jsonl").symlink_to(outside / "secret")
    agent.log("a.jsonl", line(1))
    agent.start()
    agent.wait_said(NOT_ALLOWED)
    server.wait_for(lambda: len(server.events()) == 1)
    assert any("link.jsonl" in row or "secret" in row for row in agent.stderr if NOT_ALLOWED in row)
    assert "needs a restart" in get(agent, "/status")[1]
    assert agent.stop() == 0
    agent.write_config(inputs=inputs + f"    symlink_targets: [{outside}]\n")
    agent.start()
    server.wait_for(lambda: len(server.events()) == 2)
    assert agent.stop() == 0 and server.events()[1]["event_id"] == "e66"


def test_a_directory_made_again(agent, server):
    """What holds the inputs' directory is readable, too: it may be removed and made again, or be made only later."""
    shutil.rmtree(agent.logs)
    agent.start()
    agent.wait_said("started")
    for n in (1, 2):
        agent.logs.mkdir()
        agent.log("a.jsonl", line(n))
        server.wait_for(lambda: len(server.events()) == n)
        shutil.rmtree(agent.logs)
    assert agent.stop() == 0


def test_a_directory_nobody_can_grant(agent, server):
    """One that is not there, and nothing above it but `/`: said at the start."""
    agent.write_config(inputs="  - {name: later, paths: ['/raingauge-test-nowhere/logs/*.jsonl']}")
    agent.start()
    agent.wait_said("the sandbox will not allow it once it is made")
    assert any("/raingauge-test-nowhere/logs" in row for row in agent.stderr)
    assert get(agent, "/reload", "POST")[0] == 200  # that it is still missing is no reason to refuse
    assert agent.stop() == 0


@pytest.mark.parametrize("what", ["input", "include", "include glob", "key", "authority", "symlink target"])
def test_reload_needs_a_restart(agent, server, outside, what):
    """A directory that the confinement does not allow: refused with these words, logged, and the old stays in force."""
    (outside / "b.jsonl").write_text(line(7))
    (outside / "rules.yaml").write_text("rules: [{name: other, drop: true}]\n")
    (outside / "key").write_text("rk_of_a_file\n")
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    old = agent.config.read_text()
    agent.write_config(**{
        "input": {"inputs": f"  - {{name: second, paths: ['{outside}/*.jsonl']}}"},
        "include": {"more": f"include: ['{outside}/rules.yaml']"},
        "include glob": {"more": f"include: ['{outside}/*.yaml']"},
        "key": {"raindrop": f"  write_key_file: {outside}/key"},
        "authority": {"raindrop": f"  tls: {{ca_file: {outside}/key}}"},
        "symlink target": {"inputs": f"    symlink_targets: ['{outside}']\n"},
    }[what])
    done = subprocess.run([os.environ.get("RAINGAUGE_BINARY", "build/raingauge"), "reload", "-c", agent.config],
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and "needs a restart" in done.stderr and str(outside) in done.stderr, done
    agent.process.send_signal(signal.SIGHUP)
    wait_until(lambda: sum("not reloaded" in row for row in agent.stderr) == 2)
    assert any("needs a restart" in row and "level=error" in row for row in agent.stderr)
    agent.log("a.jsonl", line(2))
    server.wait_for(lambda: len(server.events()) == 2)
    assert [e["event_id"] for e in server.events()] == ["e1", "e2"]
    agent.config.write_text(old)
    assert get(agent, "/reload", "POST")[0] == 200
    assert agent.stop() == 0


def test_reload_within(agent, server):
    """What the confinement allows needs none: rules with a time zone, an included directory, an input beside the others."""
    agent.log("a.jsonl", line(1, time="2026-07-01 12:00"))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    more = agent.dir / "more"
    more.mkdir()
    (more / "b.jsonl").write_text(line(3))
    (agent.dir / "rules.d").mkdir()
    (agent.dir / "rules.d" / "a.yaml").write_text("tables: {t: {a: b}}\n")
    rules = RULES.replace("timestamp: $.time", 'timestamp: $.time | time("%Y-%m-%d %H:%M", "Europe/Berlin")')
    agent.write_config(rules=rules, inputs=f"  - {{name: more, paths: ['{more}/*.jsonl'], rescan: 200ms}}", more="include: ['rules.d/*.yaml']")
    status, said = get(agent, "/reload", "POST")
    assert status == 200, said
    agent.log("a.jsonl", line(2, time="2026-07-01 12:00"))
    server.wait_for(lambda: len(server.events()) == 3)
    assert any(e["event_id"] == "e2" and e["timestamp"].startswith("2026-07-01T10:00") for e in server.events())
    assert agent.stop() == 0


def test_names_are_resolved(tmp_path, server):
    """The resolver finds its files and modules."""
    agent = Agent(tmp_path, server.url.replace("127.0.0.1", "localhost"), more="sandbox: require")
    agent.log("a.jsonl", line(1))
    assert agent.once() == 0 and len(server.events()) == 1
