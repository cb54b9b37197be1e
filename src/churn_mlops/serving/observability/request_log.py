"""Around every request: its id, the limits of what it may send, its line in the log, its place in the metrics."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Sequence

import structlog
from starlette.requests import ClientDisconnect
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from churn_mlops.logs import info_lines
from churn_mlops.serving.http.concurrency_limit import ConcurrencyLimit
from churn_mlops.serving.http.errors import RequestError, fault_error, refusal, too_late_error
from churn_mlops.serving.http.request_limits import Limits, check_declared_length, check_hosts, limited
from churn_mlops.serving.http.security_headers import add_security_headers
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.observability.request_identity import identified
from churn_mlops.serving.observability.span_export import Spans
from churn_mlops.trace_context import Trace, in_trace

PROBES = ("/health", "/ready", "/metrics")
UNKNOWN_CALLER = "unknown"
"""Stands for the principal of a request that none is known of, where there are keys."""
log = structlog.get_logger("churn_mlops.serving")


class RequestLog:
    """Counts each request that was answered, and writes its line in the log.

    The lines of requests that are answered in one round of the loop are written together at its end.

    Args:
        metrics: counts.
        spans: takes the span of each request; None for none.
    """

    def __init__(self, metrics: Metrics, spans: Spans | None = None) -> None:
        self._metrics, self._spans = metrics, spans
        self.is_recording = spans is not None
        """Whether a trace that begins here is recorded."""
        self._lines: list[dict[str, str | int | float]] = []

    def note(self, method: str, route: str, status: int, seconds: float, trace: Trace, caller: str) -> None:
        """Note one request; called on the loop.

        Args:
            method: of the request.
            route: the route's pattern.
            status: of the answer.
            seconds: the time to answer.
            trace: of the request, with its ID.
            caller: the name of the principal.
        """
        self._metrics.answered(route, status, seconds, trace.trace_id if trace.is_sampled else None)
        if self._spans is not None:
            self._spans.note(method, route, status, seconds, trace)
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write)
        self._lines.append(
            {
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1e3, 3),
                "caller": caller,
                "request_id": trace.request_id or trace.span_id,
                "trace_id": trace.trace_id,
            }
        )

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        info_lines("request_answered", lines)


class RequestMiddleware:
    """ASGI middleware; the outermost, so that nothing is answered without it.

    It sets ``scope["state"]["request_id"]``, which it sends back as ``X-Request-Id``, and ``prediction_id`` and
    ``trace_id`` beside it. It stands between a fault and the client: a fault is answered 500 in the one shape, and
    logged under the id.

    Args:
        app: answers.
        request_log: logs and counts.
        source: says when the server is draining: every answer then closes its connection.
        limits: of what clients send, and of the time it takes.
        local_only: a request to another host than this machine is answered 400.
        routes: of the application, those too that are added later: a refusal is counted under its route.
        caller: the name of the principal of a request that none is known of.
    """

    def __init__(
        self,
        app: ASGIApp,
        request_log: RequestLog,
        source: ModelSlot,
        limits: Limits,
        local_only: bool,
        routes: Sequence[BaseRoute] = (),
        caller: str = UNKNOWN_CALLER,
    ) -> None:
        self._app, self._source, self._limits, self._local_only = app, source, limits, local_only
        self._routes, self._caller = routes, caller
        self._concurrency = ConcurrencyLimit(limits.most_requests, limits.most_bodies)
        self._request_log = request_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        id, trace = identified(scope["headers"], is_sampled=self._request_log.is_recording)
        state = scope.setdefault("state", {})
        state |= {"request_id": trace.request_id, "prediction_id": id, "trace_id": trace.trace_id}
        answer = _Answer(send, trace, self._source)
        try:
            with in_trace(trace):
                await self._answer(scope, receive, answer, id)
        finally:
            self._concurrency.release(id)
            # A client that went away before the answer leaves no status; 499 is what proxies call that.
            status, seconds = answer.status or 499, time.perf_counter() - started
            caller = state["caller"].name if "caller" in state else self._caller
            self._request_log.note(scope["method"], self._route(scope), status, seconds, trace, caller)

    def _route(self, scope: Scope) -> str:
        """The pattern of the route; a request that was refused early has not come to the router."""
        found = scope.get("route") or next((one for one in self._routes if one.matches(scope)[0] is Match.FULL), None)
        return getattr(found, "path_format", "other")

    async def _answer(self, scope: Scope, receive: Receive, send: _Answer, id: str) -> None:
        limits, request_id = self._limits, scope["state"]["request_id"]
        try:
            if scope["path"] not in PROBES:
                self._concurrency.acquire(id)
            if self._local_only:
                check_hosts(scope)
            check_declared_length(scope, limits.body_bytes)
        except RequestError as refused:
            await refusal(refused, request_id)(scope, receive, send)
            return
        try:
            async with asyncio.timeout(limits.request_seconds) as deadline:
                taking = limited(receive, limits, deadline, self._concurrency, id)
                await self._app(scope, taking, send)
        except ClientDisconnect:
            return  # the client closed the connection: no one is there to answer
        except Exception as error:
            late = isinstance(error, TimeoutError) and deadline.expired()
            if not late:
                _log_fault(error)
            if send.status:  # half an answer is out: only a broken connection shows the client that it failed
                raise
            answered = too_late_error(limits.request_seconds) if late else fault_error()
            await refusal(answered, request_id)(scope, receive, send)


class _Answer:
    """Sends an answer on, with the request's ID and trace, and remembers its status."""

    def __init__(self, send: Send, trace: Trace, source: ModelSlot) -> None:
        self._send, self._source = send, source
        id, parent = str(trace.request_id).encode(), trace.traceparent.encode()
        self._headers = ((b"x-request-id", id), (b"traceparent", parent))
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message.get("headers", ()), *self._headers]
            if self._source.draining:  # so that the next request goes to a server that stays
                message["headers"].append((b"connection", b"close"))
            add_security_headers(message)
        await self._send(message)


def _log_fault(error: Exception) -> None:
    """Log the kind of a fault and its place in the code, but no message, which may quote a customer's values."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    log.error("request_failed", kind=type(error).__name__, frames=frames)
