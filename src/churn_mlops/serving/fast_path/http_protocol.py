"""HTTP as it comes in over a connection, where uvicorn by itself would mislead a client.

Bytes that are no HTTP are answered 400 in the one shape, and never in the place of the answer to a request that came
before them on the same connection. A request may offer to go on in another protocol, as Java's client does with every
first one (``Upgrade: h2c``). It is answered as if it did not, with its body, and so are the requests after it.

Memory and waiting have limits: the head of a request has a size and a time, and there is a most number of connections
and of requests that are sent ahead of their answers.
"""

from __future__ import annotations

import resource
from asyncio import TimerHandle
from http import HTTPStatus
from typing import Any

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from churn_mlops.serving.http.errors import error_response
from churn_mlops.serving.http.security_headers import SECURITY_HEADER_LINES
from churn_mlops.serving.observability.request_identity import new_request_id

MOST_HEAD_BYTES = 65_536
"""A longer head of a request is answered 431."""
HEAD_SECONDS = 10.0
"""A connection on which no whole head comes for so long is closed."""
MOST_PIPELINED = 32
"""A client that sends more requests ahead of their answers is cut off."""
_SPARE_FILES = 100
log = structlog.get_logger("churn_mlops.serving")
_NO_HTTP = (400, "what came is no HTTP/1.1 request: the connection is closed")
_LONG_HEAD = (431, f"the head of a request must be at most {MOST_HEAD_BYTES:,} bytes: the connection is closed")
_NO_HOST = (400, "an HTTP/1.1 request has the header Host once: the connection is closed")
_TOO_MANY = (503, "too many connections are open: the connection is closed; try again in a few seconds")


def most_connections() -> int:
    """How many connections may be open, so that files, the store and the source can be opened still."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, most - _SPARE_FILES)


class WireProtocol(HttpToolsProtocol):
    """uvicorn's protocol, but for what is no HTTP, for offers of another protocol, and for what has no end."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._is_ending = False
        self._head_is_read = False
        self._head_bytes = self._longest_head = 0
        self._head_timer: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request; one connection too many is refused."""
        super().connection_made(transport)
        if len(self.connections) > most_connections():
            self._end(*_TOO_MANY)
        else:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._is_ending:
            return
        self._head_bytes += len(data)
        self._longest_head = self._head_bytes
        try:
            self._feed(data)
        except httptools.HttpParserError:
            self._is_ending = True
            log.warning("request_refused", reason=_NO_HTTP[1])
            self._refuse()
            return
        if self._head_is_read or self._is_ending:
            return
        if self._head_bytes > MOST_HEAD_BYTES:
            self._refuse_head(*_LONG_HEAD)
        elif self._head_bytes and self._head_timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._head_is_read = False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to answer, unless the head is none that is taken."""
        fault = self.head_fault()
        if fault is not None and not self._is_ending:
            self._refuse_head(*fault)
        self.begin_answer()

    def begin_answer(self) -> None:
        """Begin to answer, unless the connection is ending or the client is far ahead."""
        self._unset_keepalive_if_required()
        self.end_head()
        if len(self.pipeline) >= MOST_PIPELINED:
            self._is_ending = True
            self.transport.close()
        if not self._is_ending:
            super().on_headers_complete()

    def end_head(self) -> None:
        """Note that the head of the present request is there.

        A header after the body (a trailer) is ignored: a proxy looks at the head alone, so a trailer would bring in
        headers that the proxy removes from the head.
        """
        self._head_is_read, self._head_bytes, self.headers = True, 0, []
        self._stop_waiting()

    def head_fault(self) -> tuple[int, str] | None:
        """The refusal of the head that has just come whole; None if it is taken."""
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            return _NO_HOST  # RFC 9112, 3.2
        if self._longest_head > MOST_HEAD_BYTES:  # it came with other bytes, or is too long itself
            size = len(self.url) + sum(len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
            return _LONG_HEAD if size > MOST_HEAD_BYTES else None
        return None

    def end_message(self) -> None:
        """Note that the present request is there whole."""
        self._head_is_read, self._head_bytes = False, 0

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if not self._is_ending:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request; one that offers another protocol only seems to be over with its headers."""
        if not self.parser.should_upgrade() and not self._is_ending:
            self.end_message()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or close after the last one that was owed an answer."""
        if self._is_ending and not self.pipeline:
            self.transport.close()
        super().on_response_complete()
        if self.pipeline:  # uvicorn reads on, and would gather without end what is sent ahead
            self.flow.pause_reading()

    def _feed(self, data: bytes) -> None:
        while not self._is_ending:
            try:
                self.parser.feed_data(data)
                return
            except httptools.HttpParserUpgrade as offer:
                self._read_on()
                data = data[offer.args[0] :]

    def _wait_for_head(self) -> None:
        self._unset_keepalive_if_required()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._end_silent)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_silent(self) -> None:
        self._is_ending = True
        self.transport.close()

    def _end(self, status: int, error: str) -> None:
        self._is_ending = True
        self.transport.write(self._refusal(status, error))
        self.transport.close()

    def _refuse_head(self, status: int, error: str) -> None:
        """Answer with a refusal, unless that would be taken for the answer to a request before: then close after it."""
        log.warning("request_refused", reason=error)
        self._stop_waiting()
        if self.cycle is None or self.cycle.response_complete:
            self._end(status, error)
        self._is_ending = True

    def _should_upgrade(self) -> bool:
        """Never: there is no WebSocket here, whether or not a library for it is installed."""
        return False

    def _read_on(self) -> None:
        """Take a parser that stands in front of the body of the present request: the one before it reads no more."""
        framing = [
            b"%s: %s\r\n" % pair
            for pair in self.scope["headers"]
            if pair[0] in (b"content-length", b"transfer-encoding")
        ]
        self.parser = httptools.HttpRequestParser(_Rest(self))
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%s\r\n" % b"".join(framing))

    def _refuse(self) -> None:
        """Answer 400, unless that would be taken for the answer to another request: then close after that one."""
        waiting = self.cycle is not None and not self.cycle.response_complete
        if waiting and self.cycle.more_body and self.pipeline:
            self.pipeline.popleft()  # what is no HTTP is the body of the last one; those before it are answered
        elif not waiting or self.cycle.more_body:
            self.transport.write(self._refusal(*_NO_HTTP))
            self.transport.close()

    def _refusal(self, status: int, error: str) -> bytes:
        request_id = new_request_id()
        body = bytes(error_response(status, error, request_id).body)
        own = b"".join([b"%s: %s\r\n" % header for header in self.server_state.default_headers])
        framing = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body)
        return b"HTTP/1.1 %d %s\r\n%sx-request-id: %s\r\n%s%s\r\n%s" % (
            status,
            HTTPStatus(status).phrase.encode(),
            own,
            request_id.encode(),
            SECURITY_HEADER_LINES,
            framing,
            body,
        )


class _Rest:
    """Hands on what a parser finds, but for the head of the first request, which was read before."""

    def __init__(self, protocol: WireProtocol) -> None:
        self._protocol, self._is_past_the_head = protocol, False

    def on_message_begin(self) -> None:
        if self._is_past_the_head:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if self._is_past_the_head:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_past_the_head:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._is_past_the_head:
            self._protocol.on_headers_complete()
        self._is_past_the_head = True

    def on_body(self, body: bytes) -> None:
        self._protocol.on_body(body)

    def on_message_complete(self) -> None:
        self._protocol.on_message_complete()
