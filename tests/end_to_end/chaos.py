#!/usr/bin/env python3
"""Kills the agent with -9 at random moments while files grow and rotate and the server fails, then checks that no line
was lost, none was invented, and that repeats bear the same event_id. Now and then it is reloaded before, or is a --once,
or is asked to stop (SIGTERM) rather than killed.

    chaos.py [--kills N] [--seed N] [--merge | --large]

Writes are cut at any byte; files are rotated by rename-and-create, by copy-and-truncate, and deleted once all their
lines have arrived. Every line makes an event; some make a signal and an identify call as well. Half of the lines name
no id, so that the agent makes one. With --merge a record comes in several lines, among those of others, and is joined
again: it must arrive whole, under the id of its first line, also where its lines lie in several files. With --large lines are
large, so that blocks of a file are read ahead where there are several cores. Prints the seed; the same seed gives the same
choices, though not the same timing.
"""
import argparse
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
from agent import Agent  # noqa: E402
from server import GARBAGE, HALF, RESET, Server  # noqa: E402

RULES = """
rules:
  - name: completion
    when: {$.msg: llm.completion}
    event:
      event: chat
      event_id: $.id
      user_id: $.user
      ai_data: {input: $.prompt, output: $.completion}
      properties: {n: $.n}
    signal:
      when: {$.rating: {exists: true}}
      signal_name: $.rating
      properties: {n: $.n}
    identify:
      when: {$.plan: {exists: true}}
      user_id: $.user
      traits: {plan: $.plan, n: $.n}
"""
MERGE_RULES = RULES.replace("    event:\n", "    merge: {by: $.n, until: {$.last: true}, append: [$.completion], timeout: 0s}\n    event:\n", 1)
ORDERS = ("fair", "modified")
NAMES = ("a.jsonl", "b.jsonl", "c.jsonl")
BACKLOG = 3000  # calls that have not arrived: the writer waits, so that kills come at the end of files, too
PATIENCE = 30  # seconds without a new call, at the end


class Writer:
    """Writes lines into a few files and rotates them; remembers which lines lie in which file."""

    lengths = (5, 80, 300, 3000)

    def __init__(self, directory, rnd, arrived, state):
        self.dir, self.rnd, self.arrived, self.state = directory, rnd, arrived, state
        self.n = 0
        self.lines = {}  # n → what was written
        self.calls = 0  # that come of them
        self.open = {name: [] for name in NAMES}  # whole lines in the file of that name
        self.half = dict.fromkeys(NAMES, b"")  # the rest of a line whose beginning is written
        self.rotated = {}  # path → its lines
        self.serial = 0
        self.history = []  # of rotations and deletions, for those who look for a fault
        self.counts = dict.fromkeys(("rename", "copytruncate", "delete"), 0)

    def record(self, name):
        r = self.rnd
        n = self.n
        self.n += 1
        record = {"msg": "llm.completion", "user": f"u{r.randrange(50)}", "prompt": f"q{n}",
                  "completion": "x" * r.choice(self.lengths), "n": n}
        if n % 2:
            record["id"] = f"e{n}"
        if r.random() < 0.2:
            record["rating"] = r.choice(("up", "down"))
        if r.random() < 0.2:
            record["plan"] = r.choice(("free", "paid"))
        self.lines[n] = record
        self.calls += 1 + ("rating" in record) + ("plan" in record)
        return n, (json.dumps(record) + "\n").encode()

    def append(self, name, data):
        with open(self.dir / name, "ab") as f:
            f.write(data)

    def step(self):
        r = self.rnd
        name = r.choice(NAMES)
        what = r.random()
        if what < 0.9:
            if self.half[name]:
                self.append(name, self.half[name])
                self.half[name] = b""
                return
            data, numbers = b"", []
            for _ in range(r.choice((1, 1, 3, 20))):
                n, text = self.record(name)
                data += text
                numbers.append(n)
            cut = r.randrange(1, len(data)) if r.random() < 0.3 else len(data)
            self.half[name] = data[cut:]
            self.append(name, data[:cut])
            self.open[name] += numbers
        elif what < 0.97:
            self.rotate(name)
        else:
            self.delete_one()

    def rotate(self, name):
        path = self.dir / name
        if self.half[name]:
            self.append(name, self.half[name])
            self.half[name] = b""
        if not path.exists() or path.stat().st_size < 1100:  # told apart only by a first KiB, contract 6.5
            return
        self.serial += 1
        aside = self.dir / f"{name}.{self.serial}"
        if self.rnd.random() < 0.6:
            os.rename(path, aside)
            path.touch()
            self.counts["rename"] += 1
            self.history.append(("rename", name, aside.name, self.open[name][:1], self.open[name][-1:]))
        else:
            shutil.copyfile(path, aside)
            os.truncate(path, 0)
            self.counts["copytruncate"] += 1
            self.history.append(("copytruncate", name, aside.name, self.open[name][:1], self.open[name][-1:]))
        self.rotated[aside] = self.open[name]
        self.open[name] = []

    def may_be_deleted(self, path):
        return True

    def delete_one(self):
        for path, numbers in list(self.rotated.items()):
            if self.may_be_deleted(path) and all(self.arrived(n, self.lines[n]) for n in numbers):
                path.unlink()
                del self.rotated[path]
                self.counts["delete"] += 1
                self.history.append(("delete", path.name))
                return

    def finish(self):
        for name in NAMES:
            if self.half[name]:
                self.append(name, self.half[name])
                self.half[name] = b""


class LargeWriter(Writer):
    lengths = (300, 3000, 20000)


def saved(checkpoint):
    """Its records; of those that count together all or none."""
    records, waiting = [], []
    together = 0
    for text in checkpoint.read_bytes().split(b"\n")[1:-1] if checkpoint.exists() else ():
        try:
            record = json.loads(text[9:])
        except ValueError:  # a torn tail
            break
        if "together" in record:
            together = record["together"]
            continue
        waiting.append(record)
        together -= 1
        if together <= 0:
            records += waiting
            waiting = []
    return records


class MergeWriter(Writer):
    """The same records in up to six lines each, mixed with those of others in the same file."""

    def may_be_deleted(self, path):
        """A kill can make the agent need what has arrived: of a record that lies in two files, the half in the other.
        Not once it is in the checkpoint that all of it is settled."""
        status, last = path.stat(), {}
        for record in saved(self.state / "checkpoint"):
            if (record.get("device"), record.get("inode")) == (status.st_dev, status.st_ino):
                last = record
        return last.get("offset") == status.st_size and "open" not in last

    def __init__(self, *args):
        super().__init__(*args)
        self.begun = {name: [] for name in NAMES}  # [n, lines that are still to come]

    def record(self, name):
        r, begun = self.rnd, self.begun[name]
        if len(begun) < 5 and (not begun or r.random() < 0.4):
            n, text = super().record(name)
            begun.append([n, self.cut(json.loads(text))])
        return self.next_line(name, r.randrange(len(begun)))

    def cut(self, record):
        whole, pieces = record.pop("completion"), []
        for _ in range(self.rnd.randrange(6)):
            at = self.rnd.randrange(len(whole) + 1)
            pieces.append(whole[:at])
            whole = whole[at:]
        lines = [{"msg": record["msg"], "n": record["n"], "completion": piece} for piece in (*pieces, whole)]
        lines[0].update(record)
        lines[-1]["last"] = True
        return lines

    def next_line(self, name, which):
        n, lines = self.begun[name][which]
        line = lines.pop(0)
        if not lines:
            del self.begun[name][which]
        return n, (json.dumps(line) + "\n").encode()

    def finish(self):
        super().finish()
        for name in NAMES:
            while self.begun[name]:
                self.append(name, self.next_line(name, 0)[1])


class Verdict:
    """What arrived, held against what was written."""

    def __init__(self):
        self.ids = {}  # n → event_id
        self.signals, self.users = {}, set()
        self.events = self.repeats = 0
        self.wrong = []

    def take(self, endpoint, call, lines):
        n = call["traits" if endpoint == "users/identify" else "properties"]["n"]
        record = lines.get(n)
        if record is None:
            self.wrong.append(f"invented: {call}")
            return
        if endpoint == "events/track":
            self.events += 1
            expected = {"input": record["prompt"], "output": record["completion"]}
            if call["ai_data"] != expected or call["user_id"] != record["user"]:
                self.wrong.append(f"line {n} arrived changed")
            if n in self.ids:
                self.repeats += 1
                if self.ids[n] != call["event_id"]:
                    self.wrong.append(f"line {n} was repeated with another id: {self.ids[n]}, then {call['event_id']}")
            elif "id" in record and call["event_id"] != record["id"]:
                self.wrong.append(f"line {n} arrived with a wrong id")
            self.ids[n] = call["event_id"]
        elif endpoint == "signals/track":
            if call["signal_name"] != record.get("rating"):
                self.wrong.append(f"invented signal: {call}")
            self.signals[n] = call["event_id"]
        else:
            if call["traits"]["plan"] != record.get("plan"):
                self.wrong.append(f"invented identify: {call}")
            self.users.add(n)

    def arrived(self):
        return len(self.ids) + len(self.signals) + len(self.users)

    def has(self, n, record):
        """All calls of a line have arrived."""
        return n in self.ids and ("rating" not in record or n in self.signals) and ("plan" not in record or n in self.users)

    def judge(self, lines):
        wrong = list(self.wrong)
        wrong += [f"line {n} is lost" for n in lines if n not in self.ids]
        wrong += [f"signal of line {n} is lost" for n, r in lines.items() if "rating" in r and n not in self.signals]
        wrong += [f"identify of line {n} is lost" for n, r in lines.items() if "plan" in r and n not in self.users]
        wrong += [f"signal of line {n} names another event" for n, i in self.signals.items() if self.ids.get(n) != i]
        if len(set(self.ids.values())) != len(self.ids):
            wrong.append("two lines share an id")
        return wrong


def run(kills, seed, directory, binary_log=sys.stdout, merge=False, large=False):
    rnd = random.Random(seed)
    verdict = Verdict()
    lock = threading.Lock()

    with Server() as server:
        writer = None
        trouble = random.Random(seed + 1)

        def answer(request):
            pick = trouble.random()
            if troubled[0] and pick < 0.35:
                return trouble.choice((500, 503, 429, 408, RESET, GARBAGE, HALF, 502))
            if pick < 0.45:
                time.sleep(trouble.random() * 0.03)  # a slow server, not a wait
            with lock:
                for call in request.calls:
                    verdict.take(request.endpoint, call, writer.lines)
            if troubled[0] and pick > 0.95:
                return RESET  # taken, and the agent never hears of it
            return 204

        troubled = [True]
        server.answer = answer
        agent = Agent(directory, server.url, rules=MERGE_RULES if merge else RULES, inputs=f"    order: {ORDERS[seed % 2]}\n" if merge else "",
                      more="identify: {cache: 0}")
        agent.config.write_text(agent.config.read_text().replace("*.jsonl", "*.jsonl*"))
        writer = (MergeWriter if merge else LargeWriter if large else Writer)(agent.logs, rnd, verdict.has, agent.state)
        stopping = threading.Event()

        def write():
            while not stopping.is_set():
                with lock:
                    if writer.calls - verdict.arrived() < BACKLOG:
                        writer.step()
                time.sleep(rnd.random() * 0.004)  # the pace of a busy service

        thread = threading.Thread(target=write, daemon=True)
        thread.start()
        started = time.monotonic()
        try:
            for kill in range(kills):
                how = rnd.random() if not merge else 0.1 + 0.9 * rnd.random()  # --once would end what is open
                how *= rnd.choice((0.1, 1)) if large else 1  # what is live is not read ahead of
                agent.start(*["--once"] if how < 0.1 else [])
                with lock:
                    writer.history.append(("start", kill))
                time.sleep(rnd.choice((0.02, 0.05, 0.1, 0.2, 0.4)) * (0.5 + rnd.random()))  # the random moment
                if how >= 0.1 and agent.process.poll() is not None:
                    return ["the agent ended by itself: " + "\n".join(agent.stderr)]
                if 0.1 <= how < 0.2 and agent.said("message=started"):
                    agent.process.send_signal(signal.SIGHUP)
                    time.sleep(rnd.random() * 0.05)  # a random moment too
                if 0.2 <= how < 0.25 and agent.said("message=started"):
                    if agent.stop() != 0:
                        return ["a stop did not end with 0: " + "\n".join(agent.stderr)]
                else:
                    agent.kill()
                server.delivered.clear()
                server.requests.clear()
            stopping.set()
            thread.join()
            writer.finish()
            troubled[0] = False
            agent.start()

            arrived, since = -1, time.monotonic()
            while verdict.arrived() < writer.calls and time.monotonic() - since < PATIENCE:
                if verdict.arrived() > arrived:
                    arrived, since = verdict.arrived(), time.monotonic()
                time.sleep(0.05)
            code = agent.stop()
        finally:
            stopping.set()
            if agent.process and agent.process.poll() is None:
                agent.kill()
        with lock:
            wrong = verdict.judge(writer.lines)
        if code != 0:
            wrong.append(f"the last run ended with {code}")
        print(f"chaos{' --merge' if merge else ''}: seed {seed}: {kills} kills in {time.monotonic() - started:.0f} s, {len(writer.lines)} lines, "
              f"{verdict.events} events ({verdict.repeats} repeats), {len(verdict.signals)} signals, {len(verdict.users)} identify calls, "
              f"{writer.counts}, {len(wrong)} wrong", file=binary_log, flush=True)
        if wrong:
            (agent.dir / "history").write_text("\n".join(map(str, writer.history + wrong)))
            wrong += agent.stderr[-20:]
        return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("--large", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        wrong = run(args.kills, args.seed, directory, merge=args.merge, large=args.large)
        for text in wrong[:40]:
            print(text)
        if wrong:
            keep = pathlib.Path(tempfile.mkdtemp(prefix="raingauge-chaos-"))
            shutil.copytree(directory, keep, dirs_exist_ok=True)
            print(f"kept: {keep}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
