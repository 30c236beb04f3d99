"""What the rows stand on: the built programs, the generated logs, the sink, and the agent on them. Whatever is run is run
alone, is checked (exit code; every event delivered, none twice), and leaves nothing behind."""
import contextlib
import dataclasses
import json
import pathlib
import signal
import subprocess
import time
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MARKER = '"event":"chat_completion"'
MIB = 1 << 20

ONE_RULE = """
  - name: completion
    when: {$.msg: llm.completion}
    event:
      event: chat_completion
      event_id: $.request_id
      user_id: $.user.id
      timestamp: $.time
      ai_data: {model: $.model, input: $.prompt, output: $.completion, convo_id: $.session}
      properties: {latency_ms: $.latency_ms}
"""


class Failed(Exception):
    """A measurement that is none: a program failed, or events are missing or doubled."""


@dataclasses.dataclass
class Log:
    path: pathlib.Path
    bytes: int
    lines: int
    events: int


@dataclasses.dataclass
class Cost:
    wall: float  # seconds
    cpu: float  # seconds, user and system, of the program alone
    peak: float  # MiB
    exit: int


def words_to_numbers(text):
    """"requests 3 bytes 10" as {"requests": 3, "bytes": 10}."""
    words = text.split()
    return {name: int(value) for name, value in zip(words[::2], words[1::2])}


def build(directory, agent=None):
    """Builds the benchmarks' programs and, where no AGENT is given, the agent as it is shipped; gives the agent's path."""
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DRAINGAUGE_BENCH=ON"]
    for command in (["cmake", "-S", SOURCE, "-B", directory, "-G", "Ninja", *options],
                    ["cmake", "--build", directory, "--target", "bench_programs", *([] if agent else ["raingauge"])]):
        done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failed(f"does not build:\n{done.stdout[-4000:]}")
    return pathlib.Path(agent).resolve() if agent else directory / "raingauge"


def until(condition, what, timeout=120, pause=0.005):
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"{what}: not within {timeout} s")
        time.sleep(pause)


class Server:
    """A running program of ours that listens on a free port, and writes its number into the file that is its first argument."""

    def __init__(self, bed, program, *arguments, cpus=None):
        port_file = bed.path("port")
        self.process = subprocess.Popen([*bed.pinned(cpus), bed.programs / program, port_file, *arguments], stdout=subprocess.PIPE, text=True)

        def listens():
            if self.process.poll() is not None:
                raise Failed(f"{program} does not start")
            return port_file.exists() and port_file.read_text().endswith("\n")
        until(listens, f"{program} listens", pause=0.001)
        self.address = f"http://127.0.0.1:{int(port_file.read_text())}"
        port_file.unlink()


class Sink(Server):
    """`counts` are there once it is closed."""

    def __init__(self, bed, cpus=None):
        super().__init__(bed, "sink", MARKER, cpus=cpus)
        self.counts = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.counts = words_to_numbers(self.process.communicate(timeout=20)[0])

    def ask(self):
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(self.address, timeout=20) as answer:
            return words_to_numbers(answer.read().decode())


class Bed:
    """A directory for logs and state. SIZE is that of the plain logs in bytes, FILES are many, REST is how many seconds an agent
    is watched at rest, PROBES how many lines are timed."""

    def __init__(self, directory, programs, agent, size, seed, files, rest, probes):
        self.dir = pathlib.Path(directory)
        self.programs, self.agent, self.size, self.seed = pathlib.Path(programs), agent, size, seed
        self.files, self.rest, self.probes = files, rest, probes
        self.names = 0
        self.logs, self.made = {}, {}

    def path(self, name):
        self.names += 1
        return self.dir / f"{self.names}-{name}"

    @staticmethod
    def pinned(cpus):
        return ["taskset", "-c", cpus] if cpus else []

    def log(self, kind="app", percent=100, scale=1.0, seed=None):
        """A generated log of scale × --size, in the page cache; the same one for the same arguments."""
        key = (kind, percent, scale, seed)
        if key not in self.logs:
            path = self.path(f"{kind}-{percent}.log")
            told = subprocess.run([self.programs / "generate", kind, path, str(int(self.size * scale)), str(percent), str(seed or self.seed)],
                                  check=True, capture_output=True, text=True).stdout
            n = words_to_numbers(told)
            self.logs[key] = Log(path, n["bytes"], n["lines"], n["events"])
        return self.logs[key]

    def gzip(self, log):
        path = log.path.with_suffix(".gz")
        if not path.exists():
            with open(path, "wb") as out:
                subprocess.run(["gzip", "-c", "-6", log.path], stdout=out, check=True)
        return dataclasses.replace(log, path=path)

    def first_line(self):
        with open(self.log(percent=100, scale=1 / 8).path, encoding="utf-8") as f:
            return f.readline()

    def once_made(self, name, make):
        """A directory that is made and filled when it is first asked for."""
        if name not in self.made:
            self.made[name] = self.path(name)
            self.made[name].mkdir()
            make(self.made[name])
        return self.made[name]

    def cost(self, command, environment=None):
        """Runs a command to its end. What is added to the environment is the command's alone: it does not reach `cost`."""
        command = [str(word) for word in command]
        if environment:
            command = ["env", *(f"{name}={value}" for name, value in environment.items()), *command]
        told = self.path("cost")
        with open(self.dir / "stderr", "w+") as stderr:
            try:
                subprocess.run([self.programs / "cost", told, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, timeout=900)
            except subprocess.TimeoutExpired:
                raise Failed(f"{' '.join(command)} does not end") from None
            stderr.seek(0)
            said = stderr.read()[-2000:]
        n = words_to_numbers(told.read_text())
        told.unlink()
        if n["exit"] != 0:
            raise Failed(f"{' '.join(command)} exits {n['exit']}:\n{said}")
        return Cost(n["wall_us"] / 1e6, n["cpu_us"] / 1e6, n["peak_kib"] / 1024, n["exit"])

    def write_config(self, path, address, logs, rules=ONE_RULE, inputs="", more=""):
        """ONE_RULE's configuration; `rules` empty for those of an include in `more`."""
        paths = json.dumps([str(log) for log in logs])
        path.write_text(f"""raindrop: {{url: {address}/v1, write_key: bench}}
state_dir: {path.with_suffix(".state")}
inputs:
  - name: bench
    paths: {paths}
{inputs}
{"rules:" if rules else ""}{rules}
{more}
""")

    @contextlib.contextmanager
    def config(self, sink, logs, **options):
        path = self.path("raingauge.yaml")
        self.write_config(path, sink.address, logs, **options)
        try:
            yield path
        finally:
            subprocess.run(["rm", "-rf", path.with_suffix(".state"), path], check=True)

    def once(self, log, cpus=None, sink_cpus=None, environment=None, **options):
        """`run --once` on one log into a fresh sink: what the agent cost, and the sink's counts."""
        with Sink(self, sink_cpus) as sink, self.config(sink, [log.path], **options) as path:
            cost = self.cost([*self.pinned(cpus), self.agent, "run", "--once", "-c", path], environment)
        self.check(sink, log.events)
        return cost, sink.counts

    def cost_of_start(self):
        """The processor time of a run that finds nothing to read."""
        path = self.path("empty.log")
        path.touch()
        return self.once(Log(path, 0, 0, 0))[0].cpu

    def once_into_sink(self, config, paths, events):
        """The same with a configuration whose state is kept, so that it goes on where it was: what the agent cost."""
        with Sink(self) as sink:
            self.write_config(config, sink.address, paths)
            cost = self.cost([self.agent, "run", "--once", "-c", config])
        self.check(sink, events)
        return cost

    @staticmethod
    def check(sink, events):
        if sink.counts["marks"] != events:
            raise Failed(f"{sink.counts['marks']} events of {events} arrived")

    @contextlib.contextmanager
    def running(self, config):
        """An agent that follows, by its process id; it must end well when it is told to."""
        with open(self.dir / "stderr", "w") as stderr:
            process = subprocess.Popen([self.agent, "run", "-c", config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr)
        try:
            yield process.pid
            process.terminate()
            if process.wait(60) != 0:
                raise Failed(f"the agent exits {process.returncode}:\n{(self.dir / 'stderr').read_text()[-2000:]}")
        finally:
            process.kill()
            process.wait()

    def jsmn(self, log):
        return self.cost([self.programs / "jsmn_only", log.path])

    def wc(self, log):
        return self.cost(["wc", "-l", log.path])

    def gzip_wc(self, log):
        """Both programs' processor time: that of the shell's children is its own once it has waited for them."""
        return self.cost(["sh", "-c", 'gzip -dc "$1" | wc -l', "sh", log.path])
