"""Authentication and authorization: the check of a request's API key, session or trusted proxy, with a rate limit.

The rules for an API key itself are in ``api_key_check.py``.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

from starlette.types import Scope

from churn_mlops.serving.access.api_key_check import api_key_in, principal_of_api_key, valid_credential
from churn_mlops.serving.access.credential_cache import CredentialCache, CredentialSnapshot, Instant
from churn_mlops.serving.access.permissions import Rule
from churn_mlops.serving.access.presented_identity import (
    Headers,
    Proxies,
    headers_of,
    session_in,
    unauthorized,
)
from churn_mlops.serving.access.principal import LOCAL, Principal, Role
from churn_mlops.serving.access.rate_limit import TokenBucketLimiter
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.request_limits import check_hosts
from churn_mlops.store.access.credentials import Credential

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PROBES, _METRICS = ("/health", "/ready"), "/metrics"
_ANONYMOUS = Principal("anonymous", "agent")
_RETRY = {"Retry-After": "2"}


@dataclass(frozen=True)
class AccessConfig:
    """How access is configured.

    Args:
        local_only: whether the server listens on the loopback address alone.
        allowed_hosts: names in the header ``Host`` that are answered; none means all, unless ``local_only``.
        open_metrics: whether ``/metrics`` needs no key.
        open_docs: whether ``/docs`` needs no key.
        requests_per_second: of each principal, in this process; None sets no limit.
        proxies: the trusted proxies.
    """

    local_only: bool = True
    allowed_hosts: Sequence[str] = ()
    open_metrics: bool = False
    open_docs: bool = False
    requests_per_second: float | None = None
    proxies: Proxies = field(default_factory=Proxies)


class Allowed(NamedTuple):
    """The request is let in.

    Args:
        principal: whose request it is.
        session: the session that it came with, None where it came with none.
        counts: whether it counts against the principal's rate.
    """

    principal: Principal
    session: Credential | None = None
    counts: bool = False


class Denied(NamedTuple):
    """The request is refused.

    Args:
        error: the answer.
        principal: whose rate it counts against; None if it counts against none.
        known: whose request it is, None while that is not known: the page of a refusal shows their navigation.
    """

    error: RequestError
    principal: Principal | None = None
    known: Allowed | None = None


class NeedsRefresh(NamedTuple):
    """The store has to be read before the request is decided.

    Args:
        error: the answer if reading it changes nothing.
        is_due: whether the last reading is too old; otherwise the key is not known, and may be new.
    """

    error: RequestError
    is_due: bool = False


Decision = Allowed | Denied | NeedsRefresh


def authorize(
    request: Scope, credentials: CredentialSnapshot, rule: Rule, now: Instant, config: AccessConfig
) -> Decision:
    """Decide whether a request is let in, by what is known now. It waits for nothing and changes nothing.

    Args:
        request: its method, path, headers and client.
        credentials: the keys and sessions that are known.
        rule: of the route.
        now: the instant.
        config: how access is configured.
    """
    try:
        _check_hosts(request, config)
        if rule.open:
            return Allowed(_ANONYMOUS)
        if credentials.is_due(now):
            return NeedsRefresh(_unavailable(), is_due=True)
        headers = headers_of(request, config.proxies.headers)
        if credentials.is_open:
            return Allowed(_local(request, config))
        found = _identify(request, headers, credentials, now, config)
        if found is None:
            return NeedsRefresh(_unknown(headers, credentials, now))
    except RequestError as error:
        return Denied(error)
    forged = None if rule.form else _csrf_refusal(request, headers, found)
    if forged is not None:
        return Denied(forged, known=found)
    if found.principal.role not in rule.roles:
        return Denied(_forbidden(found.principal), found.principal, known=found)
    return found


class Authenticator:
    """Lets requests in: :func:`authorize`, with the credentials of the store and a rate for each principal.

    Args:
        credentials: the valid keys and sessions.
        config: how access is configured.
    """

    def __init__(self, credentials: CredentialCache, config: AccessConfig) -> None:
        self._credentials, self._config = credentials, config
        rate = config.requests_per_second
        self._rates = None if rate is None else TokenBucketLimiter(rate, rate)

    def admit_known(self, request: Scope, rule: Rule) -> Principal | None:
        """As :meth:`admit`, without waiting; None where only :meth:`admit` can decide, or refuses."""
        decision = self._decide(request, rule)
        if not isinstance(decision, Allowed) or (decision.counts and self._take(decision.principal)):
            return None
        return decision.principal

    def give_back(self, principal: Principal) -> None:
        """Stop counting a request that :meth:`admit_known` let in: it comes again, by :meth:`admit`."""
        if self._rates is not None:
            self._rates.give_back(principal.name)

    async def admit(self, request: Scope, rule: Rule) -> Allowed:
        """Decide about a request, reading the store where that is needed.

        It sets ``request["state"]["caller"]``, and of a session ``request["state"]["session"]``, also for a refusal if
        the principal is known.

        Raises:
            RequestError: 400, 401, 403, 429 or 503: the request is not let in.
        """
        decision = self._decide(request, rule)
        if isinstance(decision, NeedsRefresh) and decision.is_due:
            await self._credentials.refresh()
            decision = self._decide(request, rule)
        if isinstance(decision, NeedsRefresh):
            await self._credentials.look_again()
            decision = self._decide(request, rule)
        if isinstance(decision, NeedsRefresh):
            raise decision.error
        if isinstance(decision, Denied):
            _note(request, decision.known)
            self._check_rate(decision.principal)
            raise decision.error
        _note(request, decision)
        self._check_rate(decision.principal if decision.counts else None)
        return decision

    def _decide(self, request: Scope, rule: Rule) -> Decision:
        credentials = self._credentials
        return authorize(request, credentials.snapshot, rule, credentials.now(), self._config)

    def _take(self, principal: Principal) -> float:
        return 0.0 if self._rates is None else self._rates.take(principal.name)

    def _check_rate(self, principal: Principal | None) -> None:
        wait = 0.0 if principal is None else self._take(principal)
        if wait:
            message = f"more than {self._config.requests_per_second:g} requests a second: wait, then go on"
            raise RequestError(429, message, headers={"Retry-After": str(math.ceil(wait))})


def _note(request: Scope, known: Allowed | None) -> None:
    if known is not None:
        request["state"]["caller"] = known.principal
        if known.session is not None:
            request["state"]["session"] = known.session


def _check_hosts(request: Scope, config: AccessConfig) -> None:
    # Probes and Prometheus ask a container by its address.
    if config.local_only or (config.allowed_hosts and request["path"] not in _PROBES):
        check_hosts(request, config.allowed_hosts, addresses=request["path"] == _METRICS and not config.local_only)


def _local(request: Scope, config: AccessConfig) -> Principal:
    """The principal of every request from this machine, where there are no keys."""
    if not config.local_only:
        message = "no keys are configured, so no request is let in: make the first by `churn keys create`"
        raise RequestError(503, message, headers=_RETRY)
    check_hosts(request)
    return LOCAL


def _identify(
    request: Scope, headers: Headers, credentials: CredentialSnapshot, now: Instant, config: AccessConfig
) -> Allowed | None:
    """The principal of an API key, a session or a proxy, whatever their role may do; None where they are not known."""
    key = api_key_in(headers)
    if key is not None:
        principal = principal_of_api_key(key, credentials, now)
        return None if principal is None else Allowed(principal, counts=True)
    token = session_in(headers)
    session = None if token is None else valid_credential(token.encode("latin-1"), credentials, now)
    if session is not None and session.csrf_token is not None:
        return Allowed(Principal(session.caller, cast("Role", session.role)), session, counts=True)
    principal = config.proxies.principal(request, headers)
    return None if principal is None else Allowed(principal, counts=True)


def _csrf_refusal(request: Scope, headers: Headers, found: Allowed) -> RequestError | None:
    """A browser sends cookies along with what a foreign page has it send; it never adds this header, nor a key.

    A user who signed in to a proxy has no token: the header itself is what a foreign page cannot send. A form has its
    token in its body, which `read_form` of the console checks.
    """
    if request["method"] in _SAFE_METHODS or found.principal.name.startswith("key:"):
        return None
    token = None if found.session is None else found.session.csrf_token
    given = headers.get(b"x-csrf-token")
    if given is not None and (token is None or hmac.compare_digest(given, token.encode())):
        return None
    return RequestError(403, "the header X-CSRF-Token is missing or wrong: GET /session returns it")


def _unknown(headers: Headers, credentials: CredentialSnapshot, now: Instant) -> RequestError:
    is_presented = api_key_in(headers) is not None or session_in(headers) is not None
    if credentials.is_unavailable and (is_presented or not credentials.is_trusted(now)):
        return _unavailable()
    if not is_presented:
        return unauthorized("send an API key, as Authorization: Bearer KEY or as X-API-Key; or sign in")
    return unauthorized("the key or session is not valid: it is unknown, expired, revoked or ended")


def _unavailable() -> RequestError:
    message = "the store cannot be reached, so it is not known which keys are valid: try again in a few seconds"
    return RequestError(503, message, headers=_RETRY)


def _forbidden(principal: Principal) -> RequestError:
    return RequestError(403, f"the role {principal.role} may not do that: docs/security.md says which role may")
