"""Traces by OpenTelemetry: a span for each request, sent to a collector. Only here are its packages imported."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol

from starlette.concurrency import run_in_threadpool

from churn_mlops import __version__
from churn_mlops.errors import ConfigError
from churn_mlops.trace_context import Trace

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

SECONDS = 5.0
"""Longest time of one export, and of the last one when the server ends."""


class Spans(Protocol):
    """Takes the spans of requests."""

    def note(self, method: str, route: str, status: int, seconds: float, trace: Trace) -> None:
        """Take a request that was just answered."""


class SpanExport:
    """Sends the spans of requests in groups, from a thread of its own; the oldest are dropped if they are too many.

    A client that names a trace decides whether it is recorded; a trace that begins here is.

    Args:
        url: of a collector that takes OTLP over HTTP.

    Raises:
        ConfigError: the packages are not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError as error:
            raise ConfigError(
                f"serving.traces_url needs packages that are not installed ({error.name}): install the extra, "
                "`pip install 'churn-mlops[otel]'`, or remove the setting"
            ) from None
        self._ids = _given_ids()
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "churn-mlops", "service.version": __version__}),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(url, timeout=SECONDS)))
        self._tracer: Tracer = self._provider.get_tracer("churn_mlops.serving")

    def note(self, method: str, route: str, status: int, seconds: float, trace: Trace) -> None:
        """Take a request that was just answered; called on the loop.

        The span has the route's pattern, never the address that was asked for, which may name a customer.
        """
        from opentelemetry.trace import SpanKind, StatusCode

        self._ids.trace = trace
        end = time.time_ns()
        span = self._tracer.start_span(
            f"{method} {route}",
            context=_parent(trace),
            kind=SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "http.route": route,
                "http.response.status_code": status,
                "churn.request_id": str(trace.request_id),
            },
            start_time=end - int(seconds * 1e9),
        )
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end(end)

    def close(self) -> None:
        """Send what waits, as far as the time allows."""
        ending = threading.Thread(target=self._provider.shutdown, name="spans-end", daemon=True)
        ending.start()
        ending.join(SECONDS)


@asynccontextmanager
async def exporting(spans: SpanExport) -> AsyncIterator[None]:
    """The end waits until ``spans`` are sent."""
    try:
        yield
    finally:
        await run_in_threadpool(spans.close)


def _parent(trace: Trace) -> Any:
    """The context of the part that asked; an empty one where the trace begins here."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    if trace.parent_id is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED if trace.is_sampled else TraceFlags.DEFAULT)
    parent = SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(parent), Context())


def _given_ids() -> Any:
    """Gives the IDs of the trace that was noted last: the client has them already."""
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    class GivenIds(IdGenerator):
        trace: Trace

        def generate_trace_id(self) -> int:
            return int(self.trace.trace_id, 16)

        def generate_span_id(self) -> int:
            return int(self.trace.span_id, 16)

    return GivenIds()
