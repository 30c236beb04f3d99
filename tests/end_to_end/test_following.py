"""Very many files, and what no hint tells of."""
import gzip
import os
import resource
import time

from test_admin import get, metric
from test_rotation import RULES as RULES_OF_ROTATION, arrived, end, make_agent, text, wait_for


def test_ten_thousand_files_and_few_descriptors(tmp_path, server):
    """With `ulimit -n 256` all are followed in turn, and so is what comes later; none is taken for gone."""
    count, directories = 10000, 10
    agent = make_agent(tmp_path, server, "*/*.log")
    agent.config.write_text(agent.config.read_text().replace("rescan: 200ms", "rescan: 10s"))
    paths = [agent.logs / f"{i % directories}/{i}.log" for i in range(count)]
    for i in range(directories):
        (agent.logs / str(i)).mkdir()
    for i, path in enumerate(paths):
        path.write_text(text(i))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    agent.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)))
    try:
        wait_for(server, count, 120)
        for i, path in enumerate(paths):
            with open(path, "a") as f:
                f.write(text(count + i))
        wait_for(server, 2 * count, 120)
        assert len(os.listdir(f"/proc/{agent.process.pid}/fd")) <= 256
        assert metric(get(agent, "/metrics")[1], "raingauge_files_watched") == count
        assert not [line for line in agent.stderr if "level=error" in line or "cannot be read" in line], agent.stderr
        end(agent, server, 2 * count)
    finally:
        agent.process.kill()


def test_once_reads_rotated_files_in_the_order_of_time(tmp_path, server):
    """x.log.90.gz is the oldest, x.log the newest: the lines arrive as they were written."""
    agent = make_agent(tmp_path, server, "x.log*")
    agent.write_config(upload="  concurrency: 1", rules=RULES_OF_ROTATION)
    agent.config.write_text(agent.config.read_text().replace("/*.jsonl", "/x.log*"))
    lines, oldest, now = 3, 90, time.time()
    for age in range(oldest + 1):
        first = (oldest - age) * lines
        content = "".join(text(n) for n in range(first, first + lines)).encode()
        name = "x.log" if age == 0 else f"x.log.{age}" if age == 1 else f"x.log.{age}.gz"
        path = agent.logs / name
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        os.utime(path, (now - age * 3600, now - age * 3600))
    assert agent.once() == 0
    assert arrived(server) == list(range((oldest + 1) * lines))


def test_what_no_hint_tells(tmp_path, server):
    """Written through a hard link in a directory that is not watched, it is found at the next rescan. Where the link was made
    only later, nothing tells of that either: the directory is known, and looked into at every sixth rescan."""
    agent = make_agent(tmp_path, server, "*/*.log")
    agent.config.write_text(agent.config.read_text().replace("rescan: 200ms", "rescan: 1s"))
    elsewhere = tmp_path / "elsewhere"
    for directory in (agent.logs / "linked", agent.logs / "plain", elsewhere):
        directory.mkdir()
    (agent.logs / "linked" / "a.log").write_text(text(0))
    (agent.logs / "plain" / "b.log").write_text(text(1))
    os.link(agent.logs / "linked" / "a.log", elsewhere / "a")
    agent.start()
    try:
        wait_for(server, 2)
        for n in range(2, 5):  # the first may come with a sixth rescan; another one is not due within the time of the next
            with open(elsewhere / "a", "a") as f:
                f.write(text(n))
            wait_for(server, n + 1, 5)
        os.link(agent.logs / "plain" / "b.log", elsewhere / "b")  # by now that directory has been looked into more than once
        with open(elsewhere / "b", "a") as f:
            f.write(text(5))
        wait_for(server, 6, 20)
        end(agent, server, 6)
    finally:
        agent.process.kill()
