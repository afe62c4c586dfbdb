"""Servers on loopback that do what servers should not: answer late, in part, wrongly, or with what was not asked for."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Handler", "Proxy", "send", "serve", "serve_bytes"]

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """A request, with what a test needs to answer it."""

    protocol_version = "HTTP/1.1"
    answer: Answer
    asked: list[tuple[str, dict[str, str]]]

    def do_GET(self) -> None:
        self.asked.append((self.path, dict(self.headers.items())))
        try:
            type(self).answer(self)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


def send(handler: Handler, body: bytes, status: int = 200, **headers: str) -> None:
    """Answers with a body of the right length; ``_`` in the names of headers stands for ``-``."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def serve(answer: Answer) -> Iterator[tuple[str, list[tuple[str, dict[str, str]]]]]:
    """Serves on loopback; gives the address and the list of (path, headers) of all that is asked."""
    asked: list[tuple[str, dict[str, str]]] = []

    class Bound(Handler):
        pass

    Bound.answer, Bound.asked = answer, asked
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def serve_bytes(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serves what no library would send: a function gets each connection after its request was read."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                self.request.recv(65536)
                talk(self.request)
            except OSError:
                pass

    class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Connection) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Proxy:
    """Stands in front of an S3 server and spoils what it is told to.

    Attributes:
        fault: gets (method, path, how often it was asked before) of a request and names what goes wrong with it: ``"503"`` or
            another status, with a code of S3 where one follows (``"403 ExpiredToken"``), ``"cut"`` (half of the body comes, then the connection ends), ``"reset"`` (no answer),
            ``"etag"`` (another ETag at each answer), ``"late"`` (carried out, but answered 500); ``""``: nothing.
        asked: (method, path) of all requests.
    """

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target).netloc
        self.fault: Callable[[str, str, int], str] = lambda method, path, before: ""
        self.asked: list[tuple[str, str]] = []
        proxy = self

        class Relay(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def relay(self) -> None:
                proxy._relay(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = relay

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Relay)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        self.uri = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _relay(self, request: Any) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length)
        before = self.asked.count((request.command, request.path))
        self.asked.append((request.command, request.path))
        fault = self.fault(request.command, request.path, before)
        request.close_connection = True
        if fault == "reset":
            return
        fault, _, named = fault.partition(" ")
        if fault.isdigit():
            code = named or {"503": "SlowDown", "507": "InsufficientStorage", "403": "AccessDenied"}.get(
                fault, "InternalError"
            )
            error = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
            self._answer(request, int(fault), {"Content-Type": "application/xml"}, error, cut=False)
            return
        connection = HTTPConnection(self.target, timeout=20)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
        connection.request(request.command, request.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = {
            n: v
            for n, v in answer.getheaders()
            if n.lower() not in ("connection", "transfer-encoding", "date", "server")
        }
        if fault == "etag":
            kept = {n: v for n, v in kept.items() if n.lower() != "etag"} | {"ETag": f'"{time.monotonic_ns():032x}"'}
        status = 500 if fault == "late" else answer.status
        if fault == "late":
            kept, content = {}, b"<Error><Code>InternalError</Code></Error>"
        self._answer(request, status, kept, content, cut=fault == "cut")

    def _answer(self, request: Any, status: int, headers: dict[str, str], body: bytes, *, cut: bool) -> None:
        request.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length":
                request.send_header(name, value)
        length = headers.get("Content-Length") or headers.get("content-length") or str(len(body))
        request.send_header("Content-Length", length)
        request.send_header("Connection", "close")
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body[: len(body) // 2] if cut else body)
