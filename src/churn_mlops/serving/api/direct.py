"""Straight to the function of a route, past all that FastAPI does on the way for what the route does not use.

What FastAPI does there takes longer than the answer itself (``docs/performance.md``). The routes stand in its router
and in its documentation all the same, and everything around them, the gate, limits, metrics and log, is that of every
route.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from churn_mlops.errors import DataError
from churn_mlops.serving.http.errors import RequestError, refusal

Endpoint = Callable[[Request], Awaitable[Response]]


class Direct:
    """ASGI middleware; the innermost, so that what it goes past is FastAPI's own.

    Args:
        app: what answers all other requests.
        routes: of the application, those too that are added later.
        paths: of the routes that are gone to directly; their functions take the request and nothing else.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], paths: Collection[str]) -> None:
        self._app, self._routes, self._paths = app, routes, paths
        self._endpoints: dict[tuple[str, str], APIRoute] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        route = self._route(scope) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = route
        try:
            answer: Response = await route.endpoint(_Request(scope, receive))
        except (RequestError, DataError) as error:
            answer = refusal(error, scope["state"]["request_id"])
        await answer(scope, receive, send)

    def _route(self, scope: Scope) -> APIRoute | None:
        if scope["path"] not in self._paths:
            return None
        if not self._endpoints:
            self._endpoints = {
                (method, route.path): route
                for route in self._routes
                if isinstance(route, APIRoute) and route.path in self._paths
                for method in route.methods or ()
            }
        return self._endpoints.get((scope["method"], scope["path"]))


class JSONBytes(Response):
    """An answer of JSON that is bytes already, with headers that are.

    Args:
        body: the JSON.
        headers: names in small letters, and values.
    """

    def __init__(self, body: bytes, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status_code, self.background, self.body = 200, None, body
        self.raw_headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json"), *headers]


class _Request(Request):
    """A request whose body is read without a generator."""

    async def body(self) -> bytes:
        parts = []
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)
