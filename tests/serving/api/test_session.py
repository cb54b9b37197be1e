"""People sign in and out; guessing is slowed down; a proxy's word counts only from the proxy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.serving.access.sign_in import ADDRESS_TRIES, PERSON_TRIES
from churn_mlops.serving.http.small_body import BODY_BYTES
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import open_store
from churn_mlops.store.access.users import disable_user
from churn_mlops.store.audit_log import audit_events
from tests.serving.access.secured_app import PASSWORD, Guarded, bearer, fill

AGENT = {"name": "agent-person", "password": PASSWORD}


@pytest.fixture
def guarded(tmp_path: Path) -> Guarded:
    return fill(tmp_path)


@pytest.fixture
def client(guarded: Guarded, source: ModelSlot) -> Iterator[TestClient]:
    with guarded.client(source) as client:
        yield client


def test_sign_in_look_change_and_sign_out(client: TestClient, guarded: Guarded, customer: dict[str, object]) -> None:
    answer = client.post("/session", json=AGENT)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["role"]) == ("person:agent-person", "agent")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("churn_session=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert client.get("/session").json() == body
    assert client.post("/predict", json=customer).status_code == 403
    csrf = {"X-CSRF-Token": body["csrf_token"]}
    assert client.post("/predict", json=customer, headers=csrf).status_code == 200
    assert client.delete("/session").status_code == 403
    token = client.cookies["churn_session"]
    assert client.delete("/session", headers=csrf).status_code == 204
    assert "churn_session" not in client.cookies
    assert client.get("/session", headers={"Cookie": f"churn_session={token}"}).status_code == 401
    with open_store(guarded.address) as store:
        named = [event.event for event in audit_events(store) if event.caller == "person:agent-person"]
    assert named[:2] == ["session.ended", "session.started"]


def test_off_this_machine_the_cookie_is_secure_and_bound_to_the_host(guarded: Guarded, source: ModelSlot) -> None:
    with guarded.client(source, local_only=False, allowed_hosts=["churn.example.com"]) as client:
        host = {"Host": "churn.example.com"}
        cookie = client.post("/session", json=AGENT, headers=host).headers["Set-Cookie"]
        assert cookie.startswith("__Host-churn_session=")
        assert "Secure" in cookie.split("; ")
        brought = host | {"Cookie": cookie.split(";")[0]}
        assert client.get("/session", headers=brought).json()["role"] == "agent"
        assert client.get("/session", headers=brought | {"Host": "evil.example"}).status_code == 400
        assert client.get("/health", headers={"Host": "10.1.2.3:8000"}).status_code == 200


def test_a_wrong_name_and_a_wrong_password_are_answered_alike_and_count(client: TestClient) -> None:
    answers = set()
    for given in (AGENT | {"password": "wrong"}, AGENT | {"name": "nobody"}, AGENT | {"name": "disabled-person"}):
        answer = client.post("/session", json=given)
        assert "Set-Cookie" not in answer.headers
        answers.add((answer.status_code, answer.json()["error"]))
    assert answers == {(401, "name or password is wrong")}


def test_tries_that_the_address_refuses_cost_the_name_nothing(guarded: Guarded, source: ModelSlot) -> None:
    with guarded.client(source, trusted_proxies=["127.0.0.1"]) as client:

        def status(name: str, password: str, address: str) -> int:
            given = {"name": name, "password": password}
            return client.post("/session", json=given, headers={"X-Forwarded-For": address}).status_code

        foreign = [status(f"guess-{number}", "wrong", f"2001:db8::{number}") for number in range(ADDRESS_TRIES + 1)]
        assert foreign == [401] * ADDRESS_TRIES + [429]  # one client has all addresses of a network of 64 bits
        for _ in range(2 * PERSON_TRIES):
            assert status("agent-person", "wrong", "2001:db8::ffff") == 429
        own = [status("agent-person", "wrong", "192.0.2.7") for _ in range(PERSON_TRIES - 1)]
        assert own == [401] * (PERSON_TRIES - 1)
        assert status("agent-person", PASSWORD, "192.0.2.7") == 201


def test_guessing_is_slowed_down_for_a_person_and_for_an_address(client: TestClient) -> None:
    wrong = AGENT | {"password": "wrong"}
    statuses = [client.post("/session", json=wrong).status_code for _ in range(PERSON_TRIES + 1)]
    assert statuses == [401] * PERSON_TRIES + [429]
    answer = client.post("/session", json=AGENT)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 30
    assert client.post("/session", json={"name": "admin-person", "password": PASSWORD}).status_code == 201
    names = (f"guess-{number}" for number in range(ADDRESS_TRIES))
    last = [client.post("/session", json=wrong | {"name": name}).status_code for name in names]
    assert last[-1] == 429


def test_signing_in_rightly_costs_no_tries(client: TestClient) -> None:
    assert {client.post("/session", json=AGENT).status_code for _ in range(PERSON_TRIES + 2)} == {201}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"name": "agent-person", "password": "x"}', "text/plain", (415, 422)),
        (b"name=agent-person&password=x", "application/x-www-form-urlencoded", (415, 422)),
        (b'{"name": "agent-person", "password": "x"}', "application/jsonx", (415,)),
        (b'{"name": "agent-person", "password": "x"}', "text/plain; application/json", (415,)),
        (b'{"name": "agent-person"}', "application/json", (422,)),
        (b'{"name": "a", "password": "secret-in-clear", "x": 1}', "application/json", (422,)),
        (b"{", "application/json", (422,)),
    ],
)
def test_what_is_no_sign_in_is_refused_and_not_repeated(
    client: TestClient, body: bytes, kind: str, status: tuple[int, ...]
) -> None:
    answer = client.post("/session", content=body, headers={"Content-Type": kind})
    assert answer.status_code in status
    assert "secret-in-clear" not in answer.text


def test_who_is_disabled_is_out(client: TestClient, guarded: Guarded) -> None:
    assert client.post("/session", json=AGENT).status_code == 201
    with open_store(guarded.address) as store:
        disable_user(store, "agent-person", by="test")
    assert client.get("/model", headers=bearer("churn_unknown")).status_code == 401  # has the store read
    assert client.get("/session").status_code == 401
    assert client.post("/session", json=AGENT).status_code == 401


def test_a_key_is_no_session(client: TestClient, guarded: Guarded) -> None:
    headers = bearer(guarded.keys["service"])
    body = client.get("/session", headers=headers).json()
    assert body == {"name": "key:service-key", "role": "service", "csrf_token": None, "expires_at": None}
    assert client.delete("/session", headers=headers).status_code == 409


PROXY = {
    "trusted_proxies": "127.0.0.0/8, 10.0.0.5",
    "proxy_user_header": "X-Forwarded-User",
    "proxy_groups_header": "X-Forwarded-Groups",
    "proxy_roles": "churn-admins=admin, support=agent",
}


def test_a_trusted_proxy_names_the_user_and_their_groups_give_the_role(
    guarded: Guarded, source: ModelSlot, customer: dict[str, object]
) -> None:
    with guarded.client(source, **PROXY) as client:
        anna = {"X-Forwarded-User": "anna@example.com", "X-Forwarded-Groups": "staff, support"}
        body = client.get("/session", headers=anna).json()
        assert (body["name"], body["role"]) == ("proxy:anna@example.com", "agent")
        assert client.get("/audit", headers=anna).status_code in (403, 404)
        assert client.post("/predict", json=customer, headers=anna).status_code == 403
        csrf = {"X-CSRF-Token": body["csrf_token"]}
        assert client.post("/predict", json=customer, headers=anna | csrf).status_code == 200
        both = anna | {"X-Forwarded-Groups": "support,churn-admins"}
        assert client.get("/session", headers=both).json()["role"] == "admin"
        answer = client.get("/session", headers=anna | {"X-Forwarded-Groups": "staff"})
        assert answer.status_code == 403
        assert "serving.proxy_roles" in answer.json()["error"]
        assert client.get("/session").status_code == 401


def test_a_client_that_claims_the_address_of_a_proxy_is_none(guarded: Guarded, source: ModelSlot) -> None:
    given = PROXY | {"trusted_proxies": ["10.0.0.5"]}
    with guarded.client(source, **given) as client:
        for more in ({}, {"X-Forwarded-For": "10.0.0.5"}, {"X-Real-IP": "10.0.0.5"}, {"Forwarded": "for=10.0.0.5"}):
            headers = {"X-Forwarded-User": "root", "X-Forwarded-Groups": "churn-admins"} | more
            assert client.get("/session", headers=headers).status_code == 401


def test_users_without_a_group_have_the_role_of_the_star(guarded: Guarded, source: ModelSlot) -> None:
    with guarded.client(source, **PROXY | {"proxy_roles": "support=agent, *=analyst"}) as client:
        roles = {
            groups: client.get("/session", headers={"X-Forwarded-User": "anna", "X-Forwarded-Groups": groups}).json()[
                "role"
            ]
            for groups in ("support", "staff, support", "staff", "*")
        }
    assert roles == {"support": "agent", "staff, support": "agent", "staff": "analyst", "*": "analyst"}


def parts(size: int, count: int) -> Iterator[bytes]:
    yield from [b" " * size] * count


def test_a_sign_in_may_be_small_only(client: TestClient) -> None:
    declared = {"Content-Type": "application/json"}
    for body in (b" " * (BODY_BYTES + 1), parts(BODY_BYTES // 4, 5)):
        answer = client.post("/session", content=body, headers=declared)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (413, "body")
    largest = json.dumps(AGENT).encode().ljust(BODY_BYTES)
    for body in (largest, iter([largest[:10], largest[10:]])):
        assert client.post("/session", content=body, headers=declared).status_code == 201


def test_a_sign_in_that_does_not_come_whole_is_not_waited_for_as_long_as_a_batch(
    guarded: Guarded, source: ModelSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn_mlops.serving.http.small_body.BODY_SECONDS", 0.001)
    sent: list[Any] = []
    messages = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def receive() -> Any:
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/session", "query_string": b"", "root_path": "",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")], "client": ("127.0.0.1", 1),
    }  # fmt: skip
    with guarded.client(source) as client:
        asyncio.run(client.app(scope, receive, send))
    assert sent[0]["status"] == json.loads(sent[1]["body"])["status"] == 408
    assert (b"connection", b"close") in sent[0]["headers"]
