"""Small bodies of requests whose principal may not be known yet: a sign-in, or a form of a page."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from churn_mlops.serving.http.errors import too_large_error, too_slow_error
from churn_mlops.serving.http.request_limits import check_declared_length

BODY_BYTES, BODY_SECONDS = 16_384, 5.0


async def small_body(request: Request) -> bytes:
    """The body of ``request``, which has to be small and to come soon.

    Raises:
        RequestError: 413, it has more than ``BODY_BYTES``; 408, it took longer than ``BODY_SECONDS``.
    """
    parts, taken = [], 0
    check_declared_length(request.scope, BODY_BYTES)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                taken += len(part)
                if taken > BODY_BYTES:
                    raise too_large_error(BODY_BYTES)
                parts.append(part)
    except TimeoutError:
        raise too_slow_error(BODY_SECONDS) from None
    return b"".join(parts)
