"""The limits of a request: the hosts that it may name, the bytes of its body, and the time that it may take."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import re
import sys
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from starlette.types import Receive, Scope

from churn_mlops.serving.http.concurrency_limit import ConcurrencyLimit
from churn_mlops.serving.http.errors import RequestError, too_large_error, too_many_bodies_error, too_slow_error

BODY_SECONDS = 30.0
MOST_BODIES, CROWDED_SECONDS = 1000, 1.0
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class Limits:
    """The most bytes, time and requests that clients may take.

    Args:
        body_bytes: a larger body is answered 413, before it is read whole.
        body_seconds: a body that takes longer to come is answered 408.
        request_seconds: a request that takes longer, counted from the end of its body, is answered 503.
        most_requests: most requests in progress; more are answered 503 immediately, so that these end soon.
        most_bodies: most bodies that have ``body_seconds`` to come.
        crowded_seconds: a body beyond them that takes longer to come is answered 503.
    """

    body_bytes: int
    body_seconds: float = BODY_SECONDS
    request_seconds: float = 10.0
    most_requests: int = sys.maxsize
    most_bodies: int = MOST_BODIES
    crowded_seconds: float = CROWDED_SECONDS


def check_hosts(scope: Scope, allowed: Collection[str] = (), *, addresses: bool = False) -> None:
    """Refuse a request to another name than this machine's own and those that are ``allowed``.

    A page on the internet may have its name resolve to 127.0.0.1. A browser then lets that page send requests to this
    server, and only the header ``Host`` shows it. A browser always sends this header, so a request without it
    (HTTP/1.0) is from no such page.

    Args:
        scope: of the request.
        allowed: names that are answered.
        addresses: whether an IP address is answered too: such a page has a name, so no ``Host`` of it is an address.

    Raises:
        RequestError: 400, a ``Host`` is none of them.
    """
    for name, value in scope["headers"]:
        if name == b"host" and not is_local(host := value.decode("latin-1")):
            if _name_in(host) in allowed or (addresses and _address_in(host) is not None):
                continue
            if allowed:
                problem = "must be one of serving.allowed_hosts"
                raise RequestError(400, f"the header Host {problem}", [("Host", problem)])
            problem = "must be localhost, 127.0.0.1 or [::1], with any port"
            advice = "without API keys the server answers this machine only; ask http://localhost and the port"
            raise RequestError(400, f"the header Host {problem}: {advice}", [("Host", problem)])


def check_declared_length(scope: Scope, limit: int) -> None:
    """Refuse a body by the length it declares, before any of it is read.

    Raises:
        RequestError: 413, more than ``limit`` bytes are declared.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise too_large_error(limit)


def limited(
    receive: Receive, limits: Limits, deadline: asyncio.Timeout, concurrency: ConcurrencyLimit, id: str
) -> Callable[[], Awaitable[dict[str, Any]]]:
    """``receive``, for a body within the limits (a chunked one declares no length).

    The time is that of the whole body, from its first call on: a client that sends a byte now and then gains nothing.
    A message after the body is waited for without a limit.

    Args:
        receive: of the application.
        limits: of the body.
        deadline: of the answer; it stands still while the body comes.
        concurrency: counts the request while its body comes, and as in progress once it is there.
        id: of the request.

    Returns:
        A function as ``receive``; it raises RequestError 413, 408, or 503 where too many bodies or requests are here.
    """
    clock = asyncio.get_running_loop().time
    taken, until, whole, crowded = 0, None, False, False

    async def receive_some() -> Any:
        nonlocal taken, until, whole, crowded
        if whole:
            return await receive()
        if until is None:
            crowded = not concurrency.wait_for_body(id)
            until = clock() + min(limits.body_seconds, limits.crowded_seconds if crowded else math.inf)
            deadline.reschedule(None)
        try:
            async with asyncio.timeout_at(until):
                message = await receive()
        except TimeoutError:
            raise (too_many_bodies_error() if crowded else too_slow_error(limits.body_seconds)) from None
        taken += len(message.get("body", b""))
        if taken > limits.body_bytes:
            raise too_large_error(limits.body_bytes)
        whole = not message.get("more_body", False)
        if whole:
            concurrency.acquire(id)
            deadline.reschedule(clock() + limits.request_seconds)
        return message

    return receive_some


def _name_in(host: str) -> str:
    return host.rpartition(":")[0].lower() if re.search(r":\d+$", host) else host.lower()


def _address_in(host: str) -> _Address | None:
    """The IP address in the value of a header ``Host``, None where it is a name."""
    return _address(_name_in(host))


def _address(name: str) -> _Address | None:
    try:
        return ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    except ValueError:
        return None


@lru_cache(maxsize=64)  # of one server they are few
def is_local(host: str) -> bool:
    """Whether the value of a header ``Host`` names this machine, with or without a port."""
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):
        name = host
    elif not port.isdecimal():
        return False
    if name.lower() in ("localhost", "127.0.0.1"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback
