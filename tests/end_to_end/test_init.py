"""raingauge init: from log lines to a configuration that check accepts and map makes calls with."""
import gzip
import json
import os
import pathlib
import subprocess

import pytest

BINARY = os.environ.get("RAINGAUGE_BINARY", "raingauge")
PRESETS = pathlib.Path(__file__).resolve().parents[1] / "presets"
NAMES = sorted(path.stem for path in PRESETS.glob("*.jsonl"))


def raingauge(*arguments, given=None):
    return subprocess.run([BINARY, *map(str, arguments)], input=given, capture_output=True, text=True, timeout=60)


def check(config):
    said = raingauge("check", "-c", config)
    assert said.returncode == 0, said.stderr
    return said.stdout


def calls(config, *arguments):
    said = raingauge("map", "--all", "-c", config, *arguments)
    assert said.returncode == 0, said.stderr
    lines = [json.loads(line) for line in said.stdout.splitlines()]
    assert not [line for line in lines if line.get("outcome") in ("rejected", "invalid")]
    return [line["call"] for line in lines if "call" in line]


def init(tmp_path, *logs):
    config = tmp_path / "raingauge.yaml"
    said = raingauge("init", "-o", config, *logs)
    assert said.returncode == 0, said.stderr
    assert config.read_text().startswith("# yaml-language-server: $schema=")
    check(config)
    return config, said.stderr


# Lines that no preset knows: an answer whose parts are JSON text, its rating, and noise.
OWN = [
    {"at": "2025-10-09T08:53:20Z", "kind": "turn", "who": {"user_id": "u1", "email": "a@example.com"}, "dialog_id": "c1",
     "payload": json.dumps({"llm": "gpt-4o", "question": "What is the weather like?", "bot_answer": "It is sunny.",
                            "message_id": "m1"})},
    {"at": "2025-10-09T08:53:21Z", "kind": "vote", "message_id": "m1", "vote": "up", "comment": "nice"},
    {"at": "2025-10-09T08:53:22Z", "kind": "tick"},
]


def own_lines():
    return "".join(json.dumps(line) + "\n" for line in OWN)


def assert_own_calls(made):
    event = next(call for call in made if "event" in call)
    assert event["user_id"] == "u1" and event["event_id"] == "m1"
    assert event["ai_data"] == {"model": "gpt-4o", "input": "What is the weather like?", "output": "It is sunny.",
                                "convo_id": "c1"}
    signal = next(call for call in made if "signal_name" in call)
    assert (signal["event_id"], signal["sentiment"]) == ("m1", "POSITIVE")
    assert {"user_id": "u1", "traits": {"email": "a@example.com"}} in made


@pytest.mark.parametrize("name", NAMES)
def test_a_presets_lines_are_recognised(tmp_path, name):
    config, said = init(tmp_path, PRESETS / f"{name}.jsonl")
    assert f"preset {name}:" in said
    assert f'include: ["preset:{name}"]' in config.read_text()
    assert calls(config)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_printed_as_a_file(tmp_path, name):
    """It makes the same calls as the built-in one, and its tests pass."""
    config = tmp_path / "raingauge.yaml"
    log = PRESETS / f"{name}.jsonl"
    assert raingauge("init", "--preset", name, "-o", config, log).returncode == 0
    check(config)
    assert raingauge("test", "-c", config).returncode == 0
    own = raingauge("map", "--all", "-c", config, "-", given=log.read_text()).stdout
    assert own == raingauge("map", "--all", "--preset", name, "-", given=log.read_text()).stdout


def test_rules_are_drafted_with_how_sure_they_are(tmp_path):
    (tmp_path / "own.jsonl").write_text(own_lines())
    config, said = init(tmp_path, tmp_path / "own.jsonl")
    assert "draft" in said
    assert "# the answer: sure" in config.read_text()
    assert_own_calls(calls(config))


def test_samples_may_be_packed(tmp_path):
    with gzip.open(tmp_path / "own.jsonl.gz", "wt") as packed:
        packed.write(own_lines())
    config, _ = init(tmp_path, tmp_path / "own.jsonl.gz")
    (tmp_path / "own.jsonl").write_text(own_lines())
    assert_own_calls(calls(config, tmp_path / "own.jsonl"))


def test_a_containers_envelope_is_seen(tmp_path):
    cri = [f"2025-10-09T08:53:20.1Z stdout F {json.dumps(line)}\n" for line in OWN]
    cri[0] = cri[0].replace(" F ", " P ", 1)[:80] + "\n2025-10-09T08:53:20.2Z stdout F " + cri[0][80:]
    (tmp_path / "cri.log").write_text("".join(cri))
    config, _ = init(tmp_path, tmp_path / "cri.log")
    assert "envelope: cri" in config.read_text()
    assert "payload_json.bot_answer  # the answer: sure, on 1 of 3 lines" in config.read_text()


def test_dockers_envelope_is_seen(tmp_path):
    docker = [json.dumps({"log": json.dumps(line) + "\n", "stream": "stdout", "time": "2025-10-09T08:53:20.1Z"},
                         separators=(",", ":")) + "\n" for line in OWN]
    (tmp_path / "docker-json.log").write_text("".join(docker))
    config, _ = init(tmp_path, tmp_path / "docker-json.log")
    assert "envelope: docker" in config.read_text()
    assert "payload_json.bot_answer  # the answer: sure, on 1 of 3 lines" in config.read_text()


def test_logfmt(tmp_path):
    (tmp_path / "app.log").write_text('ts=2025-10-09T08:53:20Z uid=u1 model=gpt-4o prompt="what is it" answer="a cat"\n' * 3)
    config, _ = init(tmp_path, tmp_path / "app.log")
    assert "parser: logfmt" in config.read_text()
    event = calls(config)[0]
    assert event["user_id"] == "u1" and event["ai_data"] == {"model": "gpt-4o", "input": "what is it", "output": "a cat"}


@pytest.mark.parametrize("text", ["just words\nand more of them\n", '{"a":1}\n{"b":[2]}\n', '{"weird \'name\\\\ #:":"some long text here"}\n'])
def test_lines_that_say_nothing_become_events_all_the_same(tmp_path, text):
    (tmp_path / "x.log").write_text(text)
    config, _ = init(tmp_path, tmp_path / "x.log")
    assert calls(config)


def test_standard_input():
    said = raingauge("init", "-", given=own_lines())
    assert said.returncode == 0 and "bot_answer" in said.stdout


def test_a_file_that_exists_stays_as_it_is(tmp_path):
    (tmp_path / "own.jsonl").write_text(own_lines())
    (tmp_path / "raingauge.yaml").write_text("mine")
    said = raingauge("init", "-o", tmp_path / "raingauge.yaml", tmp_path / "own.jsonl")
    assert said.returncode == 1 and "exists" in said.stderr
    assert (tmp_path / "raingauge.yaml").read_text() == "mine"


def test_the_list_names_every_preset():
    lines = raingauge("init", "--preset", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == NAMES
    assert all(len(line) > 30 for line in lines)


@pytest.mark.parametrize("arguments, code", [
    ([], 2), (["--preset", "litelm"], 2), (["--nonsense"], 2), (["/nonexistent"], 1), (["/dev/null"], 1), (["/"], 1)])
def test_wrong_usage_and_files_that_cannot_be_read(arguments, code):
    said = raingauge("init", *arguments)
    assert said.returncode == code and said.stderr and not said.stdout


def test_map_of_lines_without_a_call_says_nothing():
    said = raingauge("map", "--preset", "openai-chat", "-", given='{"x":1}\n')
    assert (said.returncode, said.stdout) == (0, "")
