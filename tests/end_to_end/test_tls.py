"""HTTP/2 through nginx, client certificates, and certificates that are exchanged under the running agent."""
import shutil
import ssl
import subprocess

import pytest
from agent import Agent, line, wait_until
from server import Server

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


class Authority:
    """A certificate authority of its own, and what it signs."""

    def __init__(self, directory, name):
        self.dir, self.name = directory, name
        self.cert, self.key = directory / f"{name}.pem", directory / f"{name}.key"
        self.openssl("req", "-x509", *self.NEW_KEY, "-keyout", self.key, "-out", self.cert, "-subj", f"/CN={name}", "-days", "2")

    NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")

    @staticmethod
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)

    def sign(self, name):
        """(certificate, key) for 127.0.0.1."""
        cert, key, request, names = (self.dir / f"{self.name}-{name}{end}" for end in (".pem", ".key", ".csr", ".names"))
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
        self.openssl("req", *self.NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        self.openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", "2",
                     "-extfile", names, "-out", cert)
        return cert, key


def serve(chain, port=0, clients=None):
    """A server behind TLS that closes the connection after each answer; with `clients` it wants a certificate they signed."""
    server = Server(port)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*chain)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    server.answer = lambda r: (204, {"Connection": "close"}, "")
    return server


def ids(server):
    return [e["event_id"] for e in server.events()]


class Nginx:
    """HTTP/2 over TLS before a server."""

    def __init__(self, directory, chain, server):
        self.dir = directory / "nginx"
        self.dir.mkdir()
        probe = Server()
        self.port = probe.port
        probe.close()
        self.config = self.dir / "nginx.conf"
        self.config.write_text(f"""
daemon off;
worker_processes 1;
pid {self.dir}/pid;
error_log {self.dir}/error.log;
events {{}}
http {{
    log_format proto '$server_protocol $connection $status $request_uri';
    access_log {self.dir}/access.log proto;
    client_body_temp_path {self.dir}/body; proxy_temp_path {self.dir}/proxy; fastcgi_temp_path {self.dir}/f;
    uwsgi_temp_path {self.dir}/u; scgi_temp_path {self.dir}/s;
    client_max_body_size 2m;
    server {{
        listen 127.0.0.1:{self.port} ssl http2;
        ssl_certificate {chain[0]};
        ssl_certificate_key {chain[1]};
        location / {{ proxy_pass http://127.0.0.1:{server.port}; proxy_http_version 1.1; }}
    }}
}}
""")
        self.process = None

    def start(self):
        self.process = subprocess.Popen([NGINX, "-c", self.config, "-p", self.dir, "-e", self.dir / "error.log"], stderr=subprocess.DEVNULL)
        wait_until(lambda: (self.dir / "pid").exists() and (self.dir / "pid").read_text().strip(), what="nginx")
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def requests(self):
        return [row.split() for row in (self.dir / "access.log").read_text().splitlines()]


def test_http_2(tmp_path, server):
    """Requests go over HTTP/2, several at once over a connection; failures, a 429, too large bodies and a server that goes
    away and comes back lose nothing."""
    authority = Authority(tmp_path, "ca")
    nginx = Nginx(tmp_path, authority.sign("server"), server).start()
    agent = Agent(tmp_path, f"https://127.0.0.1:{nginx.port}/v1", upload="  concurrency: 4",
                  raindrop=f"  tls: {{ca_file: {authority.cert}}}\n  compression: gzip")
    server.script = [503, (429, {"Retry-After": "1"}, ""), 204, "reset"]
    agent.start()
    n = 400
    for i in range(n):
        agent.log(f"{i % 4}.jsonl", line(i, completion="x" * 20000))
        if i == n // 2:
            server.wait_for(lambda: len(server.events()) > n // 4, timeout=60)
            nginx.stop()
            agent.wait_said("a request failed")
            nginx.start()
    server.wait_for(lambda: len(set(ids(server))) == n, timeout=60)
    assert agent.stop() == 0
    nginx.stop()
    requests = nginx.requests()
    assert {protocol for protocol, *_ in requests} == {"HTTP/2.0"}
    assert len({connection for _, connection, *_ in requests}) < len(requests), "connections are used again"
    assert len({status for *_, status, _ in requests}) > 2
    assert all(r.headers.get("Content-Encoding") == "gzip" for r in server.requests)


def test_client_certificates(tmp_path):
    """A server that wants one: without it nothing is sent and nothing lost; with it calls arrive."""
    authority, clients = Authority(tmp_path, "ca"), Authority(tmp_path, "clients")
    server = serve(authority.sign("server"), clients=clients.cert)
    agent = Agent(tmp_path, f"https://127.0.0.1:{server.port}/v1", raindrop=f"  tls: {{ca_file: {authority.cert}}}")
    agent.log("a.jsonl", line(1))
    assert agent.once("--timeout", "1s") == 1
    assert server.requests == [] and agent.said("a request failed")
    cert, key = clients.sign("agent")
    agent.write_config(raindrop=f"  tls: {{ca_file: {authority.cert}, cert_file: {cert}, key_file: {key}}}")
    assert agent.once() == 0
    assert ids(server) == ["e1"]
    key.write_text("no key")
    agent.log("a.jsonl", line(2))
    assert agent.once("--timeout", "1s") == 1
    assert ids(server) == ["e1"]
    assert agent.said("a request failed") and not agent.said("no key")
    server.close()


def test_certificates_that_are_exchanged(tmp_path):
    """All of them at once, in the same files, as a certificate manager does: the agent goes on, without a reload."""
    old, new = Authority(tmp_path, "old"), Authority(tmp_path, "new")
    files = ca, cert, key = tmp_path / "trusted.pem", tmp_path / "agent.pem", tmp_path / "agent.key"

    def install(authority):
        for source, target in zip((authority.cert, *authority.sign("agent")), files):
            shutil.copy(source, tmp_path / "swap")
            (tmp_path / "swap").rename(target)

    install(old)
    first = serve(old.sign("server"), clients=old.cert)
    agent = Agent(tmp_path, f"https://127.0.0.1:{first.port}/v1", raindrop=f"  tls: {{ca_file: {ca}, cert_file: {cert}, key_file: {key}}}")
    agent.start()
    agent.log("a.jsonl", line(1))
    first.wait_for(lambda: ids(first) == ["e1"])
    first.close()
    second = serve(new.sign("server"), first.port, clients=new.cert)
    agent.log("a.jsonl", line(2))
    agent.wait_said("certificate")
    assert second.requests == []
    install(new)
    second.wait_for(lambda: ids(second) == ["e2"])
    assert agent.stop() == 0
    second.close()
