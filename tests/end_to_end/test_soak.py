"""A short run of soak.py; RAINGAUGE_SOAK_SECONDS makes it longer."""
import os
import time

import soak
from agent import wait_until


def test_soak(tmp_path, server):
    """Files rotated and deleted while they are read: every line once, no false alarm, and no descriptor is left behind."""
    seconds = int(os.environ.get("RAINGAUGE_SOAK_SECONDS", "6"))
    seed = int(os.environ.get("RAINGAUGE_SOAK_SEED", time.time()))
    print(f"seed {seed}")
    run = soak.Soak(tmp_path, server, seed, "    close_inactive: 10s", padding=2000)
    try:
        run.run(seconds, print)
        assert run.deleted > 0
        wait_until(lambda: run.deleted_but_open() == 0, 30, "descriptors of deleted files are closed")
        assert run.judge() == []
        assert run.agent.stop() == 0
    finally:
        run.agent.process.kill()
