"""A system that lists are sent to: a real HTTP server that answers as configured, and keeps what came."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Answer:
    """How a request is answered.

    One of ``status`` 0 by hanging up; one that is held not in time; one that drips byte by byte, without an end, so
    that no wait for the next byte is long.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    held: bool = False
    drips: bool = False


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Receiver:
    """Answers in turn as configured, and then 200."""

    def __init__(self, port: int, release: threading.Event) -> None:
        self.port = port
        self.release = release
        self.answers: list[Answer] = []
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook/t0ken"

    def accepted(self) -> list[Request]:
        """The requests that were answered 200, each page once, as a receiver that knows Idempotency-Key has them."""
        return list({request.headers["Idempotency-Key"]: request for request in self.requests}.values())


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""

    def drip(out: BinaryIO) -> None:
        with suppress(OSError):  # the other side has had enough
            out.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not receiver.release.wait(0.05):
                out.write(b"x")
                out.flush()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append(Request(self.path, dict(self.headers), body))
            answer = receiver.answers.pop(0) if receiver.answers else Answer()
            if answer.held:
                receiver.release.wait(20)
            if answer.drips:
                drip(self.wfile)
            if answer.held or answer.drips or answer.status == 0:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port, threading.Event())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.release.set()
        server.shutdown()
        server.server_close()
        thread.join()
