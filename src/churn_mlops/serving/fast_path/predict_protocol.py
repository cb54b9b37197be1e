"""The fast path of ``/predict``: a request that came whole, of a known principal, is answered as its bytes come in.

Between the socket and a route stand a task, a scope, middleware and messages, which together take several times as
long as the answer. A plain prediction needs none of them, because it waits for nothing. So it is made where the
bytes come in. Any other request takes the standard path, which has a message for every case: a principal that is
not known yet, a body that is still coming, a request that has to be refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope

from churn_mlops.serving.access.authentication import Authenticator
from churn_mlops.serving.access.permissions import rule_of
from churn_mlops.serving.access.principal import LOCAL, Principal
from churn_mlops.serving.fast_path.http_protocol import WireProtocol
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.request_limits import check_hosts
from churn_mlops.serving.http.security_headers import SECURITY_HEADER_LINES
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.request_identity import identified
from churn_mlops.serving.observability.request_log import RequestLog
from churn_mlops.serving.prediction.service import Answer, Asked

PATH = "/predict"
_TARGET = b"/predict"
_RULE = rule_of("POST", PATH)
_FIXED = SECURITY_HEADER_LINES + b"content-type: application/json\r\n"
Predict = Callable[[bytes, Asked], Answer]
"""Predicts for the customer in a body."""


class FastPath:
    """Answers plain predictions.

    Args:
        predict: predicts; raises the refusal of a request.
        authenticator: decides which requests are let in; None lets all in.
        request_log: logs and counts requests.
        source: says when the server is draining: then all take the standard path.
        max_body_bytes: larger bodies take the standard path.
        local_only: without ``authenticator``, only requests to this machine's own name are answered here.
    """

    def __init__(
        self,
        predict: Predict,
        authenticator: Authenticator | None,
        request_log: RequestLog,
        source: ModelSlot,
        max_body_bytes: int,
        local_only: bool,
    ) -> None:
        self._predict, self._authenticator = predict, authenticator
        self._request_log, self._source = request_log, source
        self._max_body_bytes, self._local_only = max_body_bytes, local_only

    def answer(self, scope: Scope, body: bytes) -> bytes | None:
        """The answer as it goes over the wire, but for the status line and the server's own headers.

        None where the request has to take the standard path.
        """
        started = time.perf_counter()
        if len(body) > self._max_body_bytes or self._source.draining:
            return None
        scope["path"] = PATH
        principal = self._principal(scope)
        if principal is None:
            return None
        id, trace = identified(scope["headers"], is_sampled=self._request_log.is_recording)
        try:
            answer, headers = self._predict(body, Asked(id, principal.name, trace.trace_id))
        except Exception:  # the standard path handles it again, and has a message for it
            if self._authenticator is not None:
                self._authenticator.give_back(principal)
            return None
        lines = b"".join([b"%s: %s\r\n" % header for header in headers])
        self._request_log.note("POST", PATH, 200, time.perf_counter() - started, trace, principal.name)
        own = f"x-request-id: {trace.request_id}\r\ntraceparent: {trace.traceparent}\r\n"
        return lines + _FIXED + f"{own}content-length: {len(answer)}\r\n\r\n".encode() + answer

    def _principal(self, scope: Scope) -> Principal | None:
        if self._authenticator is not None:
            return self._authenticator.admit_known(scope, _RULE)
        if self._local_only:
            try:
                check_hosts(scope)
            except RequestError:
                return None
        return LOCAL


class FastPathProtocol(WireProtocol):
    """The protocol of the connection, but for requests that the fast path answers.

    Such a request is held back until its body is there. If the body did not come together with the headers, the request
    takes the standard path, with its limits of time.
    """

    def __init__(self, fast_path: FastPath, **given: Any) -> None:
        super().__init__(**given)
        self._fast_path = fast_path
        self._held: list[bytes] | None = None
        self._answered_at = -float("inf")
        self._own_of: Any = None
        self._own = b""

    def data_received(self, data: bytes) -> None:
        """Take the bytes that came; a request that is still held afterwards is not whole."""
        super().data_received(data)
        if self._held is not None:
            self._take_standard_path()

    def on_headers_complete(self) -> None:
        """Hold back a request that the fast path may answer."""
        if self._may_be_plain():
            self.end_head()
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Keep the body of the request that is held."""
        if self._held is not None:
            self._held.append(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer the request that is held, now that it is whole."""
        if self._held is not None:
            self.end_message()
            answer = self._answer(b"".join(self._held))
            if answer is not None:
                self._held = None
                self._write(answer)
                return
            self._take_standard_path()
        super().on_message_complete()

    def _may_be_plain(self) -> bool:
        return (
            self.url == _TARGET
            and self.parser.get_method() == b"POST"
            and self.parser.get_http_version() == "1.1"
            and self.parser.should_keep_alive()
            and not self.parser.should_upgrade()
            and not self.expect_100_continue
            and (self.cycle is None or self.cycle.response_complete)
            and not self.pipeline
            and not self.flow.write_paused  # a client that reads no answers gets no further ones
            and not self.transport.is_closing()
            and self.head_fault() is None
        )

    def _answer(self, body: bytes) -> bytes | None:
        self.scope["method"] = "POST"
        try:
            return self._fast_path.answer(cast("Scope", self.scope), body)
        except Exception:  # it comes again on the standard path, which answers 500 and logs it
            return None

    def _take_standard_path(self) -> None:
        held, self._held = self._held or [], None
        self.begin_answer()
        for part in held:
            super().on_body(part)

    def _write(self, answer: bytes) -> None:
        headers = self.server_state.default_headers  # another list every second
        if headers is not self._own_of:
            self._own_of = headers
            self._own = b"HTTP/1.1 200 OK\r\n" + b"".join([b"%s: %s\r\n" % header for header in headers])
        self.transport.write(self._own + answer)
        self._note_answer()

    def _note_answer(self) -> None:
        """As ``on_response_complete``, but for the timer of an idle connection: one that runs is left to run.

        It looks when it ends whether the connection was idle so long. To set another for each answer takes longer than
        all else here.
        """
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        if self.timeout_keep_alive_task is None and not self.transport.is_closing():
            self._watch_idleness(self.timeout_keep_alive)

    def _watch_idleness(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that was idle for so long since its last answer."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._watch_idleness(left)
        else:
            super().timeout_keep_alive_handler()
