"""`raingauge top` in tmux: draws, follows the window's size, q quits, the terminal is as it was."""
import os
import pathlib
import shutil
import subprocess

import pytest
from agent import BINARY, line, wait_until
from test_admin import started

pytestmark = pytest.mark.skipif(not shutil.which("tmux"), reason="no tmux")


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, directory, columns=110, rows=36):
        self.socket = str(directory / "tmux.sock")
        self.run("-f", "/dev/null", "new-session", "-d", "-x", columns, "-y", rows, "env PS1='ready> ' TERM=screen-256color sh")

    def run(self, *args):
        done = subprocess.run(["tmux", "-S", self.socket, *map(str, args)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def type(self, text):
        self.run("send-keys", "-l", text)
        self.run("send-keys", "Enter")

    def screen(self, colours=False):
        return self.run("capture-pane", "-p", *(["-e"] if colours else []))

    def wait(self, part):
        wait_until(lambda: part in self.screen(), what=f"'{part}' on the screen")

    def close(self):
        subprocess.run(["tmux", "-S", self.socket, "kill-server"], capture_output=True)


@pytest.fixture
def terminal(tmp_path):
    t = Terminal(tmp_path)
    yield t
    t.close()


def keep(terminal):
    """For the documentation: the screen with its colours."""
    if os.environ.get("RAINGAUGE_SCREENSHOTS"):
        pathlib.Path(os.environ["RAINGAUGE_SCREENSHOTS"], "top.ansi").write_text(terminal.screen(colours=True))


def test_it_draws_and_quits(agent, server, terminal):
    """Numbers change while it runs; a smaller window is filled and not overflowed; q gives the shell back."""
    server.answer = lambda r: (400, {}, "no") if any(c.get("event_id") == "e3" for c in r.calls) else 204
    agent.log("a.jsonl", "".join(line(n) for n in range(9)) + line(50, user=None) + "broken\n")
    agent.log("b\x1b[31m<b>.jsonl", line(20))
    started(agent)
    server.wait_for(lambda: len(server.events()) == 9)
    terminal.type(f"echo before; {BINARY} top --state-dir {agent.state}; echo code=$?")
    terminal.wait("q quits")
    terminal.wait("lines  read 12 delivered 9")
    text = terminal.screen()
    assert "before" not in text, "not on the other screen"
    assert "missing user_id: 1" in text and "calls delivered" in text and "<b>.jsonl" in text
    agent.log("a.jsonl", line(100))
    terminal.wait("lines  read 13 delivered 10")
    keep(terminal)
    terminal.run("resize-window", "-x", 60, "-y", 12)
    wait_until(lambda: terminal.screen().rstrip().endswith("q quits") and len(terminal.screen().rstrip().splitlines()) <= 12)
    assert all(len(row) <= 60 for row in terminal.screen().splitlines()) and "raingauge 0" in terminal.screen()
    terminal.run("resize-window", "-x", 140, "-y", 40)
    terminal.wait("missing user_id: 1")
    terminal.run("send-keys", "q")
    terminal.wait("code=0")
    assert "before" in terminal.screen() and "q quits" not in terminal.screen()
    assert agent.stop() == 0


def test_narrow(agent, server, terminal):
    """In a narrow terminal what matters stands first: whether it is ready and why not, what troubles a destination."""
    server.answer = lambda r: 401
    agent.log("a.jsonl", line(1))
    started(agent)
    terminal.type(f"{BINARY} top --state-dir {agent.state}")
    terminal.wait("q quits")
    terminal.run("resize-window", "-x", 72, "-y", 14)
    terminal.wait("NOT READY: uploading is paused: raindrop")
    terminal.wait("status 401: the write key is refused")
    terminal.run("resize-window", "-x", 36, "-y", 6)
    terminal.wait("NOT READY")
    assert all(len(row) <= 36 for row in terminal.screen().splitlines())
    terminal.run("send-keys", "q")
    agent.kill()


def test_agent_goes_and_comes(agent, server, terminal):
    """An agent that ends is said, one that comes back is shown; ^C ends it, and the terminal still shows what is typed."""
    started(agent)
    terminal.type(f"{BINARY} top --state-dir {agent.state}; echo code=$?")
    terminal.wait("ready")
    assert agent.stop() == 0
    terminal.wait("no agent runs")
    started(agent)
    terminal.wait("raingauge 0")
    terminal.run("send-keys", "C-c")
    terminal.wait("code=0")
    terminal.run("send-keys", "-l", "echo typed")
    terminal.wait("echo typed")
    assert agent.stop() == 0


def test_not_a_terminal(agent):
    """Without a terminal it says what to use instead."""
    process = agent.command("top", "--state-dir", agent.state, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    out, err = process.communicate(timeout=10)
    assert process.returncode == 2 and "raingauge status" in err and out == ""
