"""A short run of accounting.py; RAINGAUGE_ACCOUNTING_SECONDS makes it longer."""
import os
import time

import accounting
import pytest


@pytest.mark.skipif("RAINGAUGE_RELEASE_BINARY" not in os.environ, reason="RAINGAUGE_RELEASE_BINARY is not set (a build without sanitizers)")
@pytest.mark.parametrize("pace", accounting.PACE)
def test_accounting(tmp_path, monkeypatch, pace):
    """Every line accounted for, to the line, and memory and descriptors flat, over rotation, deletes and servers that fail."""
    monkeypatch.setattr("agent.BINARY", os.environ["RAINGAUGE_RELEASE_BINARY"])
    seconds = int(os.environ.get("RAINGAUGE_ACCOUNTING_SECONDS", "20"))
    seed = int(os.environ.get("RAINGAUGE_ACCOUNTING_SEED", time.time()))
    assert accounting.run(seconds, seed, tmp_path, pace, memory_growth=16384 if seconds < 120 else 4096) == []
