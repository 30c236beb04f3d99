"""A new configuration replaces the old one while lines keep coming; an invalid one changes nothing."""
import json
import os
import signal
import subprocess
import threading

from agent import RULES, Agent, line, wait_until
from test_admin import get, metric


def renamed(event):
    return RULES.replace("event: chat_completion", f"event: {event}")


def test_new_rules(agent, server):
    """Lines read before keep the old rules, later ones get the new; nothing is repeated."""
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    agent.write_config(rules=renamed("renamed"))
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_said("configuration reloaded")
    agent.log("a.jsonl", line(2))
    server.wait_for(lambda: len(server.events()) == 2)
    assert [e["event"] for e in server.events()] == ["chat_completion", "renamed"]
    assert agent.stop() == 0
    assert len(server.events()) == 2


def test_invalid_configuration_stays_out(agent, server):
    """Every mistake is said with its place; the old rules stay in force, and the metric says so."""
    agent.start()
    agent.wait_said("started")
    agent.write_config(rules=renamed("x").replace("user_id: $.user\n      timestamp", "user: $.user\n      timestamp") + "\nnonsense: 1\n")
    agent.process.send_signal(signal.SIGHUP)
    agent.wait_said("not reloaded")
    assert agent.said('unknown key \\"user\\"') or agent.said("unknown key") and agent.said("raingauge.yaml:")
    assert agent.said("nonsense")
    agent.log("a.jsonl", line(1))
    server.wait_for(lambda: len(server.events()) == 1)
    assert server.events()[0]["event"] == "chat_completion"
    assert metric(get(agent, "/metrics")[1], "raingauge_config_last_reload_successful") == 0
    agent.write_config(rules=renamed("y"))
    status, said = get(agent, "/reload", "POST")
    assert (status, said) == (200, "")
    assert metric(get(agent, "/metrics")[1], "raingauge_config_last_reload_successful") == 1
    agent.log("a.jsonl", line(2))
    server.wait_for(lambda: len(server.events()) == 2)
    assert server.events()[1]["event"] == "y"
    assert agent.stop() == 0


def test_state_dir_needs_a_restart(agent, server):
    """What only a restart can change is refused with these words."""
    agent.start()
    agent.wait_said("started")
    agent.config.write_text(agent.config.read_text().replace(f"state_dir: {agent.state}", f"state_dir: {agent.dir}/other"))
    status, said = get(agent, "/reload", "POST")
    assert status == 422 and "needs a restart" in said
    assert agent.stop() == 0


def test_inputs_come_and_go(agent, server):
    """A new input is read by its start_at, a file changes its input without being read again."""
    other = agent.dir / "other"
    other.mkdir()
    (other / "b.jsonl").write_text(line(10) + line(11))
    agent.log("a.jsonl", line(1))
    agent.start()
    server.wait_for(lambda: len(server.events()) == 1)
    agent.write_config(inputs=f"""
  - name: later
    paths: ["{other}/*.jsonl"]
    rescan: 200ms
    start_at: end
""")
    text = agent.config.read_text().replace("name: chat", "name: talk")
    agent.config.write_text(text)
    assert get(agent, "/reload", "POST")[0] == 200
    wait_until(lambda: metric(get(agent, "/metrics")[1], "raingauge_files_watched") == 2)
    wait_until(lambda: '"input":"later"' in (agent.state / "checkpoint").read_text())  # where its files end is known
    agent.log("a.jsonl", line(2))
    with open(other / "b.jsonl", "a") as f:
        f.write(line(12))
    server.wait_for(lambda: len(server.events()) == 3)
    assert sorted(e["event_id"] for e in server.events()) == ["e1", "e12", "e2"]
    assert agent.stop() == 0
    assert len(server.events()) == 3


def test_under_load(tmp_path, server):
    """Reload after reload while a file grows and the server fails now and then: each line arrives exactly once."""
    agent = Agent(tmp_path, server.url)
    total = 20000
    fails = iter(range(10 ** 9))
    server.answer = lambda r: 503 if next(fails) % 7 == 3 else 204
    agent.start()
    agent.wait_said("started")
    done = threading.Event()

    def write():
        with open(agent.logs / "a.jsonl", "a") as f:
            for n in range(total):
                f.write(line(n))
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reloads = 0
    while not done.is_set() or reloads < 20:
        agent.write_config(rules=renamed(f"v{reloads}"))
        if get(agent, "/reload", "POST")[0] == 200:
            reloads += 1
    writer.join()
    server.wait_for(lambda: len(server.events()) >= total, timeout=60)
    assert agent.stop() == 0
    assert [e["event_id"] for e in sorted(server.events(), key=lambda e: e["properties"]["n"])] == [f"e{n}" for n in range(total)]
    assert len({e["event"] for e in server.events()}) >= 1 and agent.said("configuration reloaded")


def test_watch(tmp_path, server):
    """`reload: watch` sees a ConfigMap's swap of ..data, once it has been quiet."""
    agent = Agent(tmp_path, server.url, more="reload: watch")
    old, new = agent.dir / "..1", agent.dir / "..2"
    old.mkdir(), new.mkdir()
    text = agent.config.read_text()
    agent.config.unlink()
    (old / "raingauge.yaml").write_text(text)
    (new / "raingauge.yaml").write_text(text.replace("event: chat_completion", "event: swapped"))
    (agent.dir / "..data").symlink_to("..1")
    agent.config.symlink_to("..data/raingauge.yaml")
    agent.start()
    agent.wait_said("started")
    (agent.dir / "..data_tmp").symlink_to("..2")
    os.rename(agent.dir / "..data_tmp", agent.dir / "..data")
    agent.wait_said("configuration reloaded")
    agent.log("a.jsonl", line(1))
    server.wait_for(lambda: len(server.events()) == 1)
    assert server.events()[0]["event"] == "swapped"
    assert agent.stop() == 0
    assert json.dumps(server.events()).count("swapped") == 1


def test_the_command(agent, server):
    """`raingauge reload` prints what the agent says; 0, 2 where it kept the old one, 1 where none runs."""
    def reload():
        command = agent.command("reload", "--state-dir", agent.state, stdout=subprocess.PIPE)
        out, err = command.communicate(timeout=30)
        return command.returncode, out, err

    agent.start()
    agent.wait_said("started")
    assert reload() == (0, "reloaded: the new configuration is in force\n", "")
    agent.write_config(rules=renamed("x") + "\nnonsense: 1\n")
    code, out, err = reload()
    assert code == 2 and out == "" and f"{agent.config}:" in err and 'unknown key "nonsense"' in err and "kept its old" in err
    assert agent.stop() == 0
    code, out, err = reload()
    assert code == 1 and out == "" and str(agent.state) in err
