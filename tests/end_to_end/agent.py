"""Runs the binary under test in a directory of its own."""
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("RAINGAUGE_BINARY", str(SOURCE / "build" / "raingauge"))
KEY = "rk_test_5f2c9e"

RULES = """
rules:
  - name: completion
    when: {$.msg: llm.completion}
    event:
      event: chat_completion
      event_id: $.id
      user_id: $.user
      timestamp: $.time
      ai_data: {input: $.prompt, output: $.completion, model: $.model}
      properties: {n: $.n}
  - name: feedback
    when: {$.msg: feedback}
    signal: {event_id: $.id, signal_name: "thumbs_{{ $.rating }}", sentiment: $.sentiment}
  - name: login
    when: {$.msg: login}
    identify: {user_id: $.user, traits: {plan: $.plan}}
  - name: health
    when: {$.msg: health}
    drop: true
"""


def line(n, **more):
    record = {"msg": "llm.completion", "id": f"e{n}", "user": f"u{n % 7}", "prompt": f"question {n}", "completion": f"answer {n}", "n": n}
    record.update(more)
    return json.dumps(record) + "\n"


def wait_until(condition, timeout=20, what="condition"):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout} s"
        time.sleep(0.01)


class Agent:
    """A configuration, a directory of logs, and the processes started on them."""

    def __init__(self, directory, url, upload="", inputs="", rules=RULES, more="", raindrop=""):
        self.dir = pathlib.Path(directory)
        self.logs = self.dir / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.state = self.dir / "state"
        self.config = self.dir / "raingauge.yaml"
        self.url = url
        self.process = None
        self.stderr = []
        self.write_config(upload, inputs, rules, more, raindrop)

    def write_config(self, upload="", inputs="", rules=RULES, more="", raindrop=""):
        self.config.write_text(f"""
raindrop:
  url: {self.url}
  timeout: 5s
{raindrop}
state_dir: {self.state}
inputs:
  - name: chat
    paths: ["{self.logs}/*.jsonl"]
    rescan: 200ms
{inputs}
{rules}
upload:
  batch: {{max_age: 20ms}}
  retry: {{initial: 20ms, max: 200ms}}
{upload}
checkpoint: {{interval: 50ms}}
{more}
""")

    def log(self, name, text, mode="a"):
        with open(self.logs / name, mode + ("b" if isinstance(text, bytes) else ""), **({} if isinstance(text, bytes) else {"newline": ""})) as f:
            f.write(text)

    def command(self, *args, environment=None, **options):
        env = {**os.environ, "RAINDROP_WRITE_KEY": KEY, "NO_COLOR": "1", **(environment or {})}
        return subprocess.Popen([BINARY, *map(str, args)], env=env, stderr=subprocess.PIPE, text=True, **options)

    def start(self, *args, **options):
        self.process = self.command("run", "-c", self.config, *args, **options)
        self.stderr = []
        process, lines = self.process, self.stderr

        def pump():
            for text in process.stderr:
                lines.append(text.rstrip("\n"))

        self._pump = threading.Thread(target=pump, daemon=True)
        self._pump.start()
        return self

    def stop(self, sig=signal.SIGTERM, timeout=30):
        self.process.send_signal(sig)
        return self.wait(timeout)

    def wait(self, timeout=60):
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("the agent does not end; its log:\n" + "\n".join(self.stderr))
        self._pump.join(5)
        self.process.stderr.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self._pump.join(5)
        self.process.stderr.close()

    def once(self, *args, timeout=60, **options):
        self.start("--once", *args, **options)
        return self.wait(timeout)

    def said(self, part):
        return any(part in text for text in self.stderr)

    def wait_said(self, part, timeout=20):
        wait_until(lambda: self.said(part), timeout, f"'{part}' in the log")


def get(agent, path, method="GET"):
    """Status and text of a request over the agent's unix socket."""
    connection = http.client.HTTPConnection("localhost", timeout=10)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(agent.state / "admin.sock"))
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def metric(text, name):
    """The sum of a metric's series whose labels contain what stands in the braces of `name`."""
    base, _, labels = name.partition("{")
    wanted = re.findall(r'\w+="[^"]*"', labels)
    found = 0.0
    for row in text.splitlines():
        series, _, value = row.rpartition(" ")
        if series.split("{")[0] == base and all(w in series for w in wanted):
            found += float(value)
    return found
