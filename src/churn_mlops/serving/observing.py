"""Around every request: its id, the limit of its body, its line in the log, its place in the metrics."""

from __future__ import annotations

import secrets
import time
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from churn_mlops.serving.errors import error_response, too_large_error
from churn_mlops.serving.metrics import Metrics

log = structlog.get_logger("churn_mlops.serving")


class Observed:
    """ASGI middleware; the outermost, so that nothing is answered without it.

    It sets ``scope["state"]["request_id"]``, sends it back as ``X-Request-Id``, and stands between a fault and the
    client: a fault is answered 500 in the one shape, and logged under the id.

    Args:
        app: what answers.
        metrics: what counts.
        max_body_bytes: a larger body is answered 413, before it is read whole.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, max_body_bytes: int) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = secrets.token_hex(16)
        scope.setdefault("state", {})["request_id"] = request_id
        answer = _Answer(send, request_id)
        try:
            await self._answer(scope, receive, answer, request_id)
        finally:
            # A client that went away before the answer leaves no status; 499 is what proxies call that.
            status, seconds = answer.status or 499, time.perf_counter() - started
            route = getattr(scope.get("route"), "path", "other")
            self._metrics.answered(route, status, seconds)
            log.info("request", route=route, status=status, ms=round(seconds * 1e3, 3), request_id=request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: _Answer, request_id: str) -> None:
        if _declared_length(scope) > self._max_body_bytes:
            refused = too_large_error(self._max_body_bytes)
            response = error_response(refused.status, refused.error, request_id, refused.problems)
            await response(scope, receive, send)
            return
        try:
            await self._app(scope, _limited(receive, self._max_body_bytes), send)
        except ClientDisconnect:
            return  # the client went away: nobody is there to answer
        except Exception as error:
            _log_fault(error, request_id)
            if send.status:  # half an answer is out: only breaking the connection tells the client
                raise
            sentence = "something went wrong here; the server's log says what, under this request_id"
            await error_response(500, sentence, request_id)(scope, receive, send)


class _Answer:
    """Sends an answer on, with the request's id, and remembers its status."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._header = (b"x-request-id", request_id.encode())
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), self._header]
        await self._send(message)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _limited(receive: Receive, limit: int) -> Callable[[], Awaitable[dict[str, Any]]]:
    """``receive``, raising when more than ``limit`` bytes have come: a chunked body declares no length."""
    taken = 0

    async def receive_some() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise too_large_error(limit)
        return message

    return receive_some


def _log_fault(error: Exception, request_id: str) -> None:
    """Where it happened and of what kind; the message of a fault may quote a customer's values, so it stays out."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("fault", kind=type(error).__name__, frames=frames, request_id=request_id)
