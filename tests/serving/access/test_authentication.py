"""A request is decided by what is known now: let in, refused, or the store has to be read first."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.types import Scope

from churn_mlops.serving.access.authentication import AccessConfig, Allowed, Decision, Denied, NeedsRefresh, authorize
from churn_mlops.serving.access.credential_cache import OUTLIVE_SECONDS, STALE_SECONDS, CredentialSnapshot, Instant
from churn_mlops.serving.access.permissions import OPEN, rule_of
from churn_mlops.serving.access.presented_identity import Proxies
from churn_mlops.store.access.credentials import Credential, Credentials

NOW = Instant(1000.0, datetime(2026, 11, 23, 14, 5, tzinfo=UTC))
PREDICT, BATCH = rule_of("POST", "/predict"), rule_of("POST", "/predict/batch")


def credential(
    secret: str, caller: str, role: str, csrf_token: str | None = None, expires_at: datetime | None = None
) -> Credential:
    return Credential(hashlib.sha256(secret.encode()).hexdigest(), caller, role, expires_at, csrf_token)


SESSION = credential("s1", "person:anna", "agent", csrf_token="t")
_KNOWN = [
    SESSION,
    credential("k1", "key:crm", "service"),
    credential("k2", "key:phone", "agent"),
    credential("late", "key:late", "admin", expires_at=NOW.time + timedelta(seconds=1)),
    credential("over", "key:over", "admin", expires_at=NOW.time),
]
KNOWN = CredentialSnapshot(Credentials({one.sha256: one for one in _KNOWN}, True), read_at=999.0, tried_at=999.0)
EMPTY = CredentialSnapshot(Credentials({}, False), read_at=999.0, tried_at=999.0)
STALE = replace(KNOWN, tried_at=NOW.seconds - STALE_SECONDS - 0.1)
FAILED = replace(KNOWN, failed=True)
OUTLIVED = replace(FAILED, read_at=NOW.seconds - OUTLIVE_SECONDS - 0.1)
NEVER_READ = CredentialSnapshot(tried_at=999.0, failed=True)

LOCAL, PUBLIC = AccessConfig(), AccessConfig(local_only=False)
PROXY = AccessConfig(
    proxies=Proxies((ipaddress.ip_network("10.0.0.0/8"),), "X-User", None, {"anna": "analyst", "eve": "nothing"})
)


def request(*headers: tuple[str, str], method: str = "POST", path: str = "/predict", client: str = "10.0.0.1") -> Scope:
    encoded = [(name.encode(), value.encode()) for name, value in [("host", "localhost"), *headers]]
    return {"type": "http", "method": method, "path": path, "headers": encoded, "client": (client, 1)}


def key(secret: str) -> tuple[str, str]:
    return ("authorization", f"Bearer {secret}")


COOKIE, CSRF = ("cookie", "churn_session=s1"), ("x-csrf-token", "t")


def shown(decision: Decision) -> tuple[str, str | int, str | bool | None]:
    match decision:
        case Allowed(principal, session, _):
            return "allowed", principal.name, None if session is None else session.caller
        case Denied(error, principal):
            return "denied", error.status, None if principal is None else principal.name
        case NeedsRefresh(error, is_due):
            return "refresh", error.status, is_due


CASES = {
    "a known key": (request(key("k1")), KNOWN, LOCAL, ("allowed", "key:crm", None)),
    "a known key as X-API-Key": (request(("x-api-key", "k1")), KNOWN, LOCAL, ("allowed", "key:crm", None)),
    "a role that may not": (request(key("k2")), KNOWN, LOCAL, ("denied", 403, "key:phone")),
    "a key before it expires": (request(key("late")), KNOWN, LOCAL, ("allowed", "key:late", None)),
    "a key as it expires": (request(key("over")), KNOWN, LOCAL, ("refresh", 401, False)),
    "an unknown key": (request(key("k9")), KNOWN, LOCAL, ("refresh", 401, False)),
    "no key": (request(), KNOWN, LOCAL, ("refresh", 401, False)),
    "two keys": (request(key("k1"), ("x-api-key", "k1")), KNOWN, LOCAL, ("denied", 401, None)),
    "a header of a key twice": (request(key("k1"), key("k1")), KNOWN, LOCAL, ("denied", 400, None)),
    "another kind of key": (request(("authorization", "Basic k1")), KNOWN, LOCAL, ("denied", 401, None)),
    "another host": (request(("host", "evil.example")), KNOWN, LOCAL, ("denied", 400, None)),
    "a session's token as a key": (request(key("s1")), KNOWN, LOCAL, ("refresh", 401, False)),
    "a key as a session's token": (request(("cookie", "churn_session=k1")), KNOWN, LOCAL, ("refresh", 401, False)),
    "a session without its token": (request(COOKIE), KNOWN, LOCAL, ("denied", 403, None)),
    "a session with a wrong token": (request(COOKIE, ("x-csrf-token", "u")), KNOWN, LOCAL, ("denied", 403, None)),
    "a stale reading": (request(key("k1")), STALE, LOCAL, ("refresh", 503, True)),
    "a known key, the store unavailable": (request(key("k1")), FAILED, LOCAL, ("allowed", "key:crm", None)),
    "an unknown key, the store unavailable": (request(key("k9")), FAILED, LOCAL, ("refresh", 503, False)),
    "no key, the store unavailable": (request(), FAILED, LOCAL, ("refresh", 401, False)),
    "a known key, unavailable for too long": (request(key("k1")), OUTLIVED, LOCAL, ("refresh", 503, False)),
    "no key, unavailable for too long": (request(), OUTLIVED, LOCAL, ("refresh", 503, False)),
    "a store that was never read": (request(key("k1")), NEVER_READ, LOCAL, ("refresh", 503, False)),
    "no keys at all, on this machine": (request(), EMPTY, LOCAL, ("allowed", "local", None)),
    "no keys at all, a header of a key twice": (request(key("a"), key("b")), EMPTY, LOCAL, ("denied", 400, None)),
    "no keys at all, on every address": (request(), EMPTY, PUBLIC, ("denied", 503, None)),
    "no keys yet, but they are asked for": (request(), replace(EMPTY, guarded=True), LOCAL, ("refresh", 401, False)),
    "a trusted proxy": (request(("x-user", "anna"), CSRF), KNOWN, PROXY, ("allowed", "proxy:anna", None)),
    "a trusted proxy without the token": (request(("x-user", "anna")), KNOWN, PROXY, ("denied", 403, None)),
    "a trusted proxy, no role": (request(("x-user", "bob"), CSRF), KNOWN, PROXY, ("denied", 403, None)),
    "another address": (request(("x-user", "anna"), client="8.8.8.8"), KNOWN, PROXY, ("refresh", 401, False)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_request_is_decided_by_what_is_known(
    case: tuple[Scope, CredentialSnapshot, AccessConfig, tuple[str, str | int, str | bool | None]],
) -> None:
    asked, credentials, config, expected = case
    before = repr(asked)
    assert shown(authorize(asked, credentials, BATCH, NOW, config)) == expected
    assert repr(asked) == before  # it changes nothing


def test_a_session_is_let_in_with_its_token_and_to_reading_without() -> None:
    let_in = ("allowed", "person:anna", "person:anna")
    assert shown(authorize(request(COOKIE, CSRF), KNOWN, PREDICT, NOW, LOCAL)) == let_in
    model = rule_of("GET", "/model")
    assert shown(authorize(request(COOKIE, method="GET", path="/model"), KNOWN, model, NOW, LOCAL)) == let_in


def test_an_open_route_asks_for_no_key_but_for_a_host_of_this_machine() -> None:
    health = request(method="GET", path="/health")
    assert shown(authorize(health, NEVER_READ, OPEN, NOW, LOCAL)) == ("allowed", "anonymous", None)
    foreign = request(("host", "evil.example"), method="GET", path="/health")
    assert shown(authorize(foreign, KNOWN, OPEN, NOW, LOCAL)) == ("denied", 400, None)


def test_what_is_let_in_counts_for_the_rate_but_not_without_a_principal_of_its_own() -> None:
    by_key = authorize(request(key("k1")), KNOWN, PREDICT, NOW, LOCAL)
    by_no_principal = authorize(request(), EMPTY, PREDICT, NOW, LOCAL)
    assert isinstance(by_key, Allowed)
    assert isinstance(by_no_principal, Allowed)
    assert (by_key.counts, by_no_principal.counts) == (True, False)
