"""Signing in and out by page, the account, and the choice between light and dark."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.sign_in import PERSON_TRIES
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import hash_of
from churn_mlops.store.access.credentials import credentials
from churn_mlops.store.access.sessions import start_session
from churn_mlops.store.audit_log import audit_events
from tests.serving.access.secured_app import PASSWORD, Guarded
from tests.serving.console.visitor import Visitor

NEW = "another horse battery"


def test_a_page_without_a_session_leads_to_the_sign_in_and_back(visitor: Visitor) -> None:
    answer = visitor.get("/list?part=all")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=%2Flist%3Fpart%3Dall")
    signed_in = visitor.sign_in("agent", answer.headers["Location"])
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, "/list?part=all")
    assert visitor.get("/list?part=all").status_code == 200


def test_the_session_is_that_of_the_api(visitor: Visitor) -> None:
    cookie = visitor.sign_in("agent").headers["Set-Cookie"]
    assert cookie.startswith("churn_session=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert visitor.client.get("/session").json()["name"] == "person:agent-person"


@pytest.mark.parametrize(("role", "home"), [("agent", "/"), ("analyst", "/list"), ("admin", "/")])
def test_a_role_begins_on_a_page_that_it_may_open(visitor: Visitor, role: str, home: str) -> None:
    assert visitor.sign_in(role).headers["Location"] == home
    assert visitor.get(home).status_code == 200


@pytest.mark.parametrize("foreign", ["https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nX: y"])
def test_no_sign_in_leads_to_another_site(visitor: Visitor, foreign: str) -> None:
    form = visitor.form("/sign-in", "/sign-in") | {"name": "agent-person", "password": PASSWORD, "next": foreign}
    assert visitor.post("/sign-in", form).headers["Location"] == "/"
    assert visitor.form("/sign-in?next=https://evil.example", "/sign-in")["next"] == ""


def test_a_wrong_password_is_answered_on_the_page_and_guessing_is_slowed_down(visitor: Visitor) -> None:
    form = visitor.form("/sign-in", "/sign-in") | {"name": "agent-person", "password": "wrong"}
    answers = [visitor.post("/sign-in", form) for _ in range(PERSON_TRIES + 1)]
    assert [answer.status_code for answer in answers] == [401] * PERSON_TRIES + [429]
    assert "Name or password is wrong." in answers[0].text
    assert 'value="agent-person"' in answers[0].text
    assert int(answers[-1].headers["Retry-After"]) > 0
    # One throttle for the page and the API.
    tried = visitor.client.post("/session", json={"name": "agent-person", "password": PASSWORD})
    assert tried.status_code == 429


def test_an_empty_form_is_no_try(visitor: Visitor) -> None:
    form = visitor.form("/sign-in", "/sign-in") | {"name": "agent-person", "password": ""}
    assert {visitor.post("/sign-in", form).status_code for _ in range(PERSON_TRIES + 1)} == {422}
    assert visitor.sign_in("agent").status_code == 303


def test_signing_out_ends_the_session(agent: Visitor) -> None:
    token = agent.client.cookies["churn_session"]
    answer = agent.send("/account", "/sign-out")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in")
    assert "churn_session" not in agent.client.cookies
    assert agent.client.get("/session", headers={"Cookie": f"churn_session={token}"}).status_code == 401


def test_the_account_shows_name_role_and_end_of_the_session(agent: Visitor) -> None:
    text = agent.get("/account").text
    assert "agent-person" in text
    assert "Agent: customers and contacts" in text
    assert re.search(r"Signed in .*this one.*ends ", text, re.DOTALL)
    assert "You are signed in nowhere else." in text


def test_the_other_sessions_are_listed_and_ended(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        other = start_session(store, "agent-person", timedelta(hours=1))
        start_session(store, "analyst-person", timedelta(hours=1))
    assert agent.get("/account").text.count("Signed in ") == 2
    answer = agent.send("/account", "/account/sessions")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/account?done=sessions")
    page = agent.get("/account?done=sessions").text
    assert "Your other sessions have ended." in page
    assert page.count("Signed in ") == 1
    with open_store(guarded.address) as store:
        assert hash_of(other.token) not in credentials(store).by_hash
        newest = audit_events(store, limit=1)[0]
        assert {one.caller for one in credentials(store).by_hash.values()} >= {"person:analyst-person"}
    assert (newest.caller, newest.event, newest.details["sessions"]) == ("person:agent-person", "session.ended", 1)


def test_another_password_ends_the_other_sessions_and_keeps_this_one(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        other = hash_of(start_session(store, "agent-person", timedelta(hours=1)).token)
    fields = {"present": PASSWORD, "new": NEW, "again": NEW}
    answer = agent.send("/account", "/account/password", **fields)
    assert (answer.status_code, "The password is changed." in answer.text) == (200, True)
    assert agent.get("/account").status_code == 200
    with open_store(guarded.address) as store:
        assert other not in credentials(store).by_hash
    agent.send("/account", "/sign-out")
    assert agent.sign_in("agent").status_code == 401
    assert agent.send("/sign-in", "/sign-in", name="agent-person", password=NEW).status_code == 303
    with open_store(guarded.address) as store:
        events = [(one.event, one.details) for one in audit_events(store, limit=100)]
    assert ("person.changed", {"name": "agent-person", "changed": "password"}) in events


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"present": "wrong", "new": NEW, "again": NEW}, 401),
        ({"present": PASSWORD, "new": "short", "again": "short"}, 422),
        ({"present": PASSWORD, "new": NEW, "again": NEW + "!"}, 422),
        ({}, 401),
    ],
)
def test_a_password_stays_where_the_change_is_refused(agent: Visitor, fields: dict[str, str], status: int) -> None:
    answer = agent.send("/account", "/account/password", **fields)
    assert (answer.status_code, "Nothing was changed." in answer.text) == (status, True)
    agent.send("/account", "/sign-out")
    assert agent.sign_in("agent").status_code == 303


def test_light_or_dark_is_kept_in_a_cookie_and_leads_back(agent: Visitor) -> None:
    assert 'data-theme="auto"' in agent.get("/list").text
    answer = agent.send("/list?part=all", "/theme", theme="dark")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/list?part=all")
    assert 'data-theme="dark"' in agent.get("/models").text
    assert agent.send("/list", "/theme", theme="pink").status_code == 422
    agent.client.cookies.delete("churn_theme")
    agent.client.cookies.set("churn_theme", '"><script>')
    assert 'data-theme="auto"' in agent.get("/models").text


def test_a_machine_without_keys_needs_no_sign_in(tmp_path: object, source: ModelSlot) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    app = create_app(source, Settings(), store=link, access=CredentialCache(link))
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000)) as client:
        visitor = Visitor(client)
        assert visitor.get("/sign-in?next=/list").headers["Location"] == "/list"
        assert visitor.get("/").status_code == 200
        assert "This server runs without keys" in visitor.get("/account").text
        assert visitor.send("/", "/theme", theme="dark").status_code == 303
        assert visitor.post("/theme", {"theme": "dark"}).status_code == 403  # without the token of a page
    link.close()
