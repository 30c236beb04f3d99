"""Colours on a terminal: map, test, check and receive have them, NO_COLOR and a pipe take them away, and nothing else changes."""
import os
import pty
import re
import subprocess

import pytest
from agent import BINARY, KEY, Agent, line

TESTS = """
tests:
  - {name: good, line: {msg: health}, expect: []}
  - {name: bad, line: {msg: health}, expect: [{event: {event: x}}]}
nonsense: 1
"""


def on_terminal(agent, *arguments, **environment):
    """What it writes to a terminal, and its exit code."""
    env = {**{name: value for name, value in os.environ.items() if name != "NO_COLOR"}, "RAINDROP_WRITE_KEY": KEY, "TERM": "xterm", **environment}
    ours, its = pty.openpty()
    process = subprocess.Popen([BINARY, *map(str, arguments), "-c", str(agent.config)], env=env, stdin=its, stdout=its, stderr=its)
    os.close(its)
    text = b""
    try:
        while piece := os.read(ours, 65536):
            text += piece
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    return text.decode().replace("\r\n", "\n"), process.wait(30)


def plain(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("command", ["map", "test", "check"])
def test_colours(tmp_path, command):
    agent = Agent(tmp_path, "http://127.0.0.1:1/v1", more=TESTS.replace("nonsense: 1", "" if command != "check" else "nonsense: 1"))
    agent.log("a.jsonl", line(1, prompt='a "quoted" \\ text') + "broken\n" + '{"msg": "health"}\n')
    arguments = {"map": ["map", "--all", agent.logs / "a.jsonl"], "test": ["test"], "check": ["check"]}[command]
    coloured, code = on_terminal(agent, *arguments)
    assert code == {"map": 0, "test": 1, "check": 2}[command]
    marks = {"map": ['\x1b[1;32m"events/track"', '\x1b[1;31m"invalid"', '\x1b[33m"dropped"', '\x1b[34m"call"'], "test": ["\x1b[32mok", "\x1b[1;31mFAIL", "\x1b[1;31m1 passed, 1 failed"],
             "check": ["\x1b[1;31merror:"]}[command]
    assert all(mark in coloured for mark in marks), coloured
    without, _ = on_terminal(agent, *arguments, NO_COLOR="1")
    assert "\x1b" not in without and without == plain(coloured)
    assert "\x1b" not in on_terminal(agent, *arguments, TERM="dumb")[0]
    piped = subprocess.run([BINARY, *map(str, arguments), "-c", agent.config], capture_output=True, text=True, timeout=30)
    assert "\x1b" not in piped.stdout + piped.stderr
    if command == "map":
        assert piped.stdout == without
