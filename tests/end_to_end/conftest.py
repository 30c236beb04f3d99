import pytest

from agent import Agent
from server import Server


@pytest.fixture
def server():
    with Server() as s:
        yield s


@pytest.fixture
def agent(tmp_path, server):
    """An agent that is not started yet, over an empty directory of logs."""
    a = Agent(tmp_path, server.url)
    yield a
    if a.process and a.process.poll() is None:
        a.kill()
    text = "\n".join(a.stderr)
    from agent import KEY
    assert KEY not in text, "the write key is in the log"
    assert "AddressSanitizer" not in text and "runtime error" not in text and "LeakSanitizer" not in text, text
