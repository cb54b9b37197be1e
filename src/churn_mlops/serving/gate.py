"""The gate in front of all routes: who asks, what he may, and how often."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import cast

from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from churn_mlops.serving.access import Access
from churn_mlops.serving.callers import LOCAL, Caller, Role
from churn_mlops.serving.errors import RequestError, refusal
from churn_mlops.serving.identity import Headers, Proxies, headers_of, key_in, session_in, unauthorized
from churn_mlops.serving.permissions import ANYBODY_KNOWN, OPEN, Rule, is_documentation, rule_of
from churn_mlops.serving.rates import Buckets
from churn_mlops.serving.receiving import check_hosts
from churn_mlops.serving.trail import Trail
from churn_mlops.store import Credential

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PROBES = ("/health", "/ready")
_ANONYMOUS = Caller("anonymous", "agent")
_AWAY = {"Retry-After": "2"}


@dataclass(frozen=True)
class House:
    """How the gate is set.

    Args:
        local_only: whether the server listens on the loopback address alone.
        allowed_hosts: names in the header ``Host`` that are answered; none means all, but where ``local_only``.
        open_metrics: whether ``/metrics`` needs no key.
        open_docs: whether ``/docs`` needs no key.
        requests_per_second: of each key or person, in this process; None sets no limit.
        proxies: whose word is taken.
    """

    local_only: bool = True
    allowed_hosts: Sequence[str] = ()
    open_metrics: bool = False
    open_docs: bool = False
    requests_per_second: float | None = None
    proxies: Proxies = field(default_factory=Proxies)


class Gate:
    """ASGI middleware. It sets ``scope["state"]["caller"]``, and of a session ``scope["state"]["session"]``.

    On the way of a known key nothing is waited for: one hash, one look into a dictionary.

    Args:
        app: what answers.
        routes: of the application, those too that are added later.
        access: the valid keys and sessions.
        trail: where reads of customers and changes are noted.
        house: how it is set.
    """

    def __init__(self, app: ASGIApp, routes: Sequence[BaseRoute], access: Access, trail: Trail, house: House) -> None:
        self._app, self._routes, self._access, self._trail, self._house = app, routes, access, trail, house
        self._plain: dict[tuple[str, str], tuple[BaseRoute, Rule]] = {}
        rate = house.requests_per_second
        self._rates = None if rate is None else Buckets(rate, rate)

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
            scope["state"]["caller"] = await self._admit(scope, rule)
            if rule.event is not None:
                send = _Noted(send, scope, self._trail, rule.event)
            await self._app(scope, receive, send)
        except RequestError as refused:
            await refusal(refused, scope["state"]["request_id"])(scope, receive, send)

    def _rule(self, scope: Scope) -> Rule:
        """The rule of the route that the router will take; where there is none, everybody who is known may learn so."""
        known = self._plain.get((scope["method"], scope["path"]))
        if known is not None:
            scope["route"] = known[0]
            return known[1]
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                scope["route"] = route
                pattern = getattr(route, "path", "")
                rule = self._opened(pattern, rule_of(scope["method"], pattern))
                if pattern == scope["path"] and "{" not in pattern:
                    self._plain[scope["method"], pattern] = (route, rule)
                return rule
        return ANYBODY_KNOWN

    def _opened(self, pattern: str, rule: Rule) -> Rule:
        by_setting = (self._house.open_metrics and pattern == "/metrics") or (
            self._house.open_docs and is_documentation(pattern)
        )
        return OPEN if by_setting else rule

    async def _admit(self, scope: Scope, rule: Rule) -> Caller:
        access, house = self._access, self._house
        # Probes ask a container by its address.
        if house.local_only or (house.allowed_hosts and scope["path"] not in _PROBES):
            check_hosts(scope, house.allowed_hosts)
        if rule.open:
            return _ANONYMOUS
        if access.is_due:
            await access.refresh()
        headers = headers_of(scope)
        if access.is_open:
            return self._local(scope)
        caller = self._caller(scope, headers)
        if caller is None:
            await access.look_again()
            if access.is_open:
                return self._local(scope)
            caller = self._caller(scope, headers)
        if caller is None:
            raise self._unknown(headers)
        self._check(caller, scope, rule)
        return caller

    def _local(self, scope: Scope) -> Caller:
        """Anybody of this machine, where there are no keys."""
        if not self._house.local_only:
            raise RequestError(
                503, "no keys are configured, so nobody is let in: make the first by `churn keys create`", headers=_AWAY
            )
        check_hosts(scope)
        return LOCAL

    def _caller(self, scope: Scope, headers: Headers) -> Caller | None:
        key = key_in(headers)
        if key is not None:
            found = self._found(key)
            return None if found is None or found.csrf_token is not None else _caller_of(found)
        token = session_in(headers)
        found = None if token is None else self._found(token.encode("latin-1"))
        if found is not None and found.csrf_token is not None:
            _check_csrf(scope, headers, found.csrf_token)
            scope["state"]["session"] = found
            return _caller_of(found)
        caller = self._house.proxies.caller(scope, headers)
        if caller is not None:
            _check_csrf(scope, headers, None)
        return caller

    def _found(self, secret: bytes) -> Credential | None:
        found = self._access.find(hashlib.sha256(secret).hexdigest())
        return found if self._access.is_trusted else None

    def _unknown(self, headers: Headers) -> RequestError:
        brought = key_in(headers) is not None or session_in(headers) is not None
        if self._access.is_away and (brought or not self._access.is_trusted):
            told = "the store cannot be reached, so it is not known who may ask: try again in a few seconds"
            return RequestError(503, told, headers=_AWAY)
        if not brought:
            return unauthorized("send an API key, as Authorization: Bearer KEY or as X-API-Key; or sign in")
        return unauthorized("the key or session is not valid: it is unknown, expired, revoked or ended")

    def _check(self, caller: Caller, scope: Scope, rule: Rule) -> None:
        wait = 0.0 if self._rates is None else self._rates.take(caller.name)
        if wait:
            told = f"more than {self._house.requests_per_second:g} requests a second: wait, then go on"
            raise RequestError(429, told, headers={"Retry-After": str(math.ceil(wait))})
        if caller.role not in rule.roles:
            raise RequestError(403, f"the role {caller.role} may not do that: docs/security.md says who may what")

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Keep the keys fresh for as long as the application runs."""
        keeping: list[asyncio.Task[None]] = []

        async def started(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                keeping.append(asyncio.create_task(self._keep_fresh()))
            await send(message)

        try:
            await self._app(scope, receive, started)
        finally:
            for task in keeping:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await self._trail.flush()

    async def _keep_fresh(self) -> None:
        while True:
            await self._access.refresh()
            await self._trail.flush()
            await asyncio.sleep(self._access.refresh_seconds)


class _Noted:
    """Sends an answer on once its event is kept; refusals are not noted."""

    def __init__(self, send: Send, scope: Scope, trail: Trail, event: str) -> None:
        self._send, self._scope, self._trail, self._event = send, scope, trail, event

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400:
            state = self._scope["state"]
            given = self._scope.get("path_params", {})
            customer = state.get("customer", given.get("customer", given.get("customer_id")))
            details = {"route": getattr(self._scope.get("route"), "path", ""), "request_id": state["request_id"]}
            await self._trail.record(state["caller"].name, self._event, customer, details)
        await self._send(message)


def _caller_of(found: Credential) -> Caller:
    return Caller(found.caller, cast("Role", found.role))  # the rules of the tables let no other in


def _check_csrf(scope: Scope, headers: Headers, token: str | None) -> None:
    """A browser sends cookies along with what a foreign page has it send; it never adds this header.

    Of people who signed in to a proxy there is no token: the header itself is what a foreign page cannot send.
    """
    if scope["method"] in _SAFE_METHODS:
        return
    given = headers.get(b"x-csrf-token")
    if given is None or (token is not None and not hmac.compare_digest(given, token.encode())):
        raise RequestError(403, "the header X-CSRF-Token is missing or wrong: GET /session tells it")
