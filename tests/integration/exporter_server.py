"""An HTTP server in a thread that serves a page as dcgm-exporter does, or worse."""

import base64
import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class ExporterServer:
    """Serves `page` at /metrics; the other attributes say how. May be killed and begun again."""

    def __init__(self, page, tls=None):
        self.page = page
        self.status = 200
        self.headers = {}
        self.chunked = False
        self.hang = threading.Event()  # set: a request gets no answer
        self.trickle = False
        self.lie_bytes = 0  # how much more is promised than sent
        self.close_after = False
        self.credentials = None
        self.tls = tls  # a context of the server's side
        self.requests = 0
        self.connections = 0
        self.port = 0
        self.begin()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"http://{self.address}/metrics"

    def begin(self):
        """Listen, on the same port as before."""
        self._server = _Server(("127.0.0.1", self.port), _Handler, self)
        self.port = self._server.server_port
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def kill(self):
        """Listen no more and drop every connection."""
        self._server.shutdown()
        self._server.server_close()
        self._server.drop_connections()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address, handler, exporter):
        self.exporter = exporter
        self._open = set()
        super().__init__(address, handler)

    def process_request(self, request, client_address):
        self._open.add(request)
        super().process_request(request, client_address)

    def drop_connections(self):
        for request in self._open:
            self.shutdown_request(request)

    def handle_error(self, request, client_address):
        """Clients that hang up are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self):
        self.exporter = self.server.exporter
        self.exporter.connections += 1
        super().setup()

    def do_GET(self):
        self.exporter.requests += 1
        if self.exporter.hang.is_set():
            return self.connection.settimeout(20) or self.connection.recv(1)
        if self.exporter.credentials and not self._is_allowed():
            return self._answer(401, b"")
        if self.path != "/metrics":
            return self._answer(404, b"")
        return self._answer(self.exporter.status, self.exporter.page.encode())

    def _is_allowed(self):
        expected = base64.b64encode(self.exporter.credentials.encode()).decode()
        return self.headers.get("Authorization") == f"Basic {expected}"

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        for name, value in self.exporter.headers.items():
            self.send_header(name, value)
        if "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        if self.exporter.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(body) + self.exporter.lie_bytes))
        self.end_headers()
        self._send(body)
        self.close_connection = self.close_connection or self.exporter.close_after

    def _send(self, body):
        step = 1 if self.exporter.trickle else 1000
        for at in range(0, len(body), step):
            piece = body[at : at + step]
            if self.exporter.chunked:
                piece = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
            self.wfile.write(piece)
            if self.exporter.trickle:
                time.sleep(0.02)
        if self.exporter.chunked:
            self.wfile.write(b"0\r\n\r\n")
        if self.exporter.lie_bytes:
            self.close_connection = True

    def log_message(self, *arguments):
        pass
