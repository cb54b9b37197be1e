"""Access control in front of all routes: the principal, what they may call, and how often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from churn_mlops.serving.access.audit_log import AuditLog
from churn_mlops.serving.access.authentication import AccessConfig, Authenticator
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.permissions import EVERY_PRINCIPAL, OPEN, Rule, is_documentation, rule_of
from churn_mlops.serving.http.errors import RequestError, refusal


class AuthMiddleware:
    """ASGI middleware. It lets a request in, keeps the keys fresh and records events.

    Args:
        app: what answers.
        routes: of the application, those too that are added later.
        access: the valid keys and sessions, which are kept fresh for as long as the application runs.
        authenticator: decides which requests are let in.
        audit: where reads of customers and changes are recorded.
        config: how access is configured.
    """

    def __init__(
        self,
        app: ASGIApp,
        routes: Sequence[BaseRoute],
        access: CredentialCache,
        authenticator: Authenticator,
        audit: AuditLog,
        config: AccessConfig,
    ) -> None:
        self._app, self._routes, self._access, self._audit, self._config = app, routes, access, audit, config
        self._authenticator = authenticator
        self._plain: dict[tuple[str, str], tuple[BaseRoute, Rule]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or answer why not."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # there are none
            return
        try:
            rule = self._rule(scope)
            await self._authenticator.admit(scope, rule)
            if rule.event is not None or rule.form:
                send = _Recorded(send, scope, self._audit, rule.event)
            await self._app(scope, receive, send)
        except RequestError as refused:
            await refusal(refused, scope["state"]["request_id"])(scope, receive, send)

    def _rule(self, scope: Scope) -> Rule:
        """The rule of the route that the router will take; where there is none, every known principal may learn so."""
        known = self._plain.get((scope["method"], scope["path"]))
        if known is not None:
            scope["route"] = known[0]
            return known[1]
        otherwise = EVERY_PRINCIPAL
        for route in self._routes:
            match, pattern = route.matches(scope)[0], getattr(route, "path_format", "")
            if match is Match.PARTIAL and self._is_open_by_another_method(route, pattern):
                otherwise = OPEN
            if match is Match.FULL:
                scope["route"] = route
                rule = self._opened(pattern, rule_of(scope["method"], pattern))
                if pattern == scope["path"] and "{" not in pattern:
                    self._plain[scope["method"], pattern] = (route, rule)
                return rule
        return otherwise

    def _is_open_by_another_method(self, route: BaseRoute, pattern: str) -> bool:
        """Whether another method is open here: then the router's 405 is no secret either."""
        methods = getattr(route, "methods", None) or ()
        return any(self._opened(pattern, rule_of(method, pattern)).open for method in methods)

    def _opened(self, pattern: str, rule: Rule) -> Rule:
        by_setting = (self._config.open_metrics and pattern == "/metrics") or (
            self._config.open_docs and is_documentation(pattern)
        )
        return OPEN if by_setting else rule

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the keys fresh, and write events that wait, for as long as the application runs."""
        keeping: list[asyncio.Task[None]] = []

        async def started(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                # Separate tasks: a store that hangs while events are written must not keep the keys from being read.
                keeping.append(asyncio.create_task(self._every_few_seconds(self._access.refresh)))
                keeping.append(asyncio.create_task(self._every_few_seconds(self._audit.flush)))
            await send(message)

        try:
            await self._app(scope, receive, started)
        finally:
            for task in keeping:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await self._audit.flush()

    async def _every_few_seconds(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await work()
            await asyncio.sleep(self._access.refresh_seconds)


class _Recorded:
    """Sends an answer on once its event is recorded; a refusal has one only if it says what is known of a customer."""

    def __init__(self, send: Send, scope: Scope, audit: AuditLog, event: str | None) -> None:
        self._send, self._scope, self._audit, self._event = send, scope, audit, event

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._record(message["status"])
        await self._send(message)

    async def _record(self, status: int) -> None:
        state = self._scope["state"]
        event = self._event if status < 400 else state.get("refusal_event")
        if event is not None:
            given = self._scope.get("path_params", {})
            customer = state.get("customer", given.get("customer", given.get("customer_id")))
            details = {"route": getattr(self._scope.get("route"), "path_format", ""), "request_id": state["request_id"]}
            details |= state.get("page", {})
            await self._audit.record(state["caller"].name, event, customer, details)
