#!/usr/bin/env python3
"""Random histories: files that are written, rotated, compressed and deleted; a server that gives every answer there is; an
agent that is killed, stopped, reloaded, started again. At the end every line has arrived or is a dead letter, under one id,
none is invented, and no signal came before its event. A history that fails is made as short as it can be, and printed.

    history.py [--histories N] [--seed N] [--steps N]      # seeds N, N+1, …
    history.py --replay 'STEPS'                            # as printed

A history is a list of steps, each whole in itself: (what, place, number, pause in ms). What a step writes, and what the
server answers, follows from its numbers alone, so that steps can be left out; only the timing is the machine's.
"""
import argparse
import ast
import gzip
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
from server import GARBAGE, HALF, HANG, RESET, Server  # noqa: E402

RULES = """
rules:
  - name: completion
    event: {event: chat, event_id: $.id, user_id: $.user, ai_data: {input: $.prompt, output: $.completion}, properties: {n: $.n}}
    signal: {when: {$.rating: {exists: true}}, signal_name: $.rating, properties: {n: $.n}}
    identify: {when: {$.plan: {exists: true}}, user_id: $.user, traits: {plan: $.plan, n: $.n}}
"""
INPUTS = """    close_inactive: 300ms
    exclude: ["*.tmp"]
  - name: team
    paths: ["{logs}/team/*.jsonl*"]
    exclude: ["*.tmp"]
    rescan: 200ms
    to: team-a
"""
FILES = ("a.jsonl", "b.jsonl", "team/c.jsonl")
WRONG = (500, 502, 503, 599, 408, 425, 429, RESET, GARBAGE, HALF)
MODES = ("well", "well", "fails", "down", "slow down", "key", "gone", "moved", "slow", "deaf", "forgets", "long", "full", "hangs")
STEPS = ("write",) * 12 + ("rest",) * 3 + ("rename", "copytruncate", "gzip", "delete") * 2 + \
    ("server",) * 6 + ("kill", "kill", "start", "start", "start", "stop", "once", "reload", "settle")
TOO_LARGE = 150000  # a call above it is answered 413
PATIENCE = 15  # seconds without progress, at the end


def make(seed, steps):
    rnd = random.Random(seed)
    return [(rnd.choice(STEPS), rnd.randrange(len(FILES)), rnd.randrange(1 << 30), rnd.choice((0, 0, 1, 5, 20, 80))) for _ in range(steps)]


HELP = 1000000  # lines from this number on are plain


def record(n):
    """The n-th line, always the same."""
    rnd = random.Random(n)
    if n >= HELP:
        return {"user": "u", "prompt": f"q{n}", "completion": "help", "n": n}
    value = {"user": f"u{rnd.randrange(20)}", "prompt": f"q{n}", "completion": "x" * rnd.choice((5, 80, 300, 3000)), "n": n}
    kind = rnd.random()
    if kind < 0.03:
        value["prompt"] = "poison"  # is refused for good
    elif kind < 0.05:
        value["prompt"] = "choke"  # makes the server answer 500
    elif kind < 0.07:
        value["completion"] = "y" * 400000  # is too large as it is
    if n % 2:
        value["id"] = f"e{n}"
    if rnd.random() < 0.2:
        value["rating"] = rnd.choice(("up", "down"))
    if rnd.random() < 0.2:
        value["plan"] = rnd.choice(("free", "paid"))
    return value


class Raindrop:
    """Answers by the mode that the last step chose for the destination, and by how many requests it has seen."""

    def __init__(self, lock):
        self.lock = lock
        self.modes = ["well", "well"]
        self.number = 0
        self.seen = 0
        self.ids, self.signals, self.users = {}, {}, set()  # of what was taken
        self.wrong = []
        self.gzip = True
        self.over = False

    def answer(self, request):
        with self.lock:
            self.seen += 1
            mode = "well" if self.over else self.modes["team" in request.headers["Authorization"]]
            rnd = random.Random(self.number * 1000003 + self.seen)
            return self.say(mode, rnd, request)

    def say(self, mode, rnd, request):
        if mode == "fails" and rnd.random() < 0.5:
            return rnd.choice(WRONG)
        if mode == "slow down" and rnd.random() < 0.5:
            return rnd.choice((429, 503)), {"Retry-After": "1"}, ""
        refusal = {"down": RESET, "key": rnd.choice((401, 403)), "gone": rnd.choice((404, 405, 402, 407)), "moved": 302, "hangs": HANG}.get(mode)
        if refusal and rnd.random() < 0.9:
            return refusal
        if mode == "deaf" and request.headers.get("Content-Encoding"):
            return 415
        if mode == "full" and len(request.calls) > 2:
            return 413
        return self.look_at(mode, rnd, request)

    def look_at(self, mode, rnd, request):
        if request.endpoint == "events/track":
            prompts = [call["ai_data"]["input"] for call in request.calls]
            if "poison" in prompts:
                return rnd.choice((400, 409, 422)), {}, "what is this"
            if "choke" in prompts:
                return 500
            if any(len(json.dumps(call)) > TOO_LARGE for call in request.calls):
                return 413
        for call in request.calls:
            self.take(request.endpoint, call)
        if mode == "forgets" and rnd.random() < 0.3:
            return RESET  # taken, and the agent never hears of it
        if mode == "slow":
            return lambda _: time.sleep(0.05) or 204
        return (200, {}, "z" * 3000000) if mode == "long" else rnd.choice((200, 202, 204))

    def take(self, endpoint, call):
        n = call["traits" if endpoint == "users/identify" else "properties"]["n"]
        expected = record(n)
        if endpoint == "events/track":
            output = call["ai_data"]["output"]
            whole = output == expected["completion"] or (output.endswith("...[truncated by raingauge]") and len(expected["completion"]) > TOO_LARGE)
            if call["ai_data"]["input"] != expected["prompt"] or not whole:
                self.wrong.append(f"line {n} arrived changed")
            if self.ids.setdefault(n, call["event_id"]) != call["event_id"]:
                self.wrong.append(f"line {n} has two ids: {self.ids[n]}, {call['event_id']}")
        elif endpoint == "signals/track":
            if n not in self.ids and expected["prompt"] not in ("poison", "choke"):
                self.wrong.append(f"the signal of line {n} came before its event")
            self.signals[n] = call["event_id"]
        else:
            self.users.add(n)


class World:
    def __init__(self, directory, server, lock):
        self.raindrop = Raindrop(lock)
        server.answer = self.raindrop.answer
        self.server = server
        self.agent = Agent(directory, server.url)
        (self.agent.logs / "team").mkdir()
        self.agent.write_config(rules=RULES, inputs=INPUTS.format(logs=self.agent.logs), raindrop="  compression: gzip",
                                upload="  max_refused: 100000\n  shutdown_timeout: 500ms", more="identify: {cache: 0}\ndestinations: {team-a: {write_key: rk_team}}")
        text = self.agent.config.read_text().replace("timeout: 5s", "timeout: 400ms").replace("*.jsonl\"]", "*.jsonl*\"]")
        self.agent.config.write_text(text.replace("max: 200ms", "max: 60ms"))
        self.n = 0
        self.half = {}  # file → the rest of its last line
        self.lines = {name: [] for name in FILES}
        self.rotated = []  # (path, its lines)
        self.wrong = []
        self.killed = self.deleted = False

    def path(self, name):
        return self.agent.logs / name

    def append(self, name, data):
        with open(self.path(name), "ab") as f:
            f.write(data)

    def is_running(self):
        return self.agent.process is not None and self.agent.process.poll() is None

    # ---- the steps ----

    def write(self, name, rnd):
        self.rest(name, rnd)
        data = b""
        for _ in range(rnd.choice((1, 2, 5, 30))):
            data += json.dumps(record(self.n)).encode() + b"\n"
            self.lines[name].append(self.n)
            self.n += 1
        cut = rnd.randrange(1, len(data)) if rnd.random() < 0.3 else len(data)
        self.half[name] = data[cut:]
        self.append(name, data[:cut])

    def rest(self, name, _):
        if self.half.get(name):
            self.append(name, self.half.pop(name))

    def set_aside(self, name, rnd, how):
        self.rest(name, rnd)
        path = self.path(name)
        if not path.exists() or path.stat().st_size < 1100:  # told apart only by a first KiB, contract 6.5
            return
        aside = path.with_name(f"{path.name}.{self.n}")
        how(path, aside)
        self.rotated.append((aside, self.lines[name]))
        self.lines[name] = []

    def rename(self, name, rnd):
        self.set_aside(name, rnd, lambda path, aside: path.rename(aside))

    def copytruncate(self, name, rnd):
        def copy(path, aside):
            shutil.copyfile(path, aside)
            os.truncate(path, 0)
        self.set_aside(name, rnd, copy)

    def gzip(self, _, rnd):
        plain = [i for i, (path, _) in enumerate(self.rotated) if path.suffix != ".gz"]
        if plain:
            i = rnd.choice(plain)
            path, lines = self.rotated[i]
            packed = path.with_name(path.name + ".gz")
            temporary = path.with_name(packed.name + ".tmp")
            temporary.write_bytes(gzip.compress(path.read_bytes()))
            temporary.rename(packed)
            path.unlink()
            self.rotated[i] = packed, lines

    def delete(self, _, rnd):
        for i, (path, lines) in enumerate(self.rotated):
            if all(self.has(n) for n in lines):
                path.unlink()
                del self.rotated[i]
                self.deleted = True
                return

    def serve(self, name, rnd):
        with self.raindrop.lock:
            self.raindrop.modes[name.startswith("team")] = rnd.choice(MODES)
            self.raindrop.number, self.raindrop.seen = rnd.randrange(1 << 30), 0

    def start(self, *_):
        if not self.is_running():
            self.end_of_process()
            self.agent.start()

    def once(self, *_):
        if not self.is_running():
            self.end_of_process()
            self.agent.start("--once")

    def end_of_process(self):
        if self.agent.process and self.agent.process.stderr and not self.agent.process.stderr.closed:
            self.agent.wait()
            self.look_at_log()

    def look_at_log(self):
        self.wrong += [text for text in self.agent.stderr if "Sanitizer" in text or "runtime error" in text]
        if not (self.killed and self.deleted):  # else what had arrived, but was not settled, may be gone for the agent
            self.wrong += [text for text in self.agent.stderr if "are lost" in text]

    def kill(self, *_):
        if self.is_running():
            self.agent.kill()
            self.killed = True
            self.look_at_log()

    def stop(self, *_):
        if not self.is_running():
            return
        deadline = time.monotonic() + 10
        while not self.agent.said("message=started") and self.is_running() and time.monotonic() < deadline:
            time.sleep(0.005)
        if self.is_running():
            self.agent.process.send_signal(signal.SIGTERM)
            self.server.release()
            self.end_of_process()

    def reload(self, *_):
        if self.is_running() and self.agent.said("message=started"):
            self.agent.process.send_signal(signal.SIGHUP)

    def settle(self, *_):
        """As far as it comes in a moment."""
        deadline = time.monotonic() + 0.5
        while self.missing() and time.monotonic() < deadline:
            time.sleep(0.01)

    def run(self, step):
        what, place, number, pause = step
        name, rnd = FILES[place], random.Random(number)
        {"server": self.serve}.get(what, getattr(self, what, None))(name, rnd)
        time.sleep(pause / 1000)  # a part of the step, however long a machine takes it to be

    # ---- the end ----

    def has(self, n):
        line, r = record(n), self.raindrop
        if line["prompt"] in ("poison", "choke"):
            return False
        return n in r.ids and ("rating" not in line or n in r.signals) and ("plan" not in line or n in r.users)

    def dead(self):
        """Lines whose event is in the dead-letter file."""
        found = {}
        for name in ("dead-letter.jsonl.1", "dead-letter.jsonl"):
            path = self.agent.state / name
            for text in path.read_text().splitlines() if path.exists() else ():
                letter = json.loads(text)
                found[letter["call"]["properties"]["n"]] = letter["call"]["event_id"], letter["status"]
        return found

    def missing(self):
        dead = self.dead()
        found = []
        for n in range(self.n):
            line = record(n)
            if line["prompt"] in ("poison", "choke"):
                ok = n in dead and ("rating" not in line or n in self.raindrop.signals) and ("plan" not in line or n in self.raindrop.users)
            else:
                ok = self.has(n)
            if not ok:
                found.append(n)
        return found

    def finish(self):
        self.raindrop.over = True
        self.server.release()
        for name in FILES:
            self.rest(name, None)
        self.stop()  # it may be a --once
        self.start()
        self.agent.wait_said("message=started")
        since, help, left = time.monotonic(), HELP, []
        while (lost := self.missing()) and time.monotonic() - since < PATIENCE:
            if lost != left:
                left, since = lost, time.monotonic()
            for name in FILES:  # what makes the server choke is known by others that are taken
                self.append(name, json.dumps(record(help)).encode() + b"\n")
                help += 1
            time.sleep(0.1)
        if lost:
            self.wrong.append(f"lines {lost[:20]} are lost: {[record(n) for n in lost[:3]]}"[:600])
            self.wrong += self.agent.stderr[-5:]
        code = self.agent.stop()
        self.look_at_log()
        if code != 0:
            self.wrong.append(f"the last run ended with {code}")
        for n, (event, status) in self.dead().items():
            if record(n)["prompt"] not in ("poison", "choke"):
                self.wrong.append(f"line {n} is a dead letter: {status}")
            if self.raindrop.ids.get(n, event) != event:
                self.wrong.append(f"line {n} has another id as a dead letter")
        every = list(self.raindrop.ids.items())
        if len({event for _, event in every}) != len(every):
            self.wrong.append("two lines share an id")
        self.wrong += [f"the signal of line {n} names another event" for n, event in self.raindrop.signals.items()
                       if self.raindrop.ids.get(n, event) != event]
        return self.wrong + self.raindrop.wrong


def run(steps):
    """What is wrong after these steps."""
    with tempfile.TemporaryDirectory() as directory, Server() as server:
        world = World(directory, server, threading.RLock())
        try:
            for step in steps:
                world.run(step)
            return world.finish()
        except AssertionError as e:
            return [str(e)[-2000:]]
        finally:
            server.release()
            if world.is_running():
                world.agent.kill()


def shrink(steps, say):
    """Leaves out what can be left out while it still fails (twice tried: the timing is not the same)."""
    size = max(1, len(steps) // 2)
    while size:
        at = 0
        while at < len(steps):
            shorter = steps[:at] + steps[at + size:]
            if any(run(shorter) for _ in range(2)):
                steps = shorter
                say(f"{len(steps)} steps still fail")
            else:
                at += size
        size //= 2
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--histories", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--replay")
    args = parser.parse_args()
    if args.replay:
        wrong = run(ast.literal_eval(args.replay))
        print("\n".join(wrong[:20]) or "nothing is wrong")
        sys.exit(1 if wrong else 0)
    began = time.monotonic()
    for seed in range(args.seed, args.seed + args.histories):
        steps = make(seed, args.steps)
        wrong = run(steps)
        if wrong:
            print(f"seed {seed}:", *wrong[:10], sep="\n", flush=True)
            print(f"replay: {shrink(steps, lambda text: print(text, flush=True))}")
            sys.exit(1)
    print(f"history: seeds {args.seed} to {args.seed + args.histories - 1}, {args.steps} steps each, in {time.monotonic() - began:.0f} s: nothing is wrong")


if __name__ == "__main__":
    main()
