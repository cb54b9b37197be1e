"""HTTP as it comes in over a connection, where uvicorn by itself would mislead a client.

What is no HTTP is answered 400 in the one shape, and never in the place of the answer to a request that came before it
on the same connection. A request that offers to go on in another protocol, as Java's client does with every first one
(``Upgrade: h2c``), is answered as if it did not: with its body, and with what comes after it on the connection.
"""

from __future__ import annotations

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from churn_mlops.serving.errors import error_response
from churn_mlops.serving.observing import new_request_id
from churn_mlops.serving.strict_headers import STRICT_LINES

_NO_HTTP = "what came is no HTTP/1.1 request: the connection is closed"


class WireProtocol(HttpToolsProtocol):
    """uvicorn's protocol, but for what is no HTTP and for offers of another protocol."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._is_ending = False

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._is_ending:
            return
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._read_on()
            self.data_received(data[offer.args[0] :])
        except httptools.HttpParserError:
            self._is_ending = True
            self.logger.warning(_NO_HTTP)
            self._refuse()

    def on_message_complete(self) -> None:
        """End a request; one that offers another protocol only seems to be over with its headers."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request, or close after the last one that was owed an answer."""
        if self._is_ending and not self.pipeline:
            self.transport.close()
        super().on_response_complete()

    def _should_upgrade(self) -> bool:
        """Never: there is no WebSocket here, whether or not a library for it is installed."""
        return False

    def _read_on(self) -> None:
        """Take a parser that stands in front of the body of the present request: the one before it reads no more."""
        framing = [
            b"%s: %s\r\n" % pair for pair in self.headers if pair[0] in (b"content-length", b"transfer-encoding")
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
            self.transport.write(self._refusal())
            self.transport.close()

    def _refusal(self) -> bytes:
        request_id = new_request_id()
        body = bytes(error_response(400, _NO_HTTP, request_id).body)
        own = b"".join([b"%s: %s\r\n" % header for header in self.server_state.default_headers])
        told = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n" % len(body)
        return b"HTTP/1.1 400 Bad Request\r\n%sx-request-id: %s\r\n%s%s\r\n%s" % (
            own,
            request_id.encode(),
            STRICT_LINES,
            told,
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
