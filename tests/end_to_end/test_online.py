"""check --online: whether the server takes each key and project, without an event being sent."""
import json
import os
import socket
import subprocess

import pytest
from agent import BINARY, KEY, Agent
from server import Server
from test_receive import receive  # noqa: F401, a fixture

ENVIRONMENT = {**os.environ, "RAINDROP_WRITE_KEY": KEY, "NO_COLOR": "1"}
OTHER = "rk_of_team_a_8d1"


def check(agent, *arguments, **environment):
    env = {name: value for name, value in {**ENVIRONMENT, **environment}.items() if value is not None}
    done = subprocess.run([BINARY, "check", "--online", "-c", agent.config, *arguments], env=env, capture_output=True, text=True, timeout=60)
    assert KEY not in done.stdout + done.stderr and OTHER not in done.stdout + done.stderr
    return done.returncode, done.stdout.splitlines()[1:], done.stderr


def test_every_destination_and_project(agent, server):
    """A line for each destination and each project that a literal names for it; what is sent holds no event."""
    (agent.dir / "team-a").write_text(OTHER + "\n")
    agent.write_config(raindrop="  project_id: support", more=f"""
destinations:
  team-a: {{write_key_file: team-a, project_id: team-a-prod}}
  team-b: {{project_id: $.project}}
""", rules="""
rules:
  - {name: a, when: {$.a: 1}, to: team-a, project_id: team-a-test, event: {event: e, user_id: u, event_id: x, ai_data: {input: i}}}
  - {name: b, when: {$.b: 1}, project_id: other, event: {event: e, user_id: u, event_id: x, ai_data: {input: i}}}
  - {name: c, when: {$.c: 1}, to: team-b, project_id: "{{ $.p }}", drop: true}
""")
    code, said, stderr = check(agent)
    assert code == 0, stderr
    assert sorted(said) == sorted(["raindrop, project support: taken", "raindrop, project other: taken", "team-a, project team-a-prod: taken",
                                   "team-a, project team-a-test: taken", "team-b: taken", "projects that an expression names are not asked about"])
    assert server.events() == [] and len(server.requests) == 5
    assert all(r.raw == b"[]" and r.path == "/v1/events/track" for r in server.requests)
    asked = {(r.headers["Authorization"], r.headers["X-Raindrop-Project-Id"]) for r in server.requests}
    assert (f"Bearer {OTHER}", "team-a-test") in asked and (f"Bearer {KEY}", "other") in asked and (f"Bearer {KEY}", None) in asked


@pytest.mark.parametrize("status, words", [(401, "the write key is refused (status 401)"), (403, "the write key may not send (status 403)"),
                                           (404, "there is no such API at this url (status 404)"), (503, "the server cannot do it now (status 503)"),
                                           (302, "the url redirects"), (418, "it is refused (status 418)")])
def test_refused(agent, server, status, words):
    """Each answer has its words; the answer's own are not shown."""
    server.answer = lambda r: (status, {"Location": "/elsewhere"}, f"key {KEY} is bad")
    code, said, _ = check(agent)
    assert code == 1 and said == [said[0]] and said[0].startswith("raindrop: not taken: ") and words in said[0]


def test_one_of_two(agent, server):
    """The one that is refused is named, the others are still asked."""
    agent.write_config(more="destinations: {team-a: {project_id: archived}, team-b: {write_key: bad}}")
    server.answer = lambda r: 403 if r.headers["X-Raindrop-Project-Id"] else 401 if r.headers["Authorization"] == "Bearer bad" else 204
    code, said, _ = check(agent)
    assert code == 1 and said[0] == "raindrop: taken"
    assert said[1].startswith("team-a, project archived: not taken: the project is refused") and "403" in said[1]
    assert said[2] == "team-b: not taken: the write key is refused (status 401)"


def test_nobody_there(tmp_path):
    """A server that cannot be reached: the reason, and 1; a name that is none, and a key file that is not there, likewise."""
    dead = Server()
    dead.close()
    code, said, _ = check(Agent(tmp_path, dead.url))
    assert code == 1 and "raindrop: not taken: the server cannot be asked: Couldn't connect" in said[0]
    code, said, _ = check(Agent(tmp_path, "https://raindrop.invalid/v1"))
    assert code == 1 and "Couldn't resolve host name" in said[0]
    code, said, _ = check(Agent(tmp_path, dead.url, raindrop="  write_key_file: nowhere"))
    assert code == 1 and "nowhere" in said[0] and "No such file" in said[0]


def test_a_server_that_hangs(agent):
    """The time that a request may take holds here, too."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        agent.config.write_text(agent.config.read_text().replace(agent.url, f"http://127.0.0.1:{silent.getsockname()[1]}/v1").replace("timeout: 5s", "timeout: 300ms"))
        code, said, _ = check(agent)
    assert code == 1 and "Timeout was reached" in said[0]


def test_configuration_first(agent, server):
    """A variable that is not set, or another mistake, is an error before anybody is asked."""
    code, _, stderr = check(agent, RAINDROP_WRITE_KEY=None)
    assert code == 2 and "RAINDROP_WRITE_KEY" in stderr and "error" in stderr
    agent.write_config(more="nonsense: 1")
    assert check(agent)[0] == 2
    assert server.requests == []


def test_against_receive(tmp_path, receive):  # noqa: F811
    """The stand-in answers it by its --key, and keeps nothing of it."""
    stand_in = receive("--key", KEY)
    agent = Agent(tmp_path, f"http://127.0.0.1:{stand_in.port}/v1", raindrop="  project_id: support")
    assert check(agent)[:2] == (0, ["raindrop, project support: taken"])
    code, said, _ = check(agent, RAINDROP_WRITE_KEY="wrong")
    assert code == 1 and "the write key is refused (status 401)" in said[0]
    assert stand_in.kept() == []
