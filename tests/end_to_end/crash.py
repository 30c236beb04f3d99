#!/usr/bin/env python3
"""Power fails at random moments: what was written but not synced is gone, or torn, or there after all. The agent starts on
what is left, and every line must arrive or be in the dead-letter file, under the id that it had before. Or the agent is
killed: then all of it is there, but still not synced when the power fails later.

    crash.py [--points N] [--seed N]

A run with `--once` is recorded: every change it makes in its state directory (tests/support/watched_disk.c), and what the
server had taken by each of them. A crash point is one of these changes: from the record comes what may be on the disk
then. From there the agent runs again, recorded too, and may crash again. What is synced: a file's
bytes by fsync and fdatasync, its name by the directory's fsync, names in the order in which they were made.
"""
import argparse
import copy
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from agent import SOURCE, Agent  # noqa: E402
from server import Server  # noqa: E402

RULES = """
rules:
  - name: completion
    event: {event: chat, event_id: $.id, user_id: $.user, ai_data: {input: $.prompt}, properties: {n: $.n}}
    signal:
      when: {$.rating: {exists: true}}
      signal_name: $.rating
      properties: {n: $.n}
"""
SETTINGS = "  batch: {max_calls: 4, max_age: 1ms}\n  max_refused: 100000\n  retry: {initial: 1ms, max: 5ms}"
MORE = "dead_letter: {max_bytes: %d, max_age: 30d}"
OLD_LETTERS = "".join(f'{{"time":"2020-01-01T00:00:0{n}.000Z","line":"old {n}","offset":0}}\n' for n in range(3))
PAGE = 4096
FILES, LINES = 24, 9


def build(directory):
    library = pathlib.Path(directory) / "watched_disk.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", library, SOURCE / "tests/support/watched_disk.c"], check=True)
    return library


# ---- the disk ----

class File:
    """Its bytes: what is synced, and what was done since."""

    def __init__(self, data=b""):
        self.synced = bytes(data)
        self.since = []

    @staticmethod
    def changed(data, change, part=None):
        kind, at, new = change
        if kind == "t":
            return data[:at] + bytes(max(0, at - len(data)))
        new = new[:part]
        return data[:at] + bytes(max(0, at - len(data))) + new + data[at + len(new):]

    def now(self):
        data = self.synced
        for change in self.since:
            data = self.changed(data, change)
        return data

    def after_crash(self, rnd):
        """What may be there: nothing of it; the first changes and a part of the next; any pages of all of it; everything."""
        how = rnd.randrange(4) if self.since else 0
        if how == 0:
            return self.synced
        if how == 1:
            data, whole = self.synced, rnd.randrange(len(self.since))
            for change in self.since[:whole]:
                data = self.changed(data, change)
            return self.changed(data, self.since[whole], rnd.randrange(len(self.since[whole][2]) + 1))
        data = self.now()
        if how == 2:
            for at in range(0, len(data), PAGE):
                if rnd.random() < 0.5:
                    old = self.synced[at:at + PAGE]
                    end = min(at + PAGE, len(data))
                    data = data[:at] + old[:end - at].ljust(end - at, b"\0") + data[end:]
        return data


class Disk:
    """A state directory, as the record tells it."""

    def __init__(self, files):
        self.files = {f"start {name}": File(data) for name, data in files.items()}  # key → file
        self.names = {name: f"start {name}" for name in files}  # as they are on the disk for sure
        self.since = []  # (name, key or None)
        self.inodes = {}  # → key
        self.serial = 0

    def lay_out(self, directory):
        """Makes the files as a process sees them that starts now."""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        self.inodes = {}
        for name, key in self.names_now().items():
            (directory / name).write_bytes(self.files[key].now())
            self.inodes[(directory / name).stat().st_ino] = key

    def names_now(self, changes=None):
        names = dict(self.names)
        for name, key in self.since[:changes]:
            if key is None:
                names.pop(name, None)
            else:
                names[name] = key
        return names

    def of(self, inode, at):
        if inode not in self.inodes:
            raise AssertionError(f"{at}: an inode that nobody made")
        return self.files[self.inodes[inode]]

    def apply(self, operation, inode, other, name, data):
        if operation == "c":
            self.serial += 1
            key = f"{inode} {self.serial}"  # an inode may be used again
            self.inodes[inode], self.files[key] = key, File()
            self.since.append((name, key))
        elif operation == "w":
            self.of(inode, "write").since.append(("w", other, data))
        elif operation == "t":
            self.of(inode, "truncate").since.append(("t", other, b""))
        elif operation == "s" and inode == 0:
            self.names, self.since = self.names_now(), []
        elif operation == "s":
            file = self.of(inode, "sync")
            file.synced, file.since = file.now(), []
        elif operation in "rl":
            key = self.names_now().get(name)
            if key:  # else a socket
                self.since.append((data.decode(), key))
                if operation == "r":
                    self.since[-1:] = [(name, None), self.since[-1]]
        elif operation == "u" and name in self.names_now():
            self.since.append((name, None))

    def content(self):
        return {name: self.files[key].now() for name, key in self.names_now().items()}

    def after_crash(self, rnd):
        """What may be in it: names → bytes."""
        kept = rnd.choice((0, len(self.since), rnd.randrange(len(self.since) + 1)))
        if kept > 0 and self.since[kept - 1][1] is None and kept < len(self.since) and self.since[kept][1]:
            kept += 1  # a rename is one change
        return {name: self.files[key].after_crash(rnd) for name, key in self.names_now(kept).items()}


def changes_of(record):
    """Each change, and the length of the record after it."""
    at = 0
    while at < len(record):
        operation, inode, other = struct.unpack_from("<cQQ", record, at)
        end = record.index(b"\0", at + 17)
        name = record[at + 17:end].decode()
        n, = struct.unpack_from("<I", record, end + 1)
        at = end + 5 + n
        yield operation.decode(), inode, other, name, record[end + 5:at], at


# ---- a run of the agent ----

class Run:
    """A `--once` on a disk: what it changed, and when the server took what."""

    def __init__(self, world, disk):
        disk.lay_out(world.agent.state)
        self.disk = copy.deepcopy(disk)
        self.taken = []  # (length of the record, endpoint, call)
        world.run = self
        self.path = world.agent.dir / "record"
        with open(self.path, "wb") as record:
            environment = {"LD_PRELOAD": str(world.library), "DISK_DIR": str(world.agent.state), "DISK_RECORD": str(record.fileno()),
                           "ASAN_OPTIONS": "verify_asan_link_order=0"}
            os.set_inheritable(record.fileno(), True)
            self.code = world.agent.once(environment=environment, pass_fds=(record.fileno(),))
        self.log = list(world.agent.stderr)
        self.record = self.path.read_bytes()
        changes = list(changes_of(self.record))
        self.points = [end for *_, end in changes]
        self.before_sync = [end for (*_, end), after in zip(changes, changes[1:]) if after[0] == "s"]
        world.server.delivered.clear()
        world.server.requests.clear()

    def at(self, point):
        """What was taken by then, and the disk."""
        disk = copy.deepcopy(self.disk)
        for *change, end in changes_of(self.record):
            if end > point:
                break
            disk.apply(*change)
        return [t for t in self.taken if t[0] <= point], disk


class World:
    def __init__(self, directory, server, seed):
        self.rnd = random.Random(seed)
        self.library = build(directory)
        self.server = server
        self.run = None
        self.ids = {}  # n → event_id
        self.wrong = []
        server.answer = self.answer
        letters = FILES * LINES // 8 * 450
        self.agent = Agent(directory, server.url, upload=SETTINGS, rules=RULES, more=MORE % letters,
                           raindrop="  write_key: rk_test_5f2c9e")
        text = self.agent.config.read_text()
        text = text.replace("  batch: {max_age: 20ms}\n  retry: {initial: 20ms, max: 200ms}\n", "")
        self.agent.config.write_text(text.replace("interval: 50ms", "interval: 1ms"))
        self.lines = [[self.line(f * LINES + n) for n in range(LINES)] for f in range(FILES)]
        for f, lines in enumerate(self.lines):  # at first some, the last one torn
            data = b"".join(lines[:self.rnd.randrange(3, LINES)])
            self.agent.log(f"{f}.jsonl", data[:len(data) - self.rnd.randrange(30)])

    def line(self, n):
        record = {"user": f"u{n}", "prompt": "x" * self.rnd.choice((3, 200)), "n": n}
        if n % 3 == 0:
            record["rating"] = "up"
        if n % 5 == 0:
            record["id"] = f"e{n}"
        return (json.dumps(record) + "\n").encode()

    def grow(self):
        for f, lines in enumerate(self.lines):
            data = b"".join(lines)
            self.agent.log(f"{f}.jsonl", data[(self.agent.logs / f"{f}.jsonl").stat().st_size:])

    @staticmethod
    def is_poison(n):
        return n % 8 == 1

    def answer(self, request):
        run = self.run
        time.sleep(0.001)  # a network, so that there is more than one save
        at = run.path.stat().st_size
        numbers = [call["properties"]["n"] for call in request.calls]
        if request.endpoint == "events/track":
            for n, call in zip(numbers, request.calls):
                if self.ids.setdefault(n, call["event_id"]) != call["event_id"]:
                    self.wrong.append(f"line {n} has two ids")
            if any(map(self.is_poison, numbers)):
                return 400
        run.taken += [(at, request.endpoint, n) for n in numbers]
        return 204

    def state_now(self):
        return {path.name: path.read_bytes() for path in self.agent.state.iterdir() if path.is_file()}

    def judge(self, taken, letters, letters_were_lost):
        wrong = list(self.wrong)
        events = {n for _, endpoint, n in taken if endpoint == "events/track"}
        signals = {n for _, endpoint, n in taken if endpoint == "signals/track"}
        for n in range(FILES * LINES):
            if n not in events and n not in letters and not (letters_were_lost and self.is_poison(n)):
                wrong.append(f"line {n} is lost")
            if n % 3 == 0 and n not in signals:
                wrong.append(f"signal of line {n} is lost")
        return wrong


def letters_in(state):
    """Lines whose event is in the dead-letter file; what a crash has torn there is no line."""
    found = set()
    for name in ("dead-letter.jsonl.1", "dead-letter.jsonl"):
        for text in state.get(name, b"").split(b"\n"):
            try:
                letter = json.loads(text)
            except ValueError:
                continue
            if "call" in letter:
                found.add(letter["call"]["properties"]["n"])
    return found


def crash_once(world, base, taken, rnd, said):
    """From a point of the base run, behind which so much was taken, perhaps through further crashes, to the end."""
    run, taken, trail, lost = base, list(taken), [], False
    for _ in range(rnd.choice((1, 1, 2, 3))):
        point = rnd.choice(rnd.choice((run.points, run.before_sync or run.points)))
        by_then, disk = run.at(point)
        taken += by_then
        power = rnd.random() < 0.7
        if power:
            disk = Disk(disk.after_crash(rnd))
        trail.append(("power" if power else "kill", run.points.index(point), {n: len(f) for n, f in disk.content().items()}))
        run = Run(world, disk)
        for part in ("torn end was cut", "is damaged", "dead letters older", "dead letters are lost"):
            said[part] = said.get(part, 0) + any(part in text for text in run.log)
        lost |= any("dead letters are lost" in text for text in run.log)  # full twice: said and counted, contract 6.8
        if run.code != 3 and run.code != 0:
            return [f"exit code {run.code} after {trail}", *run.log], trail
    taken += run.taken
    return world.judge(taken, letters_in(world.state_now()), lost), trail


def run(points, seed, directory, out=sys.stdout):
    began, said, wrong, point = time.monotonic(), {}, [], 0
    with Server() as server:
        world = World(directory, server, seed)
        base = Run(world, Disk({"dead-letter.jsonl": OLD_LETTERS.encode()}))
        if base.code != 3:
            return [f"the first run ended with {base.code}", *base.log]
        grown = Disk(world.state_now())
        world.grow()
        bases = [(base, []), (Run(world, grown), base.taken)]
        for point in range(points):
            rnd = random.Random(f"{seed} {point}")
            wrong, trail = crash_once(world, *rnd.choice(bases), rnd, said)
            if wrong:
                wrong.insert(0, f"seed {seed} point {point}: {trail}")
                break
    print(f"crash: seed {seed}: {point + 1} crash points of {' and '.join(str(len(b.points)) for b, _ in bases)} changes in {time.monotonic() - began:.0f} s, {said}, "
          f"{len(wrong)} wrong", file=out, flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        wrong = run(args.points, args.seed, directory)
        for text in wrong[:60]:
            print(text)
        if wrong:
            keep = pathlib.Path(tempfile.mkdtemp(prefix="raingauge-crash-"))
            shutil.copytree(directory, keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
            print(f"kept: {keep}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
