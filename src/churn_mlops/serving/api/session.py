"""``/session``: sign in with a password, see the principal of a request, sign out."""

from __future__ import annotations

import asyncio
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.errors import AccessError
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.presented_identity import SECURE_COOKIE, Proxies, cookie_name, headers_of, unauthorized
from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.access.rate_limit import TokenBucketLimiter
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.errors import RequestError, too_large_error, too_slow_error
from churn_mlops.serving.http.request_limits import check_declared_length
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.access.credentials import Credential
from churn_mlops.store.access.sessions import NewSession, end_session, start_session
from churn_mlops.store.access.users import User, password_matches, password_of

# The most tries in a row, and how many come back each second. A right password costs none.
PERSON_TRIES, PERSON_TRIES_PER_SECOND = 5, 1 / 30
ADDRESS_TRIES, ADDRESS_TRIES_PER_SECOND = 20, 1 / 5
_WAITING = 16
# No principal is known yet: a sign-in is small, and has to come soon.
BODY_BYTES, BODY_SECONDS = 16_384, 5.0
ACCESS = "Access"
_REFUSALS = refusing(
    {401: "Name or password is wrong", 415: "The body is not declared as JSON", 429: "Too many tries to sign in"}
)


class SignIn(BaseModel):
    """The name and the password of a user."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1024, repr=False)


class SessionBody(BaseModel):
    """The principal, and what a browser needs to ask for changes."""

    name: str = Field(description="such as `person:anna` or `key:crm`")
    role: str
    csrf_token: str | None = Field(description="goes into the header X-CSRF-Token; null with a key, which needs none")
    expires_at: datetime | None = Field(description="when the session ends")


class Passwords:
    """Checks passwords against their hashes: one at a time, on a thread, and with a short queue only.

    A slow hash costs 50 ms and 19 MiB, so many together would take the processor and the memory from other requests.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._waiting = 0

    async def match(self, kept: str | None, password: str) -> bool:
        """Whether ``password`` is that of the hash ``kept``; False, as slowly, where there is none.

        Raises:
            RequestError: 503, too many wait.
        """
        if self._waiting >= _WAITING:
            raise RequestError(503, "too many users sign in now: try again", headers={"Retry-After": "1"})
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, password_matches, kept, password)
        finally:
            self._waiting -= 1


class SignInLimits:
    """How often a sign-in may be tried, by name and by address. A right password costs no try."""

    def __init__(self, proxies: Proxies) -> None:
        self._proxies = proxies
        self._users = TokenBucketLimiter(PERSON_TRIES_PER_SECOND, PERSON_TRIES)
        self._addresses = TokenBucketLimiter(ADDRESS_TRIES_PER_SECOND, ADDRESS_TRIES)

    def take(self, request: Request, name: str) -> None:
        """Count a try.

        Raises:
            RequestError: 429, there were too many.
        """
        wait = max(tries.take(of) for tries, of in self._buckets(request, name))
        if wait:
            message = "too many tries to sign in: wait, then try again"
            raise RequestError(429, message, headers={"Retry-After": str(math.ceil(wait))})

    def give_back(self, request: Request, name: str) -> None:
        """Undo one :meth:`take`."""
        for tries, of in self._buckets(request, name):
            tries.give_back(of)

    def _buckets(self, request: Request, name: str) -> tuple[tuple[TokenBucketLimiter, str], ...]:
        return (self._users, name.lower()), (self._addresses, self._proxies.address(request.scope))


def add_sign_in(
    app: FastAPI, access: CredentialCache, store: StoreClient, proxies: Proxies, lifetime: timedelta
) -> None:
    """Add the routes of ``/session``.

    Args:
        app: the application.
        access: the valid sessions.
        store: the store.
        proxies: give the address of a client behind them.
        lifetime: of a session.
    """
    routes = _Sessions(access, store, lifetime, Passwords(), SignInLimits(proxies))
    app.post(
        "/session",
        summary="Sign in",
        tags=[ACCESS],
        status_code=201,
        response_model=SessionBody,
        responses=_REFUSALS,
        openapi_extra=_DESCRIPTION,
    )(routes.sign_in)
    app.get("/session", summary="Who am I?", tags=[ACCESS], response_model=SessionBody)(routes.who)
    app.delete(
        "/session",
        summary="Sign out",
        tags=[ACCESS],
        status_code=204,
        response_class=Response,
        responses=refusing({409: "There is no session to end"}),
    )(routes.sign_out)


@dataclass(frozen=True)
class _Sessions:
    """The routes; :func:`add_sign_in` describes the fields. A name of a method is part of its operation's id."""

    access: CredentialCache
    store: StoreClient
    lifetime: timedelta
    passwords: Passwords
    limits: SignInLimits

    async def sign_in(self, request: Request) -> Response:
        """Begin a session; its cookie is in the answer."""
        if not request.headers.get("content-type", "").startswith("application/json"):
            # A foreign page can have a browser send a form, and so sign a user in under another name.
            raise RequestError(415, "send the header Content-Type: application/json")
        given = read_fields(await _small_body(request), SignIn, "a sign-in")
        self.limits.take(request, given.name)
        user = await self._user(given)
        self.limits.give_back(request, given.name)
        started = await self._start(user)
        await self.access.refresh()
        body = _body(f"person:{user.name}", user.role, started.csrf_token, started.expires_at)
        cookie = _cookie(request, started.token, self.lifetime)
        return Response(body, 201, {"Set-Cookie": cookie}, "application/json")

    async def who(self, request: Request) -> Response:
        """The principal, their role, and the token that changes need."""
        principal, session = principal_of(request), _session_of(request)
        sent = None if session is None else session.csrf_token
        if principal.name.startswith("proxy:"):
            sent = "proxy"  # no secret: that a page of ours sends it is all it says
        expires_at = None if session is None else session.expires_at
        return Response(_body(principal.name, principal.role, sent, expires_at), media_type="application/json")

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        session = _session_of(request)
        if session is None:
            raise RequestError(409, "there is no session to end: keys are revoked by `churn keys revoke`")
        self.access.end_session(session.sha256)
        await self.store.ask(lambda opened: end_session(opened, session.sha256))
        return Response(status_code=204, headers={"Set-Cookie": _cookie(request, "", timedelta())})

    async def _user(self, given: SignIn) -> User:
        """The user of this name and password; an unknown name takes as long as a wrong password."""
        found = await self.store.ask(lambda opened: password_of(opened, given.name))
        if not await self.passwords.match(None if found is None else found[1], given.password) or found is None:
            raise unauthorized("name or password is wrong")
        return found[0]

    async def _start(self, user: User) -> NewSession:
        try:
            return await self.store.ask(lambda opened: start_session(opened, user.name, self.lifetime))
        except AccessError:  # the user was disabled meanwhile
            raise unauthorized("name or password is wrong") from None


async def _small_body(request: Request) -> bytes:
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


def _session_of(request: Request) -> Credential | None:
    session: Credential | None = request.scope["state"].get("session")
    return session


def _body(name: str, role: str, csrf_token: str | None, expires_at: datetime | None) -> bytes:
    expires = None if expires_at is None else expires_at.isoformat()
    return as_json({"name": name, "role": role, "csrf_token": csrf_token, "expires_at": expires})


def _cookie(request: Request, token: str, lifetime: timedelta) -> str:
    name = cookie_name(headers_of(request.scope))
    secure = "; Secure" if name == SECURE_COOKIE else ""
    return f"{name}={token}; Path=/; Max-Age={int(lifetime.total_seconds())}; HttpOnly; SameSite=Strict{secure}"


_DESCRIPTION = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": SignIn.model_json_schema()}}}
}
