"""Who is let in: by a key, a session or a trusted proxy, how often, and to what."""

from __future__ import annotations

import hashlib
import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from starlette.types import Scope

from churn_mlops.serving.access.credential_cache import Access
from churn_mlops.serving.access.permissions import Rule
from churn_mlops.serving.access.presented_identity import Headers, Proxies, headers_of, key_in, session_in, unauthorized
from churn_mlops.serving.access.principal import LOCAL, Caller, Role
from churn_mlops.serving.access.rate_limit import Buckets
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.request_limits import check_hosts
from churn_mlops.store.access.credentials import Credential

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


class Admission:
    """Lets callers in. On the way of a known key nothing is waited for: one hash, one look into a dictionary.

    Args:
        access: the valid keys and sessions.
        house: how it is set.
    """

    def __init__(self, access: Access, house: House) -> None:
        self._access, self._house = access, house
        rate = house.requests_per_second
        self._rates = None if rate is None else Buckets(rate, rate)
        self._once = house.proxies.headers

    def at_once(self, scope: Scope, rule: Rule) -> Caller | None:
        """As :meth:`admit`, where nothing has to be waited for; None where only it can tell, or refuses."""
        if self._access.is_due:
            return None
        try:
            self._check_hosts(scope)
            if self._access.is_open:
                return self._local(scope)
            caller = self._caller(scope, headers_of(scope, self._once))
            if caller is None or caller.role not in rule.roles:
                return None
            self._check(caller, scope, rule)
        except RequestError:
            return None
        return caller

    def forget(self, caller: Caller) -> None:
        """Count a request that :meth:`at_once` let in no more: it comes again, by :meth:`admit`."""
        if self._rates is not None:
            self._rates.give_back(caller.name)

    async def admit(self, scope: Scope, rule: Rule) -> Caller:
        """Who asks.

        Raises:
            RequestError: 400, 401, 403, 429 or 503: he is not let in.
        """
        access = self._access
        self._check_hosts(scope)
        if rule.open:
            return _ANONYMOUS
        if access.is_due:
            await access.refresh()
        headers = headers_of(scope, self._once)
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

    def _check_hosts(self, scope: Scope) -> None:
        house = self._house
        # Probes ask a container by its address.
        if house.local_only or (house.allowed_hosts and scope["path"] not in _PROBES):
            check_hosts(scope, house.allowed_hosts)


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
