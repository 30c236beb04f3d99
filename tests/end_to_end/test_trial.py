"""What a new user runs into, and what `status`, the page's data and the log alone say of it: what is wrong, and where."""
import json
import os
import pathlib
import re
import subprocess

import pytest
from agent import BINARY, Agent, line, wait_until
from server import Server
from test_admin import get


def status(agent, *arguments):
    done = subprocess.run([BINARY, "status", "--state-dir", agent.state, *arguments], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout + done.stderr


def wait_status(agent, *patterns):
    """Until each pattern is somewhere in the text."""
    said = [""]

    def there():
        said[0] = status(agent)[1]
        return all(re.search(p, said[0]) for p in patterns)
    try:
        wait_until(there)
    except AssertionError:
        raise AssertionError(f"{patterns} in the status:\n{said[0]}\n" + "\n".join(agent.stderr))
    return said[0]


def page(agent):
    """What the page shows: it draws /status."""
    return json.loads(get(agent, "/status")[1])


def logged(agent, level, *parts):
    return any(f"level={level}" in row and all(p in row for p in parts) for row in agent.stderr)


def test_wrong_key(agent, server):
    """Uploading pauses: for which destination, at which url, and that it is the key."""
    server.answer = lambda r: 401
    agent.log("a.jsonl", line(1))
    agent.start()
    wait_status(agent, "NOT READY: uploading is paused: raindrop, status 401", rf"raindrop +paused .*status 401: the write key is refused.*{server.url}", r"undelivered +0 .*a\.jsonl")
    assert logged(agent, "error", "uploading is paused", "destination=raindrop", 'meaning="the write key is refused"', f"url={server.url}")
    assert status(agent, "--ready") == (1, "uploading is paused: raindrop, status 401\n") and status(agent, "--live")[0] == 0
    seen = page(agent)["destinations"][0]
    assert (seen["state"], seen["reason"], seen["meaning"], seen["url"]) == ("paused", "status 401", "the write key is refused", server.url)
    server.answer = None
    server.wait_for(lambda: len(server.events()) == 1)
    agent.wait_said("uploading goes on")
    wait_until(lambda: page(agent)["destinations"][0]["reason"] is None)


def test_no_key_file(tmp_path, server):
    """A key file that is not there: its path and why."""
    agent = Agent(tmp_path, server.url, raindrop=f"  write_key_file: {tmp_path}/keys/mine")
    agent.log("a.jsonl", line(1))
    agent.start()
    wait_status(agent, "NOT READY: uploading is paused: raindrop, no_write_key", "the write key's file holds none, or cannot be read")
    assert logged(agent, "error", "no write key", f"{tmp_path}/keys/mine", "No such file or directory")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "mine").write_text("rk_new\n")
    server.wait_for(lambda: len(server.events()) == 1)
    assert agent.stop() == 0


def test_missing_directory(agent, server):
    """Paths that begin in a directory that is not there: which; and it is read once it is made."""
    agent.logs.rmdir()
    agent.start()
    agent.wait_said("paths match no file")
    assert logged(agent, "warn", "input=chat", f"directory={agent.logs}", "No such file or directory")
    wait_status(agent, rf"No such file or directory +input chat, directory {agent.logs} +paths match no file")
    done = subprocess.run([BINARY, "check", "-c", agent.config], capture_output=True, text=True, timeout=30, env={**os.environ, "RAINDROP_WRITE_KEY": "k"})
    assert done.returncode == 0 and "warning: paths match no file" in done.stderr
    agent.logs.mkdir()
    agent.log("a.jsonl", line(1))
    server.wait_for(lambda: len(server.events()) == 1)
    assert agent.stop() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_unreadable_file(agent, server):
    """As an ordinary user: which file, why, and as whom it was tried; read as soon as it may be."""
    agent.state.mkdir()
    for path in (agent.dir, *agent.dir.parents):
        if path.stat().st_mode & 0o005 != 0o005 and path.owner() == "root" and str(path).startswith("/tmp/"):
            path.chmod(path.stat().st_mode | 0o055)
    os.chown(agent.state, 65534, 65534)
    agent.log("a.jsonl", line(1))
    (agent.logs / "a.jsonl").chmod(0o600)
    agent.log("b.jsonl", line(2))
    (agent.logs / "closed").mkdir()
    agent.config.write_text(agent.config.read_text().replace("*.jsonl", "**/*.jsonl"))
    (agent.logs / "closed").chmod(0o700)

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    assert agent.once(preexec_fn=become_nobody) == 1
    assert "delivered=1" in agent.stderr[-1] and "not all could be read" in agent.stderr[-1], agent.stderr[-1]
    agent.start(preexec_fn=become_nobody)
    server.wait_for(lambda: len(server.events()) == 1)
    wait_status(agent, rf"unreadable: Permission denied .*{agent.logs}/a\.jsonl", rf"Permission denied +{agent.logs}/a\.jsonl +file cannot be read")
    assert logged(agent, "warn", "file cannot be read", f"file={agent.logs}/a.jsonl", "Permission denied", "user=65534 groups=65534")
    assert logged(agent, "warn", "cannot be looked at", f"{agent.logs}/closed", "Permission denied", "user=65534")
    assert page(agent)["inputs"][0]["files_unreadable"] == 2
    (agent.logs / "a.jsonl").chmod(0o644)
    server.wait_for(lambda: len(server.events()) == 2)
    agent.wait_said("file can be read again")
    assert agent.stop() == 0


def test_unreachable_server(tmp_path):
    """Nobody listens, or the name is none: that, and the url. The agent is ready: it will catch up by itself."""
    dead = Server()
    dead.close()
    for n, (url, words) in enumerate([(dead.url, "Couldn't connect to server"), ("https://raindrop.invalid/v1", "Couldn't resolve host name")]):
        agent = Agent(tmp_path / str(n), url)
        agent.log("a.jsonl", line(1))
        agent.start()
        wait_status(agent, rf"raindrop +failing .*{words}, \d+ in a row, next try in .*{re.escape(url)}", "a request failed and will be sent again")
        assert logged(agent, "warn", "a request failed", words, f"url={url}", "destination=raindrop")
        assert status(agent, "--ready") == (0, "ok\n")
        agent.kill()


def test_a_rule_that_rejects(agent, server):
    """Which rule, which field, which line; the others are delivered."""
    agent.log("a.jsonl", line(1) + line(2, user=None))
    agent.start()
    offset = len(line(1))
    wait_status(agent, rf"missing user_id +{agent.logs}/a\.jsonl:{offset}, rule completion +call is rejected", r"completion +1 .* 1 +missing user_id: 1")
    assert logged(agent, "warn", "call is rejected", f"file={agent.logs}/a.jsonl offset={offset}", 'reason="missing user_id"', "rule=completion")
    assert page(agent)["rules"][0]["rejected"] == {"missing user_id": 1}
    assert agent.stop() == 0 and len(server.events()) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_full_disk(agent, server):
    """A state directory without room: which file, that the disk is full, not ready; delivery goes on, and so does all when there is room."""
    agent.state.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", agent.state], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        agent.write_config(more="dead_letter: {lines: true}")
        agent.log("a.jsonl", line(1))
        agent.start()
        server.wait_for(lambda: len(server.events()) == 1)
        filler = agent.state / "filler"
        with pytest.raises(OSError):
            with open(filler, "wb", buffering=0) as f:
                while True:
                    f.write(bytes(4096))
        for n in range(60):
            agent.log(f"f{n}.jsonl", line(2 + n))
        agent.log("a.jsonl", line(99, user=None))
        full = rf"'{agent.state}/(checkpoint|dead-letter)[^']*': No space left on device"
        wait_status(agent, rf"NOT READY: the checkpoint cannot be written: write {full}", r"undelivered .*a\.jsonl", "dead letters cannot be written")
        assert logged(agent, "error", "checkpoint cannot be written, will be tried again", f"{agent.state}/checkpoint", "No space left on device")
        assert logged(agent, "error", "dead letters cannot be written", f"{agent.state}/dead-letter.jsonl", "No space left on device")
        code, said = status(agent, "--ready")
        assert code == 1 and re.fullmatch(rf"the checkpoint cannot be written: write {full}\n", said)
        filler.unlink()
        wait_status(agent, r"raingauge \S+  ready ", r"held 0\n")
        assert agent.said("checkpoint is written again")
        server.wait_for(lambda: len(server.events()) == 61)
        assert agent.stop() == 0
    finally:
        if agent.process and agent.process.poll() is None:
            agent.kill()
        subprocess.run(["umount", "-l", agent.state])


def test_a_state_directory_that_cannot_be_made(tmp_path, server):
    """Exit 1 and the path; nothing was read."""
    agent = Agent(tmp_path, server.url)
    (tmp_path / "file").write_text("")
    agent.start("--state-dir", tmp_path / "file" / "state")
    assert agent.wait() == 1 and any(f"state directory '{tmp_path}/file/state': Not a directory" in row for row in agent.stderr)
