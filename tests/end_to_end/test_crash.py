"""A short run of crash.py; RAINGAUGE_CRASH_POINTS makes it longer."""
import os
import time

import crash
import pytest


@pytest.mark.skipif("RAINGAUGE_RELEASE_BINARY" not in os.environ, reason="RAINGAUGE_RELEASE_BINARY is not set (a build without sanitizers)")
def test_crash(tmp_path, monkeypatch):
    """No line lost, and none under another id, when the power fails at random moments."""
    monkeypatch.setattr("agent.BINARY", os.environ["RAINGAUGE_RELEASE_BINARY"])
    points = int(os.environ.get("RAINGAUGE_CRASH_POINTS", "25"))
    seed = int(os.environ.get("RAINGAUGE_CRASH_SEED", time.time()))
    assert crash.run(points, seed, tmp_path) == []
