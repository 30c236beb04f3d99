"""Rotation by the real thing: logrotate, nginx, pino-roll, winston's daily rotate file, Python's handlers, kubelet's way.

Every line has a number, and in the end each number arrived once."""
import collections
import gzip
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from agent import Agent, wait_until
from test_admin import get, metric

RULES = """
rules:
  - name: numbered
    when: {$.n: {exists: true}}
    event: {event: numbered, user_id: u, properties: {n: $.n}}
"""
NODE = os.environ.get("RAINGAUGE_NODE_MODULES", "")


def text(n):
    return json.dumps({"n": n, "padding": "x" * (n % 97)}) + "\n"


def make_agent(tmp_path, server, paths="app.jsonl*", inputs=""):
    a = Agent(tmp_path, server.url, rules=RULES, inputs=inputs)
    a.config.write_text(a.config.read_text().replace("/*.jsonl", f"/{paths}"))
    return a


def arrived(server):
    return [int(call["properties"]["n"]) for call in server.events()]


def wait_for(server, count, timeout=20):
    """All of 0 … count-1, once each, and nothing else."""
    try:
        wait_until(lambda: len(server.events()) >= count and set(range(count)) <= set(arrived(server)), timeout)
    except AssertionError:
        missing = sorted(set(range(count)) - set(arrived(server)))
        raise AssertionError(f"{len(missing)} of {count} lines are missing: {missing[:20]}") from None
    repeated = [n for n, times in collections.Counter(arrived(server)).items() if times > 1]
    assert not repeated, f"repeated: {repeated[:20]}"


def end(agent, server, count, lost=0):
    """Nothing more comes; nothing was said to be lost."""
    text = get(agent, "/metrics")[1]
    assert metric(text, "raingauge_bytes_lost_total") == lost, text
    assert metric(text, "raingauge_lines_read_total") >= count
    assert agent.stop() == 0
    wait_for(server, count, 0)


class Writer:
    """A service that keeps its log open until it is told to open it anew."""

    def __init__(self, path):
        self.path, self.n = path, 0
        self.open()

    def open(self):
        self.file = open(self.path, "a", buffering=1)

    def write(self, count):
        for _ in range(count):
            self.file.write(text(self.n))
            self.n += 1


class Logrotate:
    def __init__(self, directory, log, options):
        self.config, self.state = directory / "logrotate.conf", directory / "logrotate.state"
        if os.geteuid() == 0:
            options = [*options, "su root root"]
        self.config.write_text(f"{log} {{\n" + "".join(f"    {option}\n" for option in ["rotate 20", *options]) + "}\n")
        self.config.chmod(0o600)

    def __call__(self):
        done = subprocess.run(["logrotate", "-f", "-s", self.state, self.config], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


WAYS = {
    "create": ["create"],
    "nocreate": ["nocreate"],
    "copytruncate": ["copytruncate"],
    "compress": ["create", "compress"],
    "delaycompress": ["create", "compress", "delaycompress"],
    "copytruncate-compress": ["copytruncate", "compress"],
    "dateext": ["create", "dateext", "dateformat -%Y%m%d-%s"],
    "dateext-compress": ["create", "dateext", "dateformat -%Y%m%d-%s", "compress"],
}
needs_logrotate = pytest.mark.skipif(not shutil.which("logrotate"), reason="no logrotate")


@needs_logrotate
@pytest.mark.parametrize("paths", ["app.jsonl", "app.jsonl*"], ids=["rotated unmatched", "rotated matched"])
@pytest.mark.parametrize("way", WAYS)
def test_logrotate(tmp_path, server, way, paths):
    """Rotations while the agent runs and while it is down, with a writer that notices late."""
    agent = make_agent(tmp_path, server, paths)
    agent.config.write_text(agent.config.read_text().replace("rescan: 200ms", "rescan: 10m"))  # hints alone
    log = agent.logs / "app.jsonl"
    writer = Writer(log)
    rotate = Logrotate(tmp_path, log, WAYS[way])
    renames, compresses = "copytruncate" not in way, "compress" in WAYS[way] and "delaycompress" not in WAYS[way]
    agent.start()
    try:
        writer.write(40)
        wait_for(server, writer.n)
        # what is made and moved out of paths while the agent is down is not known (contract 6.5)
        for running in (True, False) if "dateext" in way else (True, True, False, False)[:4 if "*" in paths else 3]:
            if not running and agent.process.poll() is None:
                assert agent.stop() == 0
            writer.write(30)
            if running:
                wait_for(server, writer.n)  # at the latest now what is in the file is known
                writer.write(5)
            if "dateext" in way:
                time.sleep(1.1)  # its names are of a second
            rotate()
            if renames and not compresses:
                writer.write(5)  # it was not told yet
            if renames:
                writer.file.close()
                writer.open()
            writer.write(30)
            if running:
                wait_for(server, writer.n)
        agent.start()
        wait_for(server, writer.n)
        writer.write(5)
        wait_for(server, writer.n)
        end(agent, server, 10)
        wait_for(server, writer.n, 0)
    finally:
        agent.process.kill()


# ---- nginx ----

@pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx")
def test_nginx(tmp_path, server):
    """Its access log, renamed and reopened by signal while requests come in, also while the agent is down."""
    agent = make_agent(tmp_path, server, "access.json*")
    log, pid = agent.logs / "access.json", tmp_path / "nginx.pid"
    config = tmp_path / "nginx.conf"
    config.write_text(textwrap.dedent(f"""
        daemon off; pid {pid}; error_log {tmp_path}/error.log;
        events {{}}
        http {{
            log_format json escape=json '{{"n":"$arg_n","path":"$request_uri","agent":"$http_user_agent"}}';
            access_log {log} json;
            client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p; fastcgi_temp_path {tmp_path}/f;
            uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;
            server {{ listen unix:{tmp_path}/s.sock; location / {{ return 204; }} }}
        }}"""))
    nginx = subprocess.Popen(["nginx", "-p", tmp_path, "-c", config], stderr=subprocess.DEVNULL)
    sent = 0

    def ask(count):
        nonlocal sent
        urls = [f"http://x/?n={n}" for n in range(sent, sent + count)]
        subprocess.run(["curl", "-s", "--unix-socket", tmp_path / "s.sock", "-A", 'quote" and \\ and \x01', *urls], check=True)
        sent += count

    def rotate(number):
        log.rename(agent.logs / f"access.json.{number}")
        ask(5)  # it still writes into the old one
        nginx.send_signal(signal.SIGUSR1)
        wait_until(log.exists, what="the new log")
        ask(5)

    try:
        wait_until((tmp_path / "s.sock").exists)
        agent.start()
        for number in range(4):
            ask(20)
            if number == 2:
                wait_for(server, sent)
                assert agent.stop() == 0
            rotate(number)
            ask(10)
        agent.start()
        wait_for(server, sent)
        end(agent, server, 10)
        wait_for(server, sent, 0)
    finally:
        nginx.terminate()
        nginx.wait()
        agent.process.kill()


# ---- loggers that rotate their files themselves ----

def run_logger(server, agent, command, count=400, part=20):
    """The logger logs lines 0 … count-1, and waits for a line on its stdin after each `part`: no file of its own lives so
    briefly that nobody could have seen it."""
    agent.start()
    logger = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env={**os.environ, "NODE_PATH": NODE})
    try:
        for n in range(part, count + 1, part):
            wait_for(server, n)
            logger.stdin.write("on\n")
            logger.stdin.flush()
        assert logger.wait(60) == 0
        wait_for(server, count, 30)
        end(agent, server, count)
    finally:
        logger.kill()
        agent.process.kill()


needs_node = pytest.mark.skipif(not os.path.isdir(NODE + "/pino-roll"), reason="no RAINGAUGE_NODE_MODULES with loggers")
PARTS = """
const lines = require("readline").createInterface({input: process.stdin})[Symbol.asyncIterator]();
async function parts(log, end) {
    for (let n = 0; n < 400; n++) {
        if (n && n % 20 === 0) await lines.next();
        log(n);
    }
    await lines.next();
    end();
}
"""


@needs_node
def test_pino_roll(tmp_path, server):
    """pino with pino-roll: a new file each two kilobytes, a link to the current one that is swapped; old ones are removed."""
    agent = make_agent(tmp_path, server, "*.log")
    script = tmp_path / "app.js"
    script.write_text(PARTS + """
const pino = require("pino");
const transport = pino.transport({target: "pino-roll",
    options: {file: process.argv[2] + "/app", extension: ".log", size: "4k", symlink: true, limit: {count: 4}}});
const log = pino(transport);
transport.on("ready", () => parts(n => log.info({n, text: "x".repeat(n % 90)}, "hello"), () => {
    transport.on("close", () => process.exit(0)); transport.end(); }));
""")
    run_logger(server, agent, ["node", script, agent.logs])
    assert len(list(agent.logs.glob("app*.log"))) > 3


@needs_node
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_winston_daily_rotate_file(tmp_path, server, zipped):
    """winston with its daily rotate file, by size, with and without compression of the old ones."""
    agent = make_agent(tmp_path, server, "app-*")
    script = tmp_path / "app.js"
    script.write_text(PARTS + """
const winston = require("winston");
const Rotate = require("winston-daily-rotate-file");
const transport = new Rotate({dirname: process.argv[2], filename: "app-%DATE%.log", datePattern: "YYYY-MM-DD", maxSize: 3000,
    zippedArchive: process.argv[3] === "true", auditFile: process.argv[2] + "/../audit.json"});
const log = winston.createLogger({format: winston.format.json(), transports: [transport]});
parts(n => log.info("hello", {n, text: "x".repeat(n % 90)}), () => { transport.on("finish", () => process.exit(0)); log.end(); });
""")
    run_logger(server, agent, ["node", script, agent.logs, json.dumps(zipped)])
    assert len(list(agent.logs.glob("app-*.gz" if zipped else "app-*"))) > 3


HANDLERS = {
    "rotating": "RotatingFileHandler(path, maxBytes=3000, backupCount=4)",
    "rotating-gzip": "RotatingFileHandler(path, maxBytes=3000, backupCount=30)",
    "timed": "TimedRotatingFileHandler(path, when='S', interval=1, backupCount=4)",
}


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("paths", ["app.jsonl", "app.jsonl*"], ids=["rotated unmatched", "rotated matched"])
def test_python_logging(tmp_path, server, handler, paths):
    """Python's RotatingFileHandler and TimedRotatingFileHandler, which remove the oldest files; the one also with gzip."""
    agent = make_agent(tmp_path, server, paths)
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(f"""
        import gzip, json, logging, os, sys, time
        from logging.handlers import RotatingFileHandler, TimedRotatingFileHandler
        path = sys.argv[1] + "/app.jsonl"
        handler = {HANDLERS[handler]}
        def compress(source, to):
            with open(source, "rb") as f, gzip.open(to, "wb") as g:
                g.write(f.read())
            os.remove(source)
        if "gzip" in sys.argv[2]:
            handler.namer, handler.rotator = lambda name: name + ".gz", compress
        log = logging.getLogger("app")
        log.setLevel("INFO")
        log.addHandler(handler)
        for n in range(400):
            if n and n % 20 == 0:
                sys.stdin.readline()
            log.info(json.dumps({{"n": n, "text": "x" * (n % 90)}}))
            if n % 130 == 129 and sys.argv[2] == "timed":
                time.sleep(1.05)
        sys.stdin.readline()
        """))
    run_logger(server, agent, [sys.executable, script, agent.logs, handler])
    assert len(list(agent.logs.iterdir())) > 3


# ---- containers ----

def test_kubelet(tmp_path, server):
    """Both layouts of a node's logs, rotated as kubelet does (rename, and gzip of the one before), running and down."""
    agent = Agent(tmp_path, server.url, rules=RULES.replace("{n: $.n}", "{n: $.n, pod: $meta.pod, container: $meta.container, stream: $meta.stream}"))
    root = tmp_path / "var/log"
    text_ = agent.config.read_text().replace(f'["{agent.logs}/*.jsonl"]', f'["{root}/containers/*.log"]')
    agent.config.write_text(text_.replace("    rescan: 200ms", f"    rescan: 200ms\n    envelope: auto\n    symlink_targets: [{root}/pods]"))
    (root / "containers").mkdir(parents=True)
    pods = {}
    for pod in ("web", "api"):
        directory = root / f"pods/shop_{pod}_0f5c8a6e-1b7f-4c43-9d53-0a1d7a6b3c2{len(pods)}" / "main"
        directory.mkdir(parents=True)
        (directory / "0.log").touch()
        (root / "containers" / f"{pod}_shop_main-{len(pods)}{'ab' * 31}.log").symlink_to(directory / "0.log")
        pods[pod] = directory
    n, wanted, serial = 0, {}, 0

    def write(count):
        nonlocal n
        for _ in range(count):
            pod = ("web", "api")[n % 2]
            line = text(n)
            stamp = f"2026-11-29T10:00:{n % 60:02d}.{n:09d}Z stdout"
            cut = n % len(line) if n % 3 == 0 else 0
            with open(pods[pod] / "0.log", "a") as f:
                if cut:
                    f.write(f"{stamp} P {line[:cut]}\n")
                f.write(f"{stamp} F {line[cut:]}")
            wanted[n] = pod
            n += 1

    def rotate():
        nonlocal serial
        serial += 1
        for directory in pods.values():
            for old in directory.glob("0.log.*[0-9]"):
                with open(old, "rb") as f, gzip.open(f"{old}.tmp", "wb") as g:
                    g.write(f.read())
                os.rename(f"{old}.tmp", f"{old}.gz")
                old.unlink()
            os.rename(directory / "0.log", directory / f"0.log.20261129-1000{serial:02d}")
            (directory / "0.log").touch()

    agent.start()
    try:
        for running in (True, True, True, False, True):
            write(30)
            if running:
                wait_for(server, n)
                write(10)
            else:
                assert agent.stop() == 0
                write(10)
            rotate()
            write(20)
            if not running:
                agent.start()
            wait_for(server, n)
        assert all(call["properties"]["pod"] == wanted[call["properties"]["n"]] and call["properties"]["container"] == "main"
                   and call["properties"]["stream"] == "stdout" for call in server.events())
        end(agent, server, 1)
        wait_for(server, n, 0)
    finally:
        agent.process.kill()


# ---- when inotify is short ----

def can_limit_inotify():
    return subprocess.run(["unshare", "-Ur", "sh", "-c", "echo 1 > /proc/sys/user/max_inotify_watches"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_limit_inotify(), reason="no user namespaces")
@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_no_more_watches(tmp_path, server, limit):
    """Then directories are polled: every line comes, and one message names the sysctl and its value."""
    agent = make_agent(tmp_path, server, "*/app.jsonl")
    agent.config.write_text(agent.config.read_text().replace("rescan: 200ms", "rescan: 10m\n    poll_interval: 100ms"))
    for i in range(6):
        (agent.logs / f"d{i}").mkdir()
        (agent.logs / f"d{i}/app.jsonl").write_text(text(i))
    inner = agent.command

    def command(*args, **options):
        import agent as module
        env = {**os.environ, "RAINDROP_WRITE_KEY": module.KEY}
        shell = f"echo {2 if 'watches' in limit else 0} > /proc/sys/user/{limit}; exec \"$@\""
        return subprocess.Popen(["unshare", "-Ur", "sh", "-c", shell, "sh", module.BINARY, *map(str, args)], env=env,
                                stderr=subprocess.PIPE, text=True)

    agent.command = command
    agent.start()
    try:
        wait_for(server, 6)
        for i in range(6):
            with open(agent.logs / f"d{i}/app.jsonl", "a") as f:
                f.write(text(6 + i))
        wait_for(server, 12, 10)
        said = [line for line in agent.stderr if "polled" in line]
        name = limit.replace("inotify", "user")
        value = pathlib.Path(f"/proc/sys/fs/inotify/{name}").read_text().strip()
        assert len(said) == 1 and f"sysctl=fs.inotify.{name} value={value}" in said[0], agent.stderr
        assert agent.stop() == 0
    finally:
        agent.process.kill()
        agent.command = inner


def test_inotify_queue_overflows(tmp_path, server):
    """More happens than inotify's queue holds: it is found all the same, at once, and one message names the sysctl and its value."""
    most = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if most > 100000:
        pytest.skip("the queue is too long to be filled")
    agent = make_agent(tmp_path, server, "*.jsonl")
    agent.config.write_text(agent.config.read_text().replace("rescan: 200ms", "rescan: 10m"))
    agent.start()
    writer = Writer(agent.logs / "a.jsonl")
    try:
        writer.write(10)
        wait_for(server, writer.n)
        agent.process.send_signal(signal.SIGSTOP)
        for i in range(most // 2):  # created, modified, deleted
            path = agent.logs / "noise"
            path.write_text("x")
            path.unlink()
        writer.write(10)
        late = Writer(agent.logs / "late.jsonl")
        late.n = writer.n
        late.write(10)
        agent.process.send_signal(signal.SIGCONT)
        wait_for(server, late.n)
        writer.n = late.n
        writer.write(10)
        wait_for(server, writer.n)
        said = [line for line in agent.stderr if "max_queued_events" in line]
        assert len(said) == 1 and f"sysctl=fs.inotify.max_queued_events value={most}" in said[0], agent.stderr
        end(agent, server, 1)
    finally:
        agent.process.kill()
