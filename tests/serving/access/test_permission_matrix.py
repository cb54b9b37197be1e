"""Every address, method and principal: exactly those are let in that ``docs/security.md`` names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi.testclient import TestClient
from httpx import ASGITransport, AsyncClient, Response
from starlette.routing import Route

from churn_mlops.serving.access.permissions import pattern_of, rule_of
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import open_store
from churn_mlops.store.access.sessions import start_session
from churn_mlops.store.access.users import add_user
from churn_mlops.store.audit_log import AuditEvent, audit_events
from churn_mlops.store.contacts import contacts
from tests.serving.access.documented_permissions import Promise, promises
from tests.serving.access.secured_app import (
    KEY_ROLES,
    PASSWORD,
    PERSON_ROLES,
    Guarded,
    add_unlisted_route,
    bearer,
    cookie,
    fill,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ENDING = [("DELETE", "/session"), ("POST", "/sign-out"), ("POST", "/account/sessions")]
UNREACHED = {"issuer": "http://127.0.0.1:9", "client_id": "churn", "roles": ["*=agent"]}
READING = ("GET", "HEAD", "OPTIONS")
PROMISED = promises()


@dataclass(frozen=True)
class Way:
    """One way of saying who one is.

    Args:
        name: for people.
        role: of the principal, None if it identifies none.
        headers: that say so.
        may_change: whether it does for what is no reading.
        spare: headers of the same kind for each of ``ENDING``, whose session is ended by the question.
    """

    name: str
    role: str | None
    headers: dict[str, str]
    may_change: bool = True
    spare: list[dict[str, str]] | None = None

    def headers_for(self, method: str, path: str) -> dict[str, str]:
        """The body and headers of one request."""
        if self.spare is None or (method, path) not in ENDING:
            return self.headers
        return self.spare[ENDING.index((method, path))]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    made = fill(tmp_path_factory.mktemp("guarded"))
    with_spares(made)
    return made


@pytest.fixture
def client(guarded: Guarded, source: ModelSlot) -> Iterator[TestClient]:
    with guarded.client(source, more=add_unlisted_route, oidc=UNREACHED) as client:
        yield client


def with_spares(guarded: Guarded) -> None:
    """Further sessions for every role, one for each way to end one; who ends all their others is someone else."""
    with open_store(guarded.address) as store:
        for role in PERSON_ROLES:
            add_user(store, f"{role}-alone", PASSWORD, role, by="test")
        for role, end in product(PERSON_ROLES, ENDING):
            person = f"{role}-alone" if end[1] == "/account/sessions" else f"{role}-person"
            begun = start_session(store, person, timedelta(hours=1))
            guarded.sessions[f"{role}, {end}"] = (begun.token, begun.csrf_token)


def ways(guarded: Guarded) -> list[Way]:
    """All of them."""
    keys, sessions = guarded.keys, guarded.sessions
    found = [Way(f"{role}'s key", role, bearer(keys[role])) for role in KEY_ROLES]
    found += [Way(f"{role}'s X-API-Key", role, {"X-API-Key": keys[role]}) for role in KEY_ROLES]
    for role in PERSON_ROLES:
        mine, other = sessions[role], sessions["agent" if role == "admin" else "admin"]
        kept = {"Cookie": cookie(mine)["Cookie"]}
        found += [
            Way(f"{role}'s session", role, cookie(mine), spare=[cookie(sessions[f"{role}, {end}"]) for end in ENDING]),
            Way(f"{role}'s session, no token", role, kept, may_change=False),
            Way(f"{role}'s session, another's token", role, cookie(mine, csrf=other[1]), may_change=False),
            Way(f"{role}'s session, its cookie for a token", role, cookie(mine, csrf=mine[0]), may_change=False),
        ]
    admin, session = keys["admin"], sessions["admin"]
    anonymous = {
        "nothing": {},
        "a wrong key": bearer("churn_" + "A" * 43),
        "an expired key": bearer(keys["expired"]),
        "a revoked key": bearer(keys["revoked"]),
        "a revoked X-API-Key": {"X-API-Key": keys["revoked"]},
        "a key with one sign more": bearer(admin + "A"),
        "a key in capitals": bearer(admin.upper()),
        "a key as basic": {"Authorization": f"Basic {admin}"},
        "a key twice": bearer(admin) | {"X-API-Key": admin},
        "a key as a cookie": cookie((admin, "x")),
        "a key in the query of a referrer": {"Referer": f"http://localhost/?key={admin}"},
        "a session as a key": bearer(session[0]),
        "a token for changes alone": {"X-CSRF-Token": session[1]},
        "an expired session": cookie(sessions["expired"]),
        "the session of a disabled user": cookie(sessions["disabled"]),
        "a cookie of another name": {"Cookie": f"__Host-churn_session={session[0]}", "X-CSRF-Token": session[1]},
        "a proxy's headers from anywhere": {"X-Forwarded-User": "admin-person", "X-Forwarded-For": "10.0.0.5"},
    }
    return found + [Way(name, None, headers) for name, headers in anonymous.items()]


def addresses(client: TestClient) -> list[str]:
    """Every path of the application."""
    routes = [route for route in client.app.routes if isinstance(route, Route)]  # type: ignore[attr-defined]
    return sorted({route.path for route in routes})


def ask(client: TestClient, method: str, path: str, headers: dict[str, str], customer: dict[str, Any]) -> Response:
    return checked(client.request(**question(method, path, headers, customer)))


def question(method: str, path: str, headers: dict[str, str], customer: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a client that asks for ``path`` with ``method``."""
    body: dict[str, Any] = {
        "/predict": customer,
        "/predict/batch": {"customers": [customer]},
        "/contacts": {"customer_id": "C1", "offer": "20 % off", "result": "offered"},
    }.get(path, {})
    key = f"{method} {headers}"[-40:]
    given = {"Content-Type": "application/json", "Idempotency-Key": key} | headers
    where = path.replace("{customer_id}", "C017").replace("{contact_id}", "1").replace("{prediction_id}", "0" * 32)
    where = where.replace("{campaign_id}", "1").replace("{version}", "1")
    where = (
        where.replace("{customer_id:path}", "C017")
        .replace("{customer_id:customer_of_page}", "C017")
        .replace("{name}", "console.css")
    )
    where = "/customers?id=C017" if where == "/customers" else where
    content = json.dumps(body)
    if rule_of(method, pattern_of(path)).form:
        given |= {"Content-Type": "application/x-www-form-urlencoded"}
        keyed = {"key": f"form-{abs(hash(key))}"} if path in ("/contact", "/note") else {}
        content = urlencode(FORMS[path] | keyed)
    return {"method": method, "url": where, "content": content, "headers": given, "follow_redirects": False}


def checked(answer: Response) -> Response:
    """The answer, whose error has the one shape of all."""
    is_page = "text/html" in answer.headers.get("Content-Type", "")
    if answer.status_code >= 400 and answer.request.method != "HEAD" and not is_page:
        assert list(answer.json()) == ["status", "error", "fields", "request_id"]
    return answer


FORMS = {
    "/contact": {"customer_id": "C1", "offer": "20 % off", "result": "offered"},
    "/work": {"customer_id": "C1", "version": "0", "do": "take"},
    "/list/work": {"row-1": "0", "do": "take", "list": "/list", "published": "1 2026-11-23"},
    "/note": {"customer_id": "C1", "text": "They move in May."},
    "/sign-in": {"name": "", "password": ""},
    "/sign-out": {},
    "/campaigns": {"name": ""},
    "/campaigns/{campaign_id}/end": {"reason": "over"},
    "/models/rollback": {"reason": "over"},
    "/models/{version}/promote": {"reason": "better"},
    "/account/password": {"present": "wrong", "new": "long enough for all", "again": "long enough for all"},
    "/users": {"name": "", "role": "agent"},
    "/users/{name}": {"do": "enable"},
    "/keys": {"name": "", "role": "service", "expires": "90"},
    "/keys/revoke": {"key": "none"},
    "/account/sessions": {},
    "/theme": {"theme": "dark"},
}


def expected(way: Way, method: str, path: str, methods: set[str]) -> set[int]:
    """The statuses that the page allows."""
    promise = PROMISED.get((method, pattern_of(path)), Promise(frozenset({"admin"}), ""))
    is_open = any("everyone" in PROMISED[route].callers for route in PROMISED if route[1] == pattern_of(path))
    if method not in methods:
        if way.role is None or not (way.may_change or method in READING):
            return {405} if is_open else {401} if way.role is None else {403}
        return {405}
    if promise.lets_in(None) and rule_of(method, pattern_of(path)).form:
        return {403, 303, 422}  # the form is let in by its token alone
    if promise.lets_in(None):
        return _OPEN.get(path, {200, 422})  # an empty sign-in is let in, and is none
    if way.role is None:
        return {401}
    if not (way.may_change or method in READING) or not promise.lets_in(way.role):
        return {403}
    return _DONE.get((method, path), {200})


_OPEN = {"/sign-in/oidc": {503}, "/sign-in/oidc/back": {401}}  # no provider answers, and no sign-in was begun
_DONE = {
    ("POST", "/contacts"): {201, 200},
    ("GET", "/contacts/{contact_id}"): {200, 404},
    ("GET", "/predictions"): {404},  # nothing is published
    ("POST", "/api/contacts/import"): {422},  # the body is no CSV
    ("GET", "/customers/{customer_id:path}/timeline"): {404},
    ("POST", "/customers/{customer_id:path}/notes"): {422},  # without a text
    ("POST", "/customers/{customer_id:path}/do-not-contact"): {422},
    ("GET", "/api/list"): {404},
    ("GET", "/api/dashboard"): {404},  # nothing is measured
    ("GET", "/api/dashboard/rows"): {422},  # without the name of a figure
    ("GET", "/dashboard/rows"): {422},
    ("POST", "/api/list/{customer_id:path}/take"): {404},
    ("POST", "/api/list/{customer_id:path}/hand-on"): {422},
    ("POST", "/api/list/{customer_id:path}/snooze"): {422},
    ("POST", "/api/list/{customer_id:path}/done"): {422},
    ("POST", "/api/campaigns"): {422},
    ("GET", "/api/campaigns/{campaign_id}"): {404},
    ("POST", "/api/campaigns/{campaign_id}/end"): {422},
    ("POST", "/api/models/rollback"): {422},  # without a reason
    ("POST", "/api/models/{version}/promote"): {422},
    ("GET", "/models/compare"): {422},  # without two versions
    ("GET", "/models/rollback"): {404},  # nothing was ever live
    ("POST", "/models/rollback"): {404},
    ("GET", "/models/{version}/promote"): {404},
    ("POST", "/models/{version}/promote"): {404},
    ("GET", "/predictions/{prediction_id}"): {404},
    ("DELETE", "/session"): {204, 409},  # a key has no session to end
    ("POST", "/contact"): {303},
    ("POST", "/note"): {303},
    ("POST", "/work"): {404},  # no list is published
    ("POST", "/list/work"): {404},
    ("POST", "/sign-out"): {303, 409},
    ("POST", "/campaigns"): {422},  # without a name
    ("GET", "/campaigns/{campaign_id}"): {404},
    ("POST", "/campaigns/{campaign_id}/end"): {404},
    ("POST", "/users"): {409},  # without a name
    ("GET", "/users/{name}"): {404},
    ("POST", "/users/{name}"): {404},
    ("POST", "/keys"): {409},
    ("POST", "/keys/revoke"): {409},
    ("POST", "/theme"): {303},
    ("POST", "/account/sessions"): {303, 409},
    ("POST", "/account/password"): {401, 409, 429},  # none knows the password; a key has none to change
    ("GET", "/list.csv"): {404},
    ("GET", "/list.xlsx"): {404},
}


def test_exactly_the_principals_that_the_page_names_are_let_in(
    client: TestClient, guarded: Guarded, customer: dict[str, Any]
) -> None:
    routes = [route for route in client.app.routes if isinstance(route, Route)]  # type: ignore[attr-defined]

    async def ask_all() -> tuple[list[tuple[str, str, str, int]], int]:
        """In the loop of the application: a client outside of it takes several times as long for a request."""
        wrong, asked = [], 0
        transport = ASGITransport(client.app, client=("127.0.0.1", 50_000))
        async with AsyncClient(transport=transport, base_url="http://localhost") as inside:
            for path, method, way in product(addresses(client), METHODS, ways(guarded)):
                methods = {name for route in routes if route.path == path for name in route.methods or ()}
                answer = await inside.request(**question(method, path, way.headers_for(method, path), customer))
                asked += 1
                if checked(answer).status_code not in expected(way, method, path, methods):
                    wrong.append((method, path, way.name, answer.status_code))
        return wrong, asked

    assert client.portal is not None
    wrong, asked = client.portal.call(ask_all)
    assert wrong == []
    assert asked == len(addresses(client)) * len(METHODS) * len(ways(guarded))
    assert {
        (method, pattern_of(path)) for route in routes for path in [route.path] for method in route.methods or ()
    } == {
        *PROMISED,
        ("POST", "/not/in/the/table"),
    }


def test_who_is_refused_changes_nothing_and_only_what_is_answered_is_noted(
    tmp_path: Path, source: ModelSlot, customer: dict[str, Any]
) -> None:
    own = fill(tmp_path)
    with_spares(own)
    session = own.sessions["admin"]

    def noted() -> list[AuditEvent]:
        with open_store(own.address) as store:
            assert contacts(store, limit=1) == []
            return audit_events(store, limit=1000)

    before = noted()
    with own.client(source) as client:
        refused = [way for way in ways(own) if way.role is None or not way.may_change]
        routes = ("POST /contacts", "DELETE /session", "GET /audit", "GET /customers/{customer_id}/risk")
        for method, path in (route.split() for route in routes):
            for way in refused:
                if way.role is None or method not in READING:
                    assert ask(client, method, path, way.headers_for(method, path), customer).status_code in (401, 403)
        assert noted() == before
        assert client.get("/session", headers=cookie(session)).status_code == 200  # no request ended it


def test_a_session_is_ended_by_its_own_token_and_is_dead_then(tmp_path: Path, source: ModelSlot) -> None:
    own = fill(tmp_path)
    mine, other = own.sessions["agent"], own.sessions["admin"]
    with own.client(source) as client:
        assert client.delete("/session", headers=cookie(mine, csrf=other[1])).status_code == 403
        assert client.delete("/session", headers=bearer(own.keys["agent"])).status_code == 409
        assert client.delete("/session", headers=cookie(mine)).status_code == 204
        assert client.get("/session", headers=cookie(mine)).status_code == 401
        assert client.get("/session", headers=cookie(other)).status_code == 200


@pytest.mark.parametrize("path", sorted({path for _, path in PROMISED if "{" not in path}))
def test_another_way_of_writing_an_address_leads_round_no_gate(client: TestClient, path: str) -> None:
    is_open = any("everyone" in PROMISED[route].callers for route in PROMISED if route[1] == path)
    for way in (path, f"{path}/", f"/{path}", f"{path}%00", f"/.{path}", path.replace("/", "/%2e/", 1), path.upper()):
        status = client.get(way, follow_redirects=False).status_code
        assert status == 401 or (is_open and status in (200, 405, 404, *_OPEN.get(path, ()))), (way, status)
