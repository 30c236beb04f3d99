"""tests/bench/run measures what it says: every row runs, and a row in which events are missing is none. No time is asserted."""
import json
import os
import subprocess

import pytest

from agent import SOURCE

pytestmark = pytest.mark.skipif("RAINGAUGE_RELEASE_BINARY" not in os.environ, reason="RAINGAUGE_RELEASE_BINARY is not set (a build without sanitizers)")
ROWS = {"all", "five", "none", "otlp", "otlp-mixed", "cri", "gz", "rules", "allocations", "memory", "rest", "latency", "start", "bytes",
        "idle-files", "bytes-read"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    directory = tmp_path_factory.mktemp("bench")

    def run(*arguments, agent=os.environ["RAINGAUGE_RELEASE_BINARY"]):
        return subprocess.run([SOURCE / "tests/bench/run", "--build-dir", directory / "build", "--dir", directory, "--agent", agent, "--rounds", "1",
                               "--size", "0.25", "--files", "100", "--rest", "0.2", "--probes", "50", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    return run


def test_every_row_runs(bench, tmp_path):
    """All rows are measured with every event delivered; the figures are saved, and compared with what was saved."""
    saved = tmp_path / "figures.json"
    done = bench("--save", saved)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAILED" not in done.stdout
    figures = json.loads(saved.read_text())
    assert ROWS <= {line["row"] for line in figures["rows"].values()}
    assert figures["commit"] and figures["rounds"] == 1
    for name, line in figures["rows"].items():
        assert line["value"] >= 0 and f"| {name.rsplit(': ', 1)[0]} |" in done.stdout
    assert figures["rows"]["all lines match: ≥ 0.6 × jsmn-only"]["figures"]["agent MB/s"][0] > 0
    again = bench("--only", "all", "--against", saved)
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"ratios to commit {figures['commit']}" in again.stdout


def test_a_row_without_its_events_fails(bench, tmp_path):
    """An agent that ends well but delivers nothing, and one that fails, make the row and the run fail."""
    done = bench("--only", "all", agent="/bin/true")
    assert done.returncode == 1
    assert "FAILED all: 0 events of " in done.stdout
    done = bench("--only", "none", "--only", "all", agent="/bin/false")
    assert done.returncode == 1
    assert "FAILED none" in done.stdout and "FAILED all" in done.stdout
    assert bench("--only", "nothing").returncode == 2
