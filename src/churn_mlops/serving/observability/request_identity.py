"""The identity of a request: the ID under which the log knows it, its trace, and the ID of its prediction."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence

from churn_mlops.trace_context import Trace, continued

_ID, _PARENT = b"x-request-id", b"traceparent"
_NAMES = frozenset({_ID, _PARENT})
# No other text: a client could write a customer's ID, which no log may hold.
_UUID = re.compile(rb"[0-9a-fA-F]{32}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def new_request_id() -> str:
    """32 hexadecimal digits: the millisecond, then 80 random bits.

    They grow with time, so that the store adds each answer at the end of its index, and not somewhere in the middle.
    """
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def identified(headers: Sequence[tuple[bytes, bytes]], *, is_sampled: bool = False) -> tuple[str, Trace]:
    """The identity of a request.

    Args:
        headers: of the request, names in small letters. A valid ``traceparent`` and a valid ``X-Request-Id`` (a UUID,
            or 32 hexadecimal digits) are taken; others, and those that come twice, change nothing.
        is_sampled: whether a trace that begins here is recorded.

    Returns:
        an ID that no other request has, and the trace with the request ID. They are the same where the client sent
        none.
    """
    id = new_request_id()
    own = Trace(id, id[16:], None, is_sampled, id)
    given = [header for header in headers if header[0] in _NAMES]
    return id, _with_headers(own, given) if given else own


def _with_headers(trace: Trace, given: Sequence[tuple[bytes, bytes]]) -> Trace:
    ids = [value for name, value in given if name == _ID]
    parents = [value for name, value in given if name == _PARENT]
    if len(ids) == 1 and _UUID.fullmatch(ids[0]):
        trace = trace._replace(request_id=ids[0].decode())
    return continued(parents[0], trace) if len(parents) == 1 else trace
