"""W3C Trace Context: the trace that a request belongs to, from its client through this program to the next one.

Source: https://www.w3.org/TR/trace-context/. The header ``tracestate`` is not passed on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
)
"""Version 00 ends after the flags; later versions may add fields."""
_SAMPLED = 1


class Trace(NamedTuple):
    """The part of this program in a trace.

    Args:
        trace_id: 32 hexadecimal digits, the same in every program that the trace passes.
        span_id: 16 hexadecimal digits, of this part.
        parent_id: the part that asked, as ``span_id``; None where the trace begins here.
        is_sampled: whether the program that asked records the trace.
        request_id: names the request in the log; None outside of requests.
    """

    trace_id: str
    span_id: str
    parent_id: str | None = None
    is_sampled: bool = False
    request_id: str | None = None

    @property
    def traceparent(self) -> str:
        """The header by which another program continues the trace."""
        return "00-" + self.trace_id + "-" + self.span_id + ("-01" if self.is_sampled else "-00")


def new_trace() -> Trace:
    """A trace that begins here."""
    return Trace(secrets.token_hex(16), secrets.token_hex(8))


def continued(traceparent: bytes, own: Trace) -> Trace:
    """The part ``own`` in the trace that a client names, or as it is if the header is not valid.

    Args:
        traceparent: the value of the header.
        own: a trace that begins here.
    """
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None or (found[1] == b"00" and found[5] is not None):
        return own
    is_sampled = bool(int(found[4], 16) & _SAMPLED)
    return Trace(found[2].decode(), own.span_id, found[3].decode(), is_sampled, own.request_id)


_CURRENT: ContextVar[Trace | None] = ContextVar("trace", default=None)
current_trace = _CURRENT.get
"""The trace of the work that runs now; None outside of one."""


@contextmanager
def in_trace(trace: Trace) -> Iterator[None]:
    """Let what runs in the block, and the tasks that it starts, belong to ``trace``."""
    token = _CURRENT.set(trace)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def outgoing_headers() -> dict[str, str]:
    """The headers by which a program that is asked continues the present trace; none outside of one."""
    trace = current_trace()
    return {} if trace is None else {"traceparent": trace.traceparent}
