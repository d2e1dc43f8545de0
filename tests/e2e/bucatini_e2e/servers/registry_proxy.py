"""What stands in front of the registry: basic authentication, a log of requests, and faults on command.

At its root it serves the registry's Confluent API, as the registry of the story does; addresses below `/apis/` go
through unchanged. It runs in this process, so that a test can ask it what was requested and tell it what to break.
"""

import base64
import contextlib
import hmac
import http.client
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .registry import Registry
from .workspace import Workspace

_HOP_HEADERS = {
    "connection",
    "content-length",
    "date",
    "host",
    "http2-settings",
    "keep-alive",
    "server",
    "transfer-encoding",
    "upgrade",
}


@dataclass(frozen=True)
class Request:
    """One request as it came in. `status` is what was answered; 0 means that no answer was sent."""

    method: str
    path: str
    status: int
    authorized: bool
    at: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Fault:
    """Something to answer in place of the registry."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    stall_seconds: float = 0.0

    @staticmethod
    def stall(seconds: float) -> "Fault":
        return Fault(stall_seconds=seconds)

    @staticmethod
    def answer(status: int) -> "Fault":
        body = b'{"error_code": %d, "message": "fault injected by the test"}' % status
        return Fault(status, (("Content-Type", "application/vnd.schemaregistry.v1+json"),), body)

    @staticmethod
    def throttle(seconds: int) -> "Fault":
        return Fault(429, (("Retry-After", str(seconds)), ("Content-Type", "application/json")), b"{}")

    @staticmethod
    def html() -> "Fault":
        return Fault(200, (("Content-Type", "text/html"),), b"<html><body>It works!</body></html>")

    @staticmethod
    def huge(megabytes: int) -> "Fault":
        return Fault(200, (("Content-Type", "application/json"),), b'{"schema": "' + b"x" * (megabytes << 20) + b'"}')

    @staticmethod
    def redirect(address: str) -> "Fault":
        return Fault(302, (("Location", address),))


class RegistryProxy:
    """A context manager. `take_down()` and `bring_up()` close and open its port; `fault` replaces its answers."""

    user = "pasta-registry"
    password = "al-dente"

    def __init__(self, workspace: Workspace, registry: Registry) -> None:
        self.port = workspace.free_port()
        self.log = workspace.logs / "registry-proxy.log"
        self.fault: Fault | None = None
        self._registry = registry
        self._requests: list[Request] = []
        self._lock = threading.Lock()
        self._server: _HttpServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def user_info(self) -> str:
        return f"{self.user}:{self.password}"

    def __enter__(self) -> "RegistryProxy":
        self.bring_up()
        return self

    def __exit__(self, *_: object) -> None:
        self.take_down()

    def bring_up(self) -> None:
        if self._server is None:
            self._server = _HttpServer(("127.0.0.1", self.port), _Handler)
            self._server.proxy = self
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def take_down(self) -> None:
        """Refuse connections and cut those that are open, as a registry that died would."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut_connections()
            self._server = None

    @contextlib.contextmanager
    def failing(self, fault: Fault):
        """Answer every request with this fault for the length of a `with` block."""
        self.fault = fault
        try:
            yield
        finally:
            self.fault = None

    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def forget_requests(self) -> None:
        with self._lock:
            self._requests.clear()

    def accepts(self, authorization: str | None) -> bool:
        expected = "Basic " + base64.b64encode(self.user_info.encode()).decode()
        return hmac.compare_digest(authorization or "", expected)

    def record(self, method: str, path: str, status: int, authorized: bool) -> None:
        request = Request(method, path, status, authorized)
        with self._lock, self.log.open("a") as log:
            self._requests.append(request)
            log.write(f"{time.strftime('%H:%M:%S')} {method} {path} {status} authorized={authorized}\n")

    def forward(self, method: str, path: str, headers: dict[str, str], body: bytes | None):
        """Pass a request on to the registry; returns status, headers and body of its answer."""
        target = path if path.startswith("/apis/") else Registry.confluent_api + path
        connection = http.client.HTTPConnection("127.0.0.1", self._registry.port, timeout=30)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: RegistryProxy

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self._open: set = set()

    def process_request(self, request, client_address) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def cut_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(2)

    def handle_error(self, request, client_address) -> None:
        """A client that goes away in the middle is part of the tests, not worth a traceback."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HttpServer

    def log_message(self, format: str, *args: object) -> None:
        """The proxy keeps its own log."""

    def _handle(self) -> None:
        proxy = self.server.proxy
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        authorized = proxy.accepts(self.headers.get("Authorization"))
        fault = proxy.fault
        if fault is not None and fault.stall_seconds:
            proxy.record(self.command, self.path, 0, authorized)
            time.sleep(fault.stall_seconds)
            self.close_connection = True
            return
        if fault is not None:
            status, headers, content = fault.status, fault.headers, fault.body
        elif not authorized:
            status, headers = (
                401,
                (("WWW-Authenticate", 'Basic realm="registry"'), ("Content-Type", "application/json")),
            )
            content = b'{"error_code": 401, "message": "Unauthorized"}'
        else:
            passed = {
                key: value for key, value in self.headers.items() if key.lower() not in _HOP_HEADERS | {"authorization"}
            }
            try:
                status, headers, content = proxy.forward(self.command, self.path, passed, body)
            except OSError:  # the registry is down: what a gateway answers then
                status, headers, content = 502, (("Content-Type", "text/html"),), b"<html>Bad Gateway</html>"
        proxy.record(self.command, self.path, status, authorized)
        self.send_response(status)
        for key, value in headers:
            if key.lower() not in _HOP_HEADERS:
                self.send_header(key, value)
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _handle  # names given by http.server
