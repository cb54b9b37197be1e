"""Authorization: every route, every role, every kind of refusal; and the audit log of them."""

from __future__ import annotations

import ast
import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import Route

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.access.permissions import ADMIN_ONLY, TABLE, pattern_of, rule_of
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import hash_of, list_keys, revoke_key
from churn_mlops.store.audit_log import audit_events
from tests.serving.access.secured_app import (
    Guarded,
    add_unlisted_route,
    bearer,
    cookie,
    fill,
)

SOURCE = Path(__file__).parents[3] / "src" / "churn_mlops"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    return fill(tmp_path_factory.mktemp("guarded"))


@pytest.fixture
def own(tmp_path: Path) -> Guarded:
    """One whose store may be changed."""
    return fill(tmp_path)


@pytest.fixture
def client(guarded: Guarded, source: ModelSlot) -> Iterator[TestClient]:
    with guarded.client(source, more=add_unlisted_route) as client:
        yield client


def routes(client: TestClient) -> list[tuple[str, str]]:
    """Method and path of every route of the application."""
    return [
        (method, route.path)
        for route in client.app.routes  # type: ignore[attr-defined]
        if isinstance(route, APIRoute | Route)
        for method in sorted(route.methods or ())
        if method != "DELETE"  # signing out ends what the other cases need; it has a test of its own
    ]


def ask(client: TestClient, method: str, path: str, headers: dict[str, str] | None = None) -> int:
    body = b"{}" if method == "POST" else None
    given = {"Content-Type": "application/json"} | (headers or {})
    answer = client.request(method, path.replace("{customer}", "C017"), content=body, headers=given)
    if answer.status_code >= 400 and method != "HEAD":
        error = answer.json()
        assert list(error) == ["status", "error", "fields", "request_id"]
        assert error["status"] == answer.status_code
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    return answer.status_code


def test_every_route_stands_in_the_table_except_the_unlisted_one(client: TestClient) -> None:
    missing = {(method, path) for method, path in routes(client) if (method, pattern_of(path)) not in TABLE}
    assert missing == {("POST", "/not/in/the/table")}
    assert rule_of("POST", "/not/in/the/table") == ADMIN_ONLY


def test_a_session_needs_its_own_csrf_token_for_changes_alone(client: TestClient, guarded: Guarded) -> None:
    session = guarded.sessions["agent"]
    for wrong in ("", "x", guarded.sessions["admin"][1]):
        headers = cookie(session, csrf=wrong)
        assert ask(client, "POST", "/predict", headers) == 403
        assert ask(client, "GET", "/model", headers) == 200
    assert ask(client, "POST", "/predict", {"Cookie": f"churn_session={session[0]}"}) == 403
    assert ask(client, "POST", "/predict", cookie(session)) == 422


def test_only_known_principals_learn_that_an_address_is_unknown(client: TestClient, guarded: Guarded) -> None:
    assert ask(client, "GET", "/nowhere") == 401
    assert ask(client, "GET", "/nowhere", bearer(guarded.keys["agent"])) == 404
    assert ask(client, "GET", "/predict", bearer(guarded.keys["agent"])) == 405


def test_every_secret_is_compared_in_constant_time(
    client: TestClient, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[object] = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append(b) or real(a, b))
    key, (token, csrf) = guarded.keys["agent"], guarded.sessions["agent"]
    by_key, by_session = hash_of(key), hash_of(token)
    for headers in (bearer(key), {"X-API-Key": key}):
        assert ask(client, "GET", "/model", headers) == 200
    assert compared == [by_key, by_key]
    compared.clear()
    assert ask(client, "POST", "/predict", cookie((token, csrf))) == 422
    assert ask(client, "POST", "/predict", cookie((token, csrf), csrf=csrf[:-1])) == 403
    assert compared == [by_session, csrf.encode()] * 2


def test_nothing_secret_is_compared_sign_by_sign() -> None:
    """These compare hashes by name: the time of a guess shows nothing about a hash."""
    secret = re.compile(r"(key|token|secret|password|csrf\w*|digest|sha256)$")
    rooms = [*(SOURCE / "serving").rglob("*.py"), *(SOURCE / "store" / "access").glob("*.py")]
    assert len(rooms) > 40
    found = set()
    for path in rooms:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
                found |= {name for side in (node.left, *node.comparators) if secret.search(name := ast.unparse(side))}
    assert found == {"sha256", "SESSIONS.c.sha256", "API_KEYS.c.sha256"}


def test_reading_a_customer_stands_in_the_trail_by_hash_before_it_is_answered(
    own: Guarded, source: ModelSlot, capsys: pytest.CaptureFixture[str]
) -> None:
    with own.client(source) as client:
        answer = client.get("/customers/C017-secret/risk", headers=bearer(own.keys["agent"]))
        assert (answer.json()["customer_id"], answer.json()["origin"]) == ("C017-secret", "source")
        assert ask(client, "GET", "/customers/C017-secret/risk", bearer(own.keys["analyst"])) == 403
    with open_store(own.address) as store:
        (event,) = [event for event in audit_events(store) if event.event == "customer.read"]
    assert (event.caller, event.customer_hash) == ("key:agent-key", customer_hash("churn", "C017-secret"))
    assert event.details == {"route": "/customers/{customer_id}/risk", "request_id": answer.headers["X-Request-Id"]}
    logged = capsys.readouterr()
    assert "C017-secret" not in logged.out + logged.err


def test_no_key_no_password_and_no_customer_is_logged(
    own: Guarded, source: ModelSlot, customer: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    session = own.sessions["agent"]
    secrets = [*own.keys.values(), *session, "a wrong password", "41.375", "month-to-month", "C017-secret"]
    with own.client(source) as client:
        for headers in (*map(bearer, own.keys.values()), cookie(session), cookie(session, csrf="x")):
            client.post("/predict", json=customer | {"tenure": 41.375}, headers=headers)
            client.get("/customers/C017-secret/risk?key=" + own.keys["admin"], headers=headers)
        client.post("/session", json={"name": "agent-person", "password": "a wrong password"})
    logged = capsys.readouterr()
    text = logged.out + logged.err
    assert text.count("request") > 10
    assert [secret for secret in secrets if secret in text] == []


def test_a_revoked_key_is_dead_with_the_next_reading(own: Guarded, source: ModelSlot) -> None:
    with own.client(source, key_refresh_seconds=0.01) as client:
        assert ask(client, "GET", "/model", bearer(own.keys["agent"])) == 200
        with open_store(own.address) as store:
            (key,) = [key for key in list_keys(store) if key.name == "agent-key"]
            revoke_key(store, key.id, by="test")
        # Another key, not known yet, has the store read; the revoked one is gone with that.
        assert ask(client, "GET", "/model", bearer("churn_unknown")) == 401
        assert ask(client, "GET", "/model", bearer(own.keys["agent"])) == 401


def test_each_key_has_its_own_rate_limit_and_learns_when_to_go_on(guarded: Guarded, source: ModelSlot) -> None:
    with guarded.client(source, requests_per_second=0.01) as client:
        agent, admin = (bearer(guarded.keys[role]) for role in ("agent", "admin"))
        assert ask(client, "GET", "/model", agent) == 200
        answer = client.get("/model", headers=agent)
        assert (answer.status_code, answer.json()["status"]) == (429, 429)
        assert 90 <= int(answer.headers["Retry-After"]) <= 100
        assert ask(client, "GET", "/model", admin) == 200
        assert ask(client, "GET", "/health") == 200


def test_metrics_and_documentation_are_open_by_setting(guarded: Guarded, source: ModelSlot) -> None:
    with guarded.client(source, metrics="open", docs="open") as client:
        for path in ("/metrics", "/docs", "/docs/swagger-ui.css", "/openapi.json"):
            assert ask(client, "GET", path) == 200
        assert ask(client, "GET", "/model") == 401


def test_metrics_are_answered_by_address_too_and_all_else_by_an_allowed_name_alone(
    guarded: Guarded, source: ModelSlot
) -> None:
    key = bearer(guarded.keys["admin"])
    with guarded.client(source, local_only=False, allowed_hosts=["churn.example.com"]) as client:

        def status(path: str, host: str) -> int:
            return client.get(path, headers=key | {"Host": host}).status_code

        for host in ("10.1.2.3:8000", "10.1.2.3", "[2001:db8::1]:8000", "churn.example.com"):
            assert [status(path, host) for path in ("/health", "/ready", "/metrics")] == [200, 200, 200], host
        for host in ("evil.example", "evil.example:8000", "10.1.2.3.evil.example", "10.1.2.3@evil.example"):
            assert status("/metrics", host) == 400, host
        assert [status("/model", host) for host in ("10.1.2.3:8000", "churn.example.com:8000")] == [400, 200]
    with guarded.client(source, allowed_hosts=["churn.example.com"]) as client:  # on loopback a probe has no other host
        assert client.get("/metrics", headers=key | {"Host": "10.1.2.3"}).status_code == 400


def test_every_answer_has_strict_headers(client: TestClient, guarded: Guarded) -> None:
    for path, headers in (("/health", {}), ("/model", {}), ("/model", bearer(guarded.keys["agent"])), ("/no", {})):
        answer = client.get(path, headers=headers)
        assert "default-src 'none'; frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_of_the_documentation_allows_its_own_scripts_alone(client: TestClient, guarded: Guarded) -> None:
    page = client.get("/docs", headers=bearer(guarded.keys["agent"]))
    policy = page.headers["Content-Security-Policy"]
    script = page.text.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert page.text.count("<script") == page.text.count("<script src=") + 1
    assert "frame-ancestors 'none'" in policy


def test_a_contact_stands_in_the_trail_under_the_hash_of_its_customer(client: TestClient, guarded: Guarded) -> None:
    given = bearer(guarded.keys["agent"]) | {"Idempotency-Key": "one"}
    body = {"customer_id": "C000017", "offer": "a free month", "result": "accepted"}
    assert client.post("/contacts", json=body, headers=given).status_code == 201
    assert client.get("/contacts", params={"customer": "C000017"}, headers=given).json()["contacts"]
    with open_store(guarded.address) as store:
        noted = audit_events(store, about=customer_hash("churn", "C000017"))
    assert [one.details["route"] for one in noted] == ["/contacts", "/contacts"]
    assert "C000017" not in repr(noted)
