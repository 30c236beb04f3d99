#!/usr/bin/env python3
"""Files that are written, rotated and deleted at full speed while the agent reads them; then: did every line arrive once, and
was nothing said to be lost that was not?

    soak.py [--seconds N] [--seed N] [--inputs YAML]

A file is deleted at any time after it was rotated, read or not: the agent has it open, or had opened it, so that nothing of it
may be lost. Prints what was counted each few seconds: descriptors of deleted files among it.
"""
import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from agent import Agent  # noqa: E402
from server import Server  # noqa: E402
from test_admin import get, metric  # noqa: E402

RULES = """
rules:
  - name: all
    event: {event: soak, user_id: u, properties: {n: $.n, p: $.p}}
"""
REASONS = ("truncated", "deleted", "gone", "gzip")


class Soak:
    def __init__(self, directory, server, seed, inputs="", padding=200, names=4, backlog=20000, slow=0.0):
        self.rnd = random.Random(seed)
        self.server = server
        self.agent = Agent(directory, server.url, rules=RULES, inputs=inputs)
        self.counts = {}  # n → how often it arrived
        self.padding = "x" * padding
        self.names, self.backlog, self.slow = names, backlog, slow
        self.n = self.serial = self.deleted = 0
        self.rotated = []  # (path, numbers)
        self.current = {}
        server.answer = self.take

    def take(self, request):
        for call in request.calls:
            n = call["properties"]["n"]
            self.counts[n] = self.counts.get(n, 0) + 1
        time.sleep(self.slow)  # what a server takes
        self.server.requests.clear()
        self.server.delivered.clear()
        return 204

    def write(self, name):
        path = self.agent.logs / name
        numbers = self.current.setdefault(name, [])
        text = []
        for _ in range(self.rnd.choice((1, 5, 40))):
            text.append(json.dumps({"n": self.n, "p": self.padding}) + "\n")
            numbers.append(self.n)
            self.n += 1
        with open(path, "a") as f:
            f.write("".join(text))

    def rotate(self, name):
        path = self.agent.logs / name
        numbers = self.current.get(name)
        if not numbers or len(numbers) < 10 or not all(n in self.counts for n in numbers[:1]):
            return  # nothing was read of it: it would not be known
        self.serial += 1
        how = self.rnd.random()
        numbers = self.current.pop(name)
        if how < 0.3:
            path.unlink()  # read or not: the agent has it open
            self.deleted += 1
            return
        aside = self.agent.logs / (f"{name}.1" if how < 0.6 else f"{name}.{self.serial}")
        if aside.exists():
            self.deleted += 1
            self.rotated = [x for x in self.rotated if x[0] != aside]
        os.rename(path, aside)
        self.rotated.append((aside, numbers))

    def delete(self):
        if self.rotated:
            path, _ = self.rotated.pop(self.rnd.randrange(len(self.rotated)))
            path.unlink()
            self.deleted += 1

    def step(self):
        name = f"{self.rnd.randrange(self.names)}.jsonl"
        what = self.rnd.random()
        if self.n - len(self.counts) > self.backlog:
            time.sleep(0.01)  # the server is the slow one
        elif what < 0.8:
            self.write(name)
        elif what < 0.9:
            self.rotate(name)
        else:
            self.delete()

    def deleted_but_open(self):
        found = 0
        directory = f"/proc/{self.agent.process.pid}/fd"
        for fd in os.listdir(directory):
            try:
                target = os.readlink(f"{directory}/{fd}")
                found += target.startswith(str(self.agent.logs)) and target.endswith("(deleted)")
            except OSError:
                pass
        return found

    def lost(self):
        text = get(self.agent, "/metrics")[1]
        return {reason: metric(text, f'raingauge_bytes_lost_total{{input="chat",reason="{reason}"}}') for reason in REASONS}

    def state(self):
        return (f"{self.n} lines, {len(self.counts)} arrived, {self.serial} rotated, {self.deleted} deleted, "
                f"{self.deleted_but_open()} of them open, lost {self.lost()}")

    def run(self, seconds, say):
        self.agent.start()
        self.agent.wait_said("started")
        began = said = time.monotonic()
        while time.monotonic() - began < seconds:
            self.step()
            time.sleep(0.001)  # the pace of a busy service
            if time.monotonic() - said > 5:
                said = time.monotonic()
                say(f"{said - began:.0f} s: {self.state()}")
        deadline = time.monotonic() + 30
        while len(self.counts) < self.n and time.monotonic() < deadline:
            time.sleep(0.05)

    def judge(self):
        wrong = [f"line {n} is lost" for n in range(self.n) if n not in self.counts]
        wrong += [f"line {n} arrived {count} times" for n, count in self.counts.items() if count > 1]
        wrong += [f"{bytes_:.0f} bytes are counted as lost: {reason}" for reason, bytes_ in self.lost().items() if bytes_]
        return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--inputs", default="    close_inactive: 2s")
    parser.add_argument("--padding", type=int, default=200)
    parser.add_argument("--names", type=int, default=4)
    parser.add_argument("--backlog", type=int, default=20000, help="lines that have not arrived: the writer waits")
    parser.add_argument("--slow", type=float, default=0, help="seconds that the server takes for a request")
    args = parser.parse_args()
    print(f"soak: seed {args.seed}")
    with tempfile.TemporaryDirectory() as directory, Server() as server:
        soak = Soak(directory, server, args.seed, args.inputs, args.padding, args.names, args.backlog, args.slow)
        try:
            soak.run(args.seconds, lambda text: print(text, flush=True))
            wrong = soak.judge()
            print(soak.state())
        finally:
            soak.agent.kill()
        for text in wrong[:20] + soak.agent.stderr[-10:] if wrong else []:
            print(text)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
