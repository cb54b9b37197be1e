"""Signing in, for the API and for the pages: one throttle of passwords, one way to begin and to end a session."""

from __future__ import annotations

import asyncio
import ipaddress
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from starlette.requests import Request

from churn_mlops.errors import AccessError
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.presented_identity import SECURE_COOKIE, Proxies, cookie_name, headers_of, unauthorized
from churn_mlops.serving.access.principal import Role, session_of
from churn_mlops.serving.access.rate_limit import TokenBucketLimiter
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.access.sessions import NewSession, end_session, start_session
from churn_mlops.store.access.users import User, add_vouched_user, change_password, password_matches, password_of

# The most tries in a row, and how many come back each second. A right password costs none.
PERSON_TRIES, PERSON_TRIES_PER_SECOND = 5, 1 / 30
ADDRESS_TRIES, ADDRESS_TRIES_PER_SECOND = 20, 1 / 5
_WAITING = 16


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
        """Count a try: first of the address, so that a try that it refuses costs the name nothing.

        Raises:
            RequestError: 429, there were too many.
        """
        wait = self._addresses.take(self._network(request)) or self._users.take(name.lower())
        if wait:
            message = "too many tries to sign in: wait, then try again"
            raise RequestError(429, message, headers={"Retry-After": str(math.ceil(wait))})

    def give_back(self, request: Request, name: str) -> None:
        """Undo one :meth:`take`."""
        self._addresses.give_back(self._network(request))
        self._users.give_back(name.lower())

    def _network(self, request: Request) -> str:
        """The client address; of IPv6 the network of 64 bits, of which one client has all addresses."""
        address = self._proxies.address(request.scope)
        try:
            found = ipaddress.IPv6Address(address)
        except ValueError:
            return address
        # All addresses of IPv4, written so, lie in one network.
        return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), 64), strict=False))


class SignInService:
    """Begins and ends sessions.

    Args:
        access: the valid sessions.
        store: the store.
        proxies: give the address of a client behind them.
        lifetime: of a session.
    """

    def __init__(self, access: CredentialCache, store: StoreClient, proxies: Proxies, lifetime: timedelta) -> None:
        self._access, self._store, self._lifetime = access, store, lifetime
        self._passwords, self._limits = Passwords(), SignInLimits(proxies)

    async def is_needed(self) -> bool:
        """Whether requests need a principal: there are keys or users, or it is not known yet."""
        if self._access.snapshot.read_at is None:
            await self._access.refresh()
        return not self._access.snapshot.is_open

    async def begin(self, request: Request, name: str, password: str) -> tuple[User, NewSession]:
        """Begin a session of the user of this name and password.

        Raises:
            RequestError: 401, name or password is wrong; 429, too many tries; 503, the store is unavailable.
        """
        user, verified = await self._user(request, name, password)
        try:
            started = await self._store.ask(
                lambda opened: start_session(opened, user.name, self._lifetime, verified=verified)
            )
        except AccessError:  # the user was disabled meanwhile, or has another password
            raise _wrong() from None
        await self._access.refresh()
        return user, started

    async def begin_vouched(self, name: str, role: Role) -> NewSession:
        """Begin a session of a user that the identity provider vouches for; a new user is added.

        Raises:
            AccessError: they may not sign in this way.
            RequestError: 503, the store is unavailable.
        """

        def begin(opened: Store) -> NewSession:
            return start_session(opened, add_vouched_user(opened, name, role, by="oidc").name, self._lifetime)

        started = await self._store.ask(begin)
        await self._access.refresh()
        return started

    async def end(self, request: Request) -> str:
        """End the session of ``request``.

        Returns:
            the header ``Set-Cookie`` that removes its cookie.

        Raises:
            RequestError: 409, it has no session.
        """
        session = session_of(request)
        if session is None:
            raise RequestError(409, "there is no session to end: keys are revoked by `churn keys revoke`")
        self._access.end_session(session.sha256)
        await self._store.ask(lambda opened: end_session(opened, session.sha256))
        return _cookie(request, "", timedelta())

    async def change_password(self, request: Request, name: str, present: str, new: str) -> None:
        """Give a user another password; the session of ``request`` goes on, their others end.

        Raises:
            RequestError: 401, the present password is wrong; 429, too many tries; 422, the new one is too short or
                too long; 503, the store is unavailable.
        """
        session = session_of(request)
        user, verified = await self._user(request, name, present)
        kept = None if session is None else session.sha256
        try:
            await self._store.ask(
                lambda opened: change_password(opened, user.name, new, verified=verified, keep_session=kept)
            )
        except AccessError as error:
            raise RequestError(422, str(error), [("new", str(error))]) from None
        await self._access.refresh()

    def cookie(self, request: Request, token: str) -> str:
        """The header ``Set-Cookie`` of a session that has begun."""
        return _cookie(request, token, self._lifetime)

    async def _user(self, request: Request, name: str, password: str) -> tuple[User, str]:
        """The user of this name and password, with the hash that was verified.

        An unknown name takes as long as a wrong password.
        """
        self._limits.take(request, name)
        try:
            found = await self._store.ask(lambda opened: password_of(opened, name))
            is_right = await self._passwords.match(None if found is None else found[1], password)
        except RequestError:  # no password was tried
            self._limits.give_back(request, name)
            raise
        if not is_right or found is None:
            raise _wrong()
        self._limits.give_back(request, name)
        return found


def _wrong() -> RequestError:
    return unauthorized("name or password is wrong")


def _cookie(request: Request, token: str, lifetime: timedelta) -> str:
    name = cookie_name(headers_of(request.scope))
    secure = "; Secure" if name == SECURE_COOKIE else ""
    return f"{name}={token}; Path=/; Max-Age={int(lifetime.total_seconds())}; HttpOnly; SameSite=Strict{secure}"
