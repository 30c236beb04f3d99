"""A few histories of history.py; RAINGAUGE_HISTORIES makes it more."""
import os
import time

import history
import pytest

SEED = int(os.environ.get("RAINGAUGE_HISTORY_SEED", time.time()))


@pytest.mark.parametrize("seed", range(SEED, SEED + int(os.environ.get("RAINGAUGE_HISTORIES", "3"))))
def test_history(seed):
    """Whatever happens to files, server and agent: every line arrives or is a dead letter, under one id."""
    steps = history.make(seed, 50)
    assert history.run(steps) == [], f"history.py --replay '{steps}'"
