"""Blocks of a large file are read ahead on several cores: what is delivered is what one core delivers."""
import json
import os
import random

import pytest

from agent import Agent, line

FEW_CALLS = """
rules:
  - name: every-seventh
    when: {$.user: u3}
    event: {event: e, event_id: $.id, user_id: $.user}
"""
EVERY_CALL = """
rules:
  - name: all
    event: {event: e, user_id: u, ai_data: {input: $.prompt}, properties: {n: $.n, offset: $meta.offset}}
"""


def cri(text, rnd):
    """A line as a runtime writes it, now and then in parts, so that a record goes on over a block's end."""
    parts = [text.rstrip("\n")]
    while rnd.random() < 0.3:
        whole = parts.pop()
        at = rnd.randrange(len(whole) + 1)
        parts += [whole[:at], whole[at:]]
    stamp = "2026-01-02T03:04:05.123456789Z stdout"
    return "".join(f"{stamp} {'F' if i == len(parts) - 1 else 'P'} {part}\n" for i, part in enumerate(parts))


def lines(size, rnd, lengths):
    n = written = 0
    while written < size:
        text = line(n, prompt="q" * rnd.choice(lengths))
        written += len(text)
        n += 1
        yield text if rnd.random() > 0.001 else "no JSON\n"


LOGS = {
    "lines": dict(lengths=(10, 300, 2000)),
    "few calls": dict(lengths=(10, 300, 2000), rules=FEW_CALLS),
    "long lines": dict(lengths=(10, 3000, 200_000, 600_000), max_line="    max_line_bytes: 500KiB"),
    "parts": dict(lengths=(10, 300, 2000), cri=True),
}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one core only")
@pytest.mark.parametrize("name", LOGS)
def test_one_core_and_several_give_the_same(tmp_path, server, name):
    """The same calls with the same ids and offsets in the same order; also where every block's end is another one."""
    log, rnd = LOGS[name], random.Random(7)
    texts = list(lines(6 << 20, rnd, log["lengths"]))
    if log.get("cri"):
        texts = [cri(text, rnd) for text in texts]
    inputs = ("    envelope: cri\n" if log.get("cri") else "") + log.get("max_line", "")
    agent = Agent(tmp_path, server.url, rules=log.get("rules", EVERY_CALL), inputs=inputs, upload="  concurrency: 1")
    agent.log("a.jsonl", "".join(texts))
    delivered, said = [], []
    for cores in ({min(os.sched_getaffinity(0))}, os.sched_getaffinity(0)):
        assert agent.once(preexec_fn=lambda cores=cores: os.sched_setaffinity(0, cores)) == 0
        delivered.append([json.dumps(call) for _, call in server.delivered])
        said.append([word for word in agent.stderr[-1].split() if word.split("=")[0] in ("read", "delivered", "unmatched", "invalid", "oversized")])
        server.delivered.clear()
        for path in agent.state.glob("checkpoint*"):
            path.unlink()
    assert len(delivered[0]) > 10
    assert delivered[0] == delivered[1]
    assert said[0] == said[1] and len(said[0]) > 1
