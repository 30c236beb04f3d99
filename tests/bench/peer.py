"""syslog-ng on the same work, where it is installed with its http module (Debian: syslog-ng-core, syslog-ng-mod-http): it
reads the log, parses each line as JSON, keeps the calls of a model, and posts them in batches of arrays."""
import shutil
import subprocess
import time

from bed import Failed, Sink, words_to_numbers

CONFIG = """@version: 3.35
options {{ log-fifo-size(100000); stats-freq(0); }};
source lines {{ file("{log}" flags(no-parse) follow-freq(1) log-iw-size(10000) log-fetch-limit(1000)); }};
filter completion {{ "${{.r.msg}}" eq "llm.completion" }};
destination events {{
  http(url("{address}/v1/events/track") method("POST") headers("Content-Type: application/json") workers(2)
       batch-lines(500) batch-bytes(900Kb) batch-timeout(1000) body-prefix("[") delimiter(",") body-suffix("]")
       body('{body}'));
}};
log {{ source(lines); parser {{ json-parser(prefix(".r.")); }}; filter(completion); destination(events); flags(flow-control); }};
"""
# One line: blanks between the fields are syslog-ng's, a newline would be a part of the template.
BODY = ("$(format-json event=chat_completion event_id=${.r.request_id} user_id=${.r.user.id} timestamp=${.r.time} "
        "ai_data.model=${.r.model} ai_data.input=${.r.prompt} ai_data.output=${.r.completion} ai_data.convo_id=${.r.session} "
        "properties.latency_ms=int64(${.r.latency_ms}))")


def installed():
    if not shutil.which("syslog-ng"):
        return False
    told = subprocess.run(["syslog-ng", "--version"], capture_output=True, text=True).stdout
    return "http" in told or "mod-http" in subprocess.run(["dpkg", "-l", "syslog-ng-mod-http"], capture_output=True, text=True).stdout


def syslog_ng(bed, log):
    """What it costs until all events have arrived; it is a service and does not end by itself."""
    directory = bed.path("syslog-ng")
    directory.mkdir()
    told = directory / "cost"
    with Sink(bed) as sink:
        (directory / "conf").write_text(CONFIG.format(log=log.path, address=sink.address, body=BODY))
        process = subprocess.Popen([bed.programs / "cost", told, "syslog-ng", "-F", "--no-caps", "-f", directory / "conf", "-R", directory / "persist",
                                    "-p", directory / "pid", "-c", directory / "ctl"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60 + log.bytes / 2e6
        while sink.ask()["marks"] < log.events and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        process.terminate()
        process.wait(60)
    n = words_to_numbers(told.read_text())
    if sink.counts["marks"] != log.events:
        raise Failed(f"syslog-ng: {sink.counts['marks']} events of {log.events} arrived")
    return n["cpu_us"] / 1e6
