"""Refusals as pages: a browser that asks for a page gets one, and every other client JSON in the one shape."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from churn_mlops.serving.access.principal import Principal
from churn_mlops.serving.console.frame.navigation import HOME, SIGN_IN, home_of, may_open, sign_in_path
from churn_mlops.serving.console.frame.pages import Pages, redirect

_KNOWN = (400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 422, 429, 500, 503)


class ErrorPages:
    """ASGI middleware. It turns a refusal into a page where the header ``Accept`` names HTML.

    Without a principal, a page that is read leads to the sign-in page. The bare address of the server leads to the
    first page of a role that may not open the search.

    Args:
        app: answers.
        pages: makes the page.
    """

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app, self._pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or "text/html" not in Headers(scope=scope).get("accept", ""):
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Refusals(scope, send, self._pages))


class _Refusals:
    """Sends an answer on; a refusal is held back until it is whole, and goes out as a page."""

    def __init__(self, scope: Scope, send: Send, pages: Pages) -> None:
        self._scope, self._send, self._pages = scope, send, pages
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_refusal(message):
            self._start = message
        elif self._start is None:
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_page(self._start)

    async def _send_page(self, start: Message) -> None:
        response = self._page(start["status"])
        replaced = {b"content-type", b"content-length", *(name for name, _ in response.raw_headers)}
        raw = [header for header in start["headers"] if header[0].lower() not in replaced] + response.raw_headers
        await self._send({"type": "http.response.start", "status": response.status_code, "headers": raw})
        await self._send({"type": "http.response.body", "body": bytes(response.body)})

    def _page(self, status: int) -> Response:
        request = Request(self._scope)
        reads, path = self._scope["method"] in ("GET", "HEAD"), request.url.path
        if status == 401 and reads and path != SIGN_IN:
            after = quote(path) + (f"?{request.url.query}" if request.url.query else "")
            return Response(status_code=303, headers={"Location": sign_in_path(after)})
        if not self._body:  # of HEAD
            return Response(status_code=status)
        principal = self._pages.principal(request)
        if status == 403 and reads and path == HOME and principal is not None and not may_open(principal.role, HOME):
            return redirect(home_of(principal.role))
        error: dict[str, Any] = json.loads(self._body)
        return self._pages.page(
            request,
            "error",
            status=status,
            error=error,
            key=_key(status, request),
            customer=self._scope["state"].get("customer") if self._scope["method"] == "POST" else None,
            home=SIGN_IN if principal is None else "/list" if _is_list(path, principal) else home_of(principal.role),
        )


def _key(status: int, request: Request) -> str:
    """The key of the heading."""
    if status == 404 and getattr(request.scope.get("route"), "path", "").startswith("/customers"):
        return "customer"
    return str(status) if status in _KNOWN else "500"


def _is_list(path: str, principal: Principal) -> bool:
    """Whether the address is one of the list, and the principal may open the list."""
    return path in ("/list", "/list/work", "/list.csv", "/list.xlsx") and may_open(principal.role, "/list")


def _is_refusal(message: Message) -> bool:
    headers = Headers(raw=message.get("headers", []))
    return message["status"] >= 400 and headers.get("content-type", "") == "application/json"
