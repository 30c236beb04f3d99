#!/usr/bin/env python3
"""real_library.py BINARY SCRIPT [--write]: the lines that a real library writes (real/SCRIPT, named after its preset) give
the calls in real/PRESET.expect, but for what differs from run to run. 77, skipped, where the library is not there."""
import json
import os
import pathlib
import subprocess
import sys

VARIES = ["event_id", "timestamp", "latency_ms", "ttft_ms", "trace_id"]


def without_what_varies(call):
    keep = {key: value for key, value in call.items() if key not in VARIES}
    if isinstance(keep.get("properties"), dict):
        keep["properties"] = without_what_varies(keep["properties"])
    return keep


def main():
    binary, script = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    preset = script.stem
    if script.suffix == ".mjs":
        written = subprocess.run(["node", str(script)], stdout=subprocess.PIPE)
    else:  # on its standard input, so that structlog.py is not what `import structlog` finds
        written = subprocess.run([sys.executable, "-"], input=script.read_bytes(), stdout=subprocess.PIPE)
    if written.returncode != 0:
        sys.exit(written.returncode)
    made = subprocess.run([binary, "map", "--all", "--preset", preset, "-"], input=written.stdout,
                          stdout=subprocess.PIPE, check=True)
    got = []
    for line in made.stdout.decode().splitlines():
        line = json.loads(line)
        if line.get("outcome") in ("invalid", "rejected"):
            sys.exit(f"{preset}: refused: {line}")
        if "call" in line:
            got.append({"endpoint": line["endpoint"], "call": without_what_varies(line["call"])})
    text = "".join(json.dumps(call, ensure_ascii=False) + "\n" for call in got)
    expect = script.with_suffix(".expect")
    if "--write" in sys.argv:
        expect.write_text(text)
    if expect.read_text() != text:
        sys.exit(f"{preset}: expected\n{expect.read_text()}\ngot\n{text}\nof\n{written.stdout.decode()}")


main()
