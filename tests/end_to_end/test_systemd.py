"""What systemd is told, and the lines of log an operator reads: the sums per input, and why it ended."""
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from agent import SOURCE, Agent, line, wait_until
from test_admin import started


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.settimeout(20)
        self.said = []

    def wait(self, part):
        while not any(part in s for s in self.said):
            self.said.append(self.socket.recv(4096).decode())
        return next(s for s in self.said if part in s)


@pytest.mark.parametrize("abstract", [False, True])
def test_states(agent, server, tmp_path, abstract):
    """Ready, the watchdog fed in half its time with a status, reloading and ready again, stopping."""
    name = f"raingauge-test-{os.getpid()}"
    systemd = Systemd("\0" + name if abstract else str(tmp_path / "notify"))
    environment = {"NOTIFY_SOCKET": "@" + name if abstract else str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
    agent.log("a.jsonl", line(1))
    agent.start(environment=environment)
    systemd.wait("READY=1")
    server.wait_for(lambda: len(server.events()) == 1)
    assert "WATCHDOG=1" in systemd.wait("STATUS=ready; 1 calls delivered, 0 lines held, lag 0 s")
    systemd.said.clear()
    agent.process.send_signal(signal.SIGHUP)
    assert re.search(r"MONOTONIC_USEC=\d+", systemd.wait("RELOADING=1"))
    systemd.said.clear()
    systemd.wait("READY=1")
    server.answer = lambda r: 401
    agent.log("a.jsonl", line(2))
    systemd.wait("STATUS=uploading is paused")
    server.answer = None
    server.wait_for(lambda: len(server.events()) == 2)
    agent.process.send_signal(signal.SIGTERM)
    systemd.wait("STOPPING=1")
    assert agent.wait() == 0


def test_a_socket_that_is_none(agent, server):
    """A NOTIFY_SOCKET that leads nowhere does not keep the agent from its work."""
    agent.log("a.jsonl", line(1))
    agent.start(environment={"NOTIFY_SOCKET": "/nonexistent/notify", "WATCHDOG_USEC": "nonsense"})
    server.wait_for(lambda: len(server.events()) == 1)
    assert agent.stop() == 0


def test_key_as_a_credential(tmp_path, server, tmp_path_factory):
    """LoadCredential: the key in a directory of its own, which the confinement allows; one put there anew is read after a 401."""
    credentials = tmp_path_factory.mktemp("credentials")
    (credentials / "write-key").write_text("rk_first\n")
    agent = Agent(tmp_path, server.url, raindrop='  write_key_file: "${CREDENTIALS_DIRECTORY}/write-key"')
    agent.log("a.jsonl", line(1))
    agent.start(environment={"CREDENTIALS_DIRECTORY": str(credentials)})
    server.wait_for(lambda: len(server.events()) == 1)
    assert server.requests[0].headers["Authorization"] == "Bearer rk_first"
    server.answer = lambda r: 204 if r.headers["Authorization"] == "Bearer rk_second" else 401
    agent.log("a.jsonl", line(2))
    agent.wait_said("uploading is paused")
    (credentials / "new").write_text("rk_second\n")
    (credentials / "new").rename(credentials / "write-key")
    server.wait_for(lambda: len(server.events()) == 2)
    assert agent.stop() == 0 and not agent.said("rk_")
    check = agent.command("check", "-c", agent.config, stdout=subprocess.PIPE)
    out, err = check.communicate(timeout=20)
    assert check.returncode == 0 and "CREDENTIALS_DIRECTORY" in err, "elsewhere the variable is not set: a warning"


def test_sums_per_input(tmp_path, server):
    """log.stats: for each input what was read since the last report and what became of it, and how far it lags."""
    other = tmp_path / "other"
    other.mkdir()
    a = Agent(tmp_path, server.url, inputs=f"  - {{name: second, paths: ['{other}/*.jsonl'], rescan: 200ms}}", more="log: {stats: 300ms}")
    a.log("a.jsonl", line(1) + "broken\n")
    a.start()
    wait_until(lambda: any("lines since the last report" in row and "input=chat" in row and "read=2 delivered=1" in row
                           and "invalid=1" in row and "lag_seconds=0.000" in row for row in a.stderr))
    wait_until(lambda: any("input=second" in row and "read=0" in row for row in a.stderr))
    wait_until(lambda: any("input=chat" in row and "read=0 delivered=0" in row for row in a.stderr))
    assert a.stop() == 0


def test_the_last_line_says_why(agent, server):
    """A stop names its signal; one that leaves something says how much, and what the trouble is."""
    started(agent)
    assert agent.stop() == 0
    assert "why=SIGTERM" in agent.stderr[-1] and "undelivered" not in agent.stderr[-1]
    server.answer = lambda r: 401
    agent.config.write_text(agent.config.read_text().replace("upload:", "upload:\n  shutdown_timeout: 100ms"))
    agent.log("a.jsonl", line(1) + line(2))
    agent.start()
    agent.wait_said("uploading is paused")
    assert agent.stop() == 0
    size = (agent.logs / "a.jsonl").stat().st_size
    assert f"undelivered_calls=2 undelivered_bytes={size}" in agent.stderr[-1]
    assert 'trouble="status 401"' in agent.stderr[-1] and "held=2" in agent.stderr[-1]
    server.answer = None
    assert agent.once() == 0
    assert 'why="all is read"' in agent.stderr[-1] and "undelivered" not in agent.stderr[-1]


def test_journald_priorities(agent, server):
    """Where stderr is the journal each line begins with its priority."""
    agent.log("a.jsonl", "broken\n")
    with open(agent.dir / "journal", "w") as journal:
        info = os.fstat(journal.fileno())
        env = {**os.environ, "RAINDROP_WRITE_KEY": "k", "JOURNAL_STREAM": f"{info.st_dev}:{info.st_ino}"}
        from agent import BINARY
        assert subprocess.run([BINARY, "run", "--once", "-c", agent.config], env=env, stderr=journal, timeout=30).returncode == 0
    rows = (agent.dir / "journal").read_text().splitlines()
    assert any(row.startswith("<4>") and "line is invalid" in row for row in rows) and rows[-1].startswith("<6>")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_the_unit(tmp_path):
    """systemd knows every key of the unit."""
    text = (SOURCE / "packaging/systemd/raingauge.service").read_text().replace("/usr/bin/raingauge", "/bin/true")
    unit = tmp_path / "raingauge.service"
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    ours = [row for row in done.stderr.splitlines() if "raingauge" in row and "man " not in row]
    assert not ours, ours
