#!/usr/bin/env python3
"""Follows files for long: they grow, rotate, are deleted and come again, their lines are of every kind and go to several
destinations whose servers fail now and then. At the end every line is accounted for, to the line, as /metrics has it, and
every call has arrived; memory and descriptors stayed flat.

    accounting.py [--seconds N] [--seed N] [--copies]

With --copies the files grow faster and are mostly rotated by a copy and a cut, which a backlog meets at any moment.

The writer knows what each line must come to. What it deletes has arrived, so that nothing may be lost. Memory is flat when
its trend over the later three quarters of the time is; descriptors are when none is held of a file that was deleted a while
ago, and none of any file when nothing has been written for longer than close_inactive.
"""
import argparse
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from agent import Agent, get, metric  # noqa: E402
from server import RESET, Server  # noqa: E402

OUTCOMES = ("delivered", "dropped", "unmatched", "sampled", "invalid", "oversized", "rejected", "dead_lettered")
INPUTS = ("chat", "team", "mixed")
CONFIG = """
raindrop:
  url: {url}
  write_key: rk_default
  timeout: 5s
destinations:
  team-a: {{write_key: rk_team_a, project_id: alpha}}
  team-b: {{write_key: rk_team_b}}
state_dir: {state}
inputs:
  - {{name: chat, paths: ["{logs}/chat/*.jsonl*"], {input}}}
  - {{name: team, paths: ["{logs}/team/*.jsonl*"], to: team-a, {input}}}
  - {{name: mixed, paths: ["{logs}/mixed/*.jsonl*"], to: "$.team", {input}}}
rules:
  - {{name: noise, when: {{$.msg: noise}}, drop: true}}
  - name: half
    when: {{$.msg: half}}
    sample: {{rate: 0.5, by: $.n}}
    event: {{event: half, event_id: $.id, user_id: u, ai_data: {{input: $.prompt}}, properties: {{n: $.n}}}}
  - name: completion
    when: {{$.msg: completion}}
    event: {{event: chat, event_id: $.id, user_id: $.user, ai_data: {{input: $.prompt}}, properties: {{n: $.n}}}}
    signal: {{when: {{$.rating: {{exists: true}}}}, signal_name: $.rating, properties: {{n: $.n}}}}
    identify: {{when: {{$.plan: {{exists: true}}}}, user_id: $.user, traits: {{plan: $.plan, n: $.n}}}}
upload:
  batch: {{max_calls: 50, max_age: 50ms}}
  retry: {{initial: 50ms, max: 500ms}}
  buffer: 4MiB
checkpoint: {{interval: 200ms, forget_after: 1m}}
dead_letter: {{max_bytes: 1GiB}}
log: {{stats: 5s}}
"""
INPUT = "max_line_bytes: 4KiB, rescan: 1s, close_inactive: 2s, validate: all"
PACE = {"steady": {"append": 0.93, "rotate": 0.96, "lines": (1, 5, 40), "rename": 0.6},  # chances, of which `rotate` includes `append`
        "copies": {"append": 0.86, "rotate": 0.96, "lines": (1, 40, 200), "rename": 0.1}}
HELD_MOST = 10  # seconds that a descriptor of a deleted file may last: close_inactive, and a busy machine
PATIENCE = 30  # seconds without a line that is settled, at the end


def is_sampled_in(text):
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") < 2 ** 63


class Writer:
    def __init__(self, logs, rnd, pace):
        self.logs, self.rnd, self.pace = logs, rnd, PACE[pace]
        self.n = 0
        self.expected = {name: dict.fromkeys(OUTCOMES, 0) for name in INPUTS}
        self.calls = set()  # (endpoint, n) that must arrive
        self.dead = set()  # n of events that are refused
        self.files = {}  # path → calls of its lines
        self.rotated, self.deleted = [], {}
        self.counts = dict.fromkeys(("rename", "copytruncate", "delete"), 0)
        for name in INPUTS:
            (logs / name).mkdir(parents=True)

    def line(self, name):
        r, n = self.rnd, self.n
        self.n += 1
        expected, calls = self.expected[name], []
        record = {"n": n, "id": f"e{n}", "user": f"u{r.randrange(1000)}", "prompt": "x" * r.choice((5, 80, 300, 2000)), "msg": "completion"}
        if name == "mixed":
            record["team"] = r.choice(("raindrop", "team-a", "team-b"))
        kind = r.random()
        outcome = "delivered"
        if kind < 0.04:
            record["msg"], outcome = "noise", "dropped"
        elif kind < 0.08:
            record["msg"], outcome = "other", "unmatched"
        elif kind < 0.12:
            record["msg"] = "half"
            outcome = "delivered" if is_sampled_in(str(n)) else "sampled"
            if outcome == "delivered":
                calls = [("events/track", n)]
        elif kind < 0.14:
            expected["invalid"] += 1
            return f'{{"n":{n},"broken'.encode() + b"\n", []
        elif kind < 0.15:
            record["prompt"], outcome = "y" * 5000, "oversized"
        elif kind < 0.17:
            del record["user"]
            outcome = "rejected"
        elif kind < 0.18 and name == "mixed":
            record["team"], outcome = r.choice(("nobody", 7, None)), "rejected"
        elif kind < 0.20:
            record["poison"] = record["id"] = f"poison-{n}"
            outcome = "dead_lettered"
            self.dead.add(n)
        else:
            calls = [("events/track", n)]
            if r.random() < 0.1:
                record["rating"] = r.choice(("up", "down"))
                calls.append(("signals/track", n))
            if r.random() < 0.1:
                record["plan"] = r.choice(("free", "paid"))
                calls.append(("users/identify", n))
        expected[outcome] += 1
        self.calls.update(calls)
        return (json.dumps(record) + "\n").encode(), calls

    def append(self, name, path):
        lines = [self.line(name) for _ in range(self.rnd.choice(self.pace["lines"]))]
        data = b"".join(text for text, _ in lines)
        cut = self.rnd.randrange(1, len(data))
        for part in (data[:cut], data[cut:]):
            with open(path, "ab") as f:
                f.write(part)
        self.files.setdefault(path, []).extend(call for _, calls in lines for call in calls)

    def rotate(self, name, path):
        if not path.exists() or path.stat().st_size < 1100:  # told apart only by a first KiB, contract 6.5
            return
        aside = path.with_name(f"{path.name}.{self.n}")
        if self.rnd.random() < self.pace["rename"]:
            path.rename(aside)
            self.counts["rename"] += 1
        else:
            shutil.copyfile(path, aside)
            os.truncate(path, 0)
            self.counts["copytruncate"] += 1
        self.files[aside] = self.files.pop(path)
        self.rotated.append(aside)

    def delete(self, arrived):
        for path in self.rotated:
            if all(call in arrived for call in self.files[path]):
                inode = path.stat().st_ino
                path.unlink()
                self.deleted[inode] = time.monotonic()
                self.rotated.remove(path)
                del self.files[path]
                self.counts["delete"] += 1
                return

    def step(self, arrived):
        name = self.rnd.choice(INPUTS)
        path = self.logs / name / f"{self.rnd.choice('abcd')}.jsonl"
        what = self.rnd.random()
        if what < self.pace["append"]:
            self.append(name, path)
        elif what < self.pace["rotate"]:
            self.rotate(name, path)
        else:
            self.delete(arrived)


class Trouble:
    """What is wrong with each destination at the moment."""

    KINDS = (None, None, None, "down", "fails", "slow down", "key", "slow")

    def __init__(self, rnd):
        self.rnd = rnd
        self.now = {}
        self.until = {}
        self.over = False

    def answer(self, request):
        who = request.headers["Authorization"]
        if self.over:
            return 204
        if time.monotonic() > self.until.get(who, 0):
            self.now[who] = self.rnd.choice(self.KINDS)
            self.until[who] = time.monotonic() + self.rnd.random() * 3
        kind = self.now[who]
        if kind == "down":
            return RESET
        if kind == "fails" and self.rnd.random() < 0.3:
            return self.rnd.choice((500, 502, 503, 408, RESET))
        if kind == "slow down" and self.rnd.random() < 0.3:
            return 429, {"Retry-After": "1"}, ""
        if kind == "key":
            return 401
        if kind == "slow":
            time.sleep(self.rnd.random() * 0.1)  # a slow server, not a wait
        return 204


class Gauge:
    """Memory and descriptors, looked at again and again."""

    def __init__(self, pid, writer):
        self.pid, self.writer = pid, writer
        self.began = time.monotonic()
        self.memory = []  # (seconds, KiB)
        self.descriptors = []
        self.held = {}  # inode of a deleted file → how long it was held

    def look(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        now = time.monotonic()
        self.memory.append((now - self.began, int(status.split("VmRSS:")[1].split()[0])))
        self.descriptors.append(len(os.listdir(f"/proc/{self.pid}/fd")))
        for path, inode in self.logs():
            if path.endswith("(deleted)") and inode in self.writer.deleted:
                self.held[inode] = now - self.writer.deleted[inode]

    def logs(self):
        """Log files that are open."""
        found = []
        for fd in os.listdir(f"/proc/{self.pid}/fd"):
            try:
                path, inode = os.readlink(f"/proc/{self.pid}/fd/{fd}"), os.stat(f"/proc/{self.pid}/fd/{fd}").st_ino
            except OSError:
                continue
            if path.startswith(str(self.writer.logs)) and ".jsonl" in path:
                found.append((path, inode))
        return found

    def growth(self):
        """KiB that the trend of memory gained over the later three quarters."""
        later = self.memory[len(self.memory) // 4:]
        n = len(later)
        t, m = sum(x for x, _ in later) / n, sum(y for _, y in later) / n
        spread = sum((x - t) ** 2 for x, _ in later)
        slope = sum((x - t) * (y - m) for x, y in later) / spread if spread else 0
        return slope * (later[-1][0] - later[0][0])


def wait(condition, timeout):
    deadline = time.monotonic() + timeout
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def account(agent, writer, arrived, text, wrong):
    """The sum of 6.1 on /metrics, and each call."""
    for name, outcomes in writer.expected.items():
        read = metric(text, f'raingauge_lines_read_total{{input="{name}"}}')
        held = metric(text, f'raingauge_lines_held{{input="{name}"}}')
        found = {o: metric(text, f'raingauge_lines_total{{input="{name}",outcome="{o}"}}') for o in OUTCOMES}
        if read != sum(outcomes.values()) or found != outcomes or held != 0 or sum(found.values()) + held != read:
            wrong.append(f"input {name}: read {read}, held {held}, {found}; expected {outcomes}")
    for name in ("bytes_lost_total", "nul_bytes_total", "dead_letters_lost_total", "buffer_bytes", "buffer_calls", "files_unreadable"):
        if metric(text, f"raingauge_{name}") != 0:
            wrong.append(f"{name} is {metric(text, f'raingauge_{name}')}")
    missing, invented = writer.calls - arrived, arrived - writer.calls
    wrong += [f"lost: {call}" for call in sorted(missing)[:10]] + [f"invented: {call}" for call in sorted(invented)[:10]]
    letters = [json.loads(row)["call"]["properties"]["n"] for row in (agent.state / "dead-letter.jsonl").read_text().splitlines()]
    if sorted(letters) != sorted(writer.dead):
        wrong.append(f"{len(letters)} dead letters of {len(writer.dead)} refused calls")


def run(seconds, seed, directory, pace="steady", memory_growth=4096, out=sys.stdout):
    rnd, lock, wrong = random.Random(seed), threading.Lock(), []
    arrived, repeats = set(), [0]
    with Server() as server:
        trouble = Trouble(random.Random(seed + 1))

        def answer(request):
            with lock:
                server.requests.clear()
                server.delivered.clear()
            said = trouble.answer(request)
            if said != 204:
                return said
            if any("poison" in call.get("event_id", "") for call in request.calls if request.endpoint == "events/track"):
                return 400
            with lock:
                for call in request.calls:
                    key = request.endpoint, call["traits" if request.endpoint == "users/identify" else "properties"]["n"]
                    repeats[0] += key in arrived
                    arrived.add(key)
            return 204

        server.answer = answer
        agent = Agent(directory, server.url)
        agent.config.write_text(CONFIG.format(url=server.url, state=agent.state, logs=agent.logs, input=INPUT))
        writer = Writer(agent.logs, rnd, pace)
        agent.start()
        agent.wait_said("message=started")
        gauge = Gauge(agent.process.pid, writer)
        began = looked = time.monotonic()
        while time.monotonic() - began < seconds and agent.process.poll() is None:
            with lock:
                backlog = len(writer.calls) - len(arrived)
            if backlog < 20000:
                writer.step(arrived)
            time.sleep(rnd.random() * 0.02)  # the pace of busy services
            if time.monotonic() - looked > 0.5:
                looked = time.monotonic()
                gauge.look()
                if rnd.random() < 0.02:
                    agent.process.send_signal(signal.SIGHUP)
        if agent.process.poll() is not None:
            return ["the agent ended by itself", *agent.stderr[-20:]]
        trouble.over = True
        total = sum(sum(o.values()) for o in writer.expected.values())

        settled, since = -1, time.monotonic()
        while time.monotonic() - since < PATIENCE:
            text = get(agent, "/metrics")[1]
            now = metric(text, "raingauge_lines_total")
            if metric(text, "raingauge_lines_read_total") == total and metric(text, "raingauge_lines_held") == 0:
                break
            if now != settled:
                settled, since = now, time.monotonic()
            time.sleep(0.05)
        else:
            wrong.append(f"not everything is settled: {settled} of {total} lines")
        account(agent, writer, arrived, get(agent, "/metrics")[1], wrong)
        if not wait(lambda: not gauge.logs(), HELD_MOST):
            wrong.append(f"still open after close_inactive: {gauge.logs()}")
        if max(gauge.held.values(), default=0) > HELD_MOST:
            wrong.append(f"descriptors of deleted files were held for up to {max(gauge.held.values()):.0f} s, {len(gauge.held)} of them")
        if gauge.growth() > memory_growth:
            wrong.append(f"memory grew by {gauge.growth():.0f} KiB: {gauge.memory[::max(1, len(gauge.memory) // 20)]}")
        if agent.stop() != 0:
            wrong.append("a stop did not end with 0")
        lost = [text for text in agent.stderr if "lost" in text or "Sanitizer" in text]
        wrong += lost[:5]
    print(f"accounting: {pace}, seed {seed}: {seconds} s, {total} lines, {len(arrived)} calls ({repeats[0]} repeats), {len(writer.dead)} dead letters, {writer.counts}, "
          f"memory {min(m for _, m in gauge.memory)}-{max(m for _, m in gauge.memory)} KiB (trend {gauge.growth():+.0f} KiB), "
          f"descriptors {min(gauge.descriptors)}-{max(gauge.descriptors)}, deleted ones held for {max(gauge.held.values(), default=0):.1f} s at most, "
          f"{len(wrong)} wrong", file=out, flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--copies", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        wrong = run(args.seconds, args.seed, directory, "copies" if args.copies else "steady")
        for text in wrong[:40]:
            print(text)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
