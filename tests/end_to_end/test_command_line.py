"""The command line: help, wrong usage, where the configuration comes from, and how its mistakes are told."""
import os
import re
import pty
import subprocess

import pytest

from agent import BINARY

GOOD = """
inputs: [{paths: ["*.yaml"]}]
rules:
  - name: a
    event: {event: chat, user_id: $.user}
"""
BAD = """inputs: [{paths: [/nonexistent/*.jsonl]}]
rules:
  - name: a
    event: {event: chat, usr_id: $.user}
  - name: b
    drop: yes
colour: red
"""


def raingauge(*arguments, env=None, cwd=None, stderr=subprocess.PIPE):
    environment = {k: v for k, v in os.environ.items() if k not in ("RAINGAUGE_CONFIG", "RAINDROP_WRITE_KEY")}
    environment.update(env or {"RAINDROP_WRITE_KEY": "k"})
    return subprocess.run([BINARY, *arguments], stdout=subprocess.PIPE, stderr=stderr, text=True, timeout=20, env=environment, cwd=cwd)


def commands():
    lines = raingauge("--help").stdout.split("Commands", 1)[1].splitlines()[1:]
    return [line.split()[0] for line in lines if line.startswith("  ")]


def test_help_names_every_command():
    done = raingauge("--help")
    assert done.returncode == 0 and done.stderr == ""
    assert {"check", "receive"} <= set(commands())
    assert raingauge("-h").stdout == raingauge("help").stdout == done.stdout


@pytest.mark.parametrize("command", commands())
def test_each_command_has_help(command):
    """--help works wherever it stands, does nothing else, fits 120 columns, and names the exit codes."""
    done = raingauge(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"Usage: raingauge {command}")
    assert all(len(line) <= 120 for line in done.stdout.splitlines())
    assert "Exit codes:" in done.stdout
    assert raingauge(command, "--nonsense", "--help").stdout == raingauge("help", command).stdout == done.stdout


OPTIONS = {  # contract 1
    "run": ["--once", "--timeout", "--quiet", "--preset"], "check": ["--online", "--preset"], "map": ["--all", "--explain", "--input", "--preset"],
    "test": ["--preset"], "init": ["--preset"], "status": ["--json", "--live", "--ready"], "top": [], "tap": ["--rule"], "reload": [],
    "replay": ["--timeout"], "receive": ["--listen", "--out", "--key"],
}


@pytest.mark.parametrize("command", commands())
def test_help_names_every_option(command):
    """What is not documented does not exist."""
    of_all = [] if command in ("init", "receive") else ["-c", "--config", "--state-dir"]
    words = re.findall(r"--?[a-z-]+", raingauge(command, "--help").stdout)
    assert set(OPTIONS[command] + of_all) <= set(words)


def test_version():
    done = raingauge("--version")
    assert done.returncode == 0
    name, version = done.stdout.split()
    assert name == "raingauge" and all(part.isdigit() for part in version.split("."))


@pytest.mark.parametrize("arguments, complaint", [
    (["chekc"], 'unknown command "chekc"; did you mean "check"?'),
    (["frobnicate"], 'unknown command "frobnicate"'),
    (["help", "frobnicate"], 'unknown command "frobnicate"'),
    (["check", "--onlin"], 'unknown option "--onlin"; did you mean "--online"?'),
    (["check", "-c"], 'option "--config" needs a value'),
    (["check", "extra"], 'unexpected argument "extra"'),
    (["check", "--preset", "nonsense", "x"], 'unknown preset "nonsense"'),
    (["check", "--preset", "nonsense", "-c", "x"], "--preset and -c cannot both be given"),
])
def test_wrong_usage_is_one_line(arguments, complaint):
    done = raingauge(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_no_file(tmp_path):
    """A directory, a FIFO, binary rubbish in the place of a file: said to be that, and nobody waits for it."""
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "rubbish").write_bytes(bytes(range(256)) * 9)
    os.mkfifo(tmp_path / "fifo")
    env = {"RAINDROP_WRITE_KEY": "k"}
    for arguments, code, complaint in [
        (["check", "-c", "."], 2, ".:1:1: error: cannot read the configuration: Is a directory"),
        (["check", "-c", "fifo"], 2, "fifo:1:1: error: cannot read the configuration: not a regular file"),
        (["check", "-c", "rubbish"], 2, "rubbish:1:1: error: not YAML: control characters are not allowed"),
        (["status", "-c", "fifo"], 2, "not a regular file"), (["reload", "-c", "none"], 2, "No such file"),
        (["tap", "-c", "rubbish"], 2, "not YAML"),
        (["map", "-c", "good.yaml", "."], 1, "raingauge map: .: read: Is a directory"),
        (["map", "-c", "good.yaml", "none"], 1, "raingauge map: none: No such file or directory"),
        (["map", "-c", "good.yaml", "--all", "rubbish"], 0, ""),
        (["replay", "-c", "good.yaml", "--state-dir", "s", "fifo"], 1, "open 'fifo': not a regular file"),
        (["replay", "-c", "good.yaml", "--state-dir", "s", "rubbish"], 1, "not JSON"),
        (["run", "-c", "good.yaml", "--state-dir", "good.yaml"], 1, "state directory 'good.yaml': Not a directory"),
        (["init", "none"], 1, "raingauge init: none: No such file or directory"),
        (["status", "--state-dir", "none"], 1, "no agent runs on state directory 'none'"),
        (["receive", "--out", "none/x"], 1, "raingauge receive: open 'none/x': No such file or directory"),
        (["test", "-c", "good.yaml"], 0, "the configuration has no tests"),
    ]:
        done = raingauge(*arguments, cwd=tmp_path, env=env)
        assert done.returncode == code and complaint in done.stderr, (arguments, done)


def test_output_that_cannot_be_written_is_a_failure():
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([BINARY, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_check_finds_the_file(tmp_path):
    """-c, with or without a blank, before $RAINGAUGE_CONFIG; one that is not there is said to be so."""
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    for arguments in (["-c", "good.yaml"], ["-cgood.yaml"], ["--config=good.yaml"]):
        done = raingauge("check", *arguments, cwd=tmp_path, env={"RAINGAUGE_CONFIG": "bad.yaml", "RAINDROP_WRITE_KEY": "k"})
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("good.yaml: valid, 1 input, 1 rule")
    assert raingauge("check", cwd=tmp_path, env={"RAINGAUGE_CONFIG": "good.yaml", "RAINDROP_WRITE_KEY": "k"}).returncode == 0
    assert raingauge("check", cwd=tmp_path, env={"RAINGAUGE_CONFIG": "bad.yaml", "RAINDROP_WRITE_KEY": "k"}).returncode == 2
    done = raingauge("check", "-c", "none.yaml", cwd=tmp_path)
    assert done.returncode == 2
    assert "none.yaml" in done.stderr and "No such file or directory" in done.stderr


def test_check_prints_every_mistake(tmp_path):
    """All of them, one a line, in the order of the file; nothing on stdout."""
    (tmp_path / "bad.yaml").write_text(BAD)
    done = raingauge("check", "-c", "bad.yaml", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    errors = [line for line in done.stderr.splitlines() if ": error: " in line]
    assert errors == done.stderr.splitlines()
    assert errors[0] == 'bad.yaml:4:12: error: missing key "user_id" in event'
    assert errors[1] == 'bad.yaml:4:26: error: unknown key "usr_id" in event; did you mean "user_id"?'
    assert errors[2].startswith("bad.yaml:6:11: error: ")
    assert errors[3].startswith('bad.yaml:7:1: error: unknown key "colour"')


def test_check_needs_no_key(tmp_path):
    """Without a write key there is a warning, and it is counted."""
    (tmp_path / "good.yaml").write_text(GOOD)
    done = raingauge("check", "-c", "good.yaml", cwd=tmp_path, env={"HOME": "/"})
    assert done.returncode == 0
    assert "warning: " in done.stderr and "RAINDROP_WRITE_KEY" in done.stderr
    assert done.stdout.endswith("1 warning\n")


@pytest.mark.parametrize("no_color", ["", "1"])
def test_check_on_a_terminal(tmp_path, no_color):
    """There the line stands under the message, with a caret, in colours unless NO_COLOR is set."""
    (tmp_path / "bad.yaml").write_text(BAD)
    main, terminal = pty.openpty()
    done = raingauge("check", "-c", "bad.yaml", cwd=tmp_path, stderr=terminal,
                     env={"TERM": "xterm", "NO_COLOR": no_color, "RAINDROP_WRITE_KEY": "k"})
    os.close(terminal)
    text = os.read(main, 65536).decode()
    os.close(main)
    assert done.returncode == 2
    assert "usr_id: $.user}" in text and "^" in text
    assert ("\x1b[" in text) == (no_color == "")


def test_check_warns_of_paths_without_files(tmp_path):
    """An input that matches no file yet is a warning at its paths, whatever the others match."""
    (tmp_path / "c.yaml").write_text(GOOD.replace("inputs: [", "inputs: [{paths: [nothing-*.log, deep/**/x]}, "))
    done = raingauge("check", "-c", "c.yaml", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stderr == "c.yaml:2:18: warning: paths match no file\n"
