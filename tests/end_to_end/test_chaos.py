"""A short run of chaos.py; RAINGAUGE_CHAOS_KILLS makes it longer."""
import os
import time

import chaos


def test_chaos(tmp_path):
    """No line lost or invented, and repeats with the same id, over kills at random moments."""
    kills = int(os.environ.get("RAINGAUGE_CHAOS_KILLS", "25"))
    seed = int(os.environ.get("RAINGAUGE_CHAOS_SEED", time.time()))
    assert chaos.run(kills, seed, tmp_path) == []


def test_chaos_of_large_lines(tmp_path):
    """The same where a file's blocks are read ahead."""
    kills = int(os.environ.get("RAINGAUGE_CHAOS_KILLS", "10"))
    seed = int(os.environ.get("RAINGAUGE_CHAOS_SEED", time.time()))
    assert chaos.run(kills, seed, tmp_path, large=True) == []


def test_chaos_of_merged_records(tmp_path):
    """Records of several lines arrive whole, or not yet: no kill makes two of one, or leaves a line out."""
    kills = int(os.environ.get("RAINGAUGE_CHAOS_KILLS", "25"))
    seed = int(os.environ.get("RAINGAUGE_CHAOS_SEED", time.time()))
    assert chaos.run(kills, seed, tmp_path, merge=True) == []
