"""A scripted stand-in for Raindrop's server: every request is kept, every answer is chosen by the test.

    with Server() as server:
        server.script = [429, 500]                       # answers of the first requests; then 204
        server.answer = lambda request: 204 …            # or a function of the request
        … server.wait_for(lambda: len(server.events()) == 3)

An answer is a status, or (status, headers, body), or one of the words below.
"""
import gzip
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RESET, HANG, GARBAGE, HALF = "reset", "hang", "garbage", "half"  # instead of a status


class Request:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.raw = path, headers, body
        self.at = time.monotonic()
        self.status = None
        plain = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        value = json.loads(plain)
        self.calls = value if isinstance(value, list) else [value]
        self.endpoint = path.split("/v1/", 1)[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        server = self.server.owner
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.path, self.headers, body)
        answer = server._choose(request)
        if callable(answer):
            answer = answer(request)
        if answer == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
            self.close_connection = True
            return
        if answer == HANG:
            server._released.wait()
            self.close_connection = True
            return
        if answer == GARBAGE:
            self.connection.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
            self.close_connection = True
            return
        if answer == HALF:
            self.connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 100\r\n\r\nhalf")
            self.close_connection = True
            return
        status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, "")
        request.status = status
        with server._lock:
            server._taken(request)
        data = text.encode() if isinstance(text, str) else text
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if status != 204:
            self.wfile.write(data)

    def log_message(self, *_):
        pass


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a client that was killed


class Server:
    def __init__(self, port=0):
        self.requests = []  # every request, in the order they came
        self.delivered = []  # (endpoint, call) of those answered 2xx, in that order
        self.script = []
        self.answer = None
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._released = threading.Event()
        self._http = _Http(("127.0.0.1", port), _Handler)
        self._http.owner = self
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._released.set()
        self._http.shutdown()
        self._http.server_close()

    def release(self):
        """Ends the requests that hang."""
        self._released.set()
        self._released = threading.Event()

    def _choose(self, request):
        with self._lock:
            self.requests.append(request)
            self._changed.notify_all()
            if self.script:
                return self.script.pop(0)
        if self.answer:
            return self.answer(request)
        return 204

    def _taken(self, request):
        if 200 <= request.status < 300:
            self.delivered += [(request.endpoint, call) for call in request.calls]
        self._changed.notify_all()

    def calls(self, endpoint=None):
        with self._lock:
            return [call for at, call in self.delivered if endpoint in (None, at)]

    def events(self):
        return self.calls("events/track")

    def signals(self):
        return self.calls("signals/track")

    def identifies(self):
        return self.calls("users/identify")

    def wait_for(self, condition, timeout=20):
        """Until the condition holds; looked at after every request. Fails the test when it does not come."""
        deadline = time.monotonic() + timeout
        with self._lock:
            while not condition():
                left = deadline - time.monotonic()
                assert left > 0, f"did not come within {timeout} s: {len(self.delivered)} calls delivered"
                self._changed.wait(min(left, 0.1))
