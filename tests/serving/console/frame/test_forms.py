"""A form is taken from a page of ours alone, whatever sends it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from churn_mlops.serving.access.permissions import TABLE
from churn_mlops.serving.http.small_body import BODY_BYTES
from churn_mlops.store import open_store
from churn_mlops.store.contacts import contacts
from tests.serving.access.secured_app import Guarded, bearer
from tests.serving.console.visitor import HTML, Visitor

FORMS = sorted(path for (method, path), rule in TABLE.items() if rule.form and method == "POST")
CONTACT = {"customer_id": "C000001", "offer": "20 % off", "result": "accepted", "key": "k1", "text": "x"}


def recorded(guarded: Guarded) -> int:
    with open_store(guarded.address) as store:
        return len(contacts(store, limit=100))


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_is_refused(agent: Visitor, guarded: Guarded, path: str) -> None:
    theirs = guarded.sessions["admin"][1]
    for token in ({}, {"csrf_token": ""}, {"csrf_token": theirs}, {"csrf_token": "ä"}):
        answer = agent.post(path, CONTACT | token)
        assert (answer.status_code, "the page again" in answer.text) == (403, True)
    assert recorded(guarded) == 0
    assert agent.get("/account").status_code == 200  # still signed in


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9999"},
    ],
)
def test_a_form_of_another_site_is_refused_even_with_the_token(
    agent: Visitor, guarded: Guarded, path: str, headers: dict[str, str]
) -> None:
    token = agent.form("/account", "/sign-out")
    answer = agent.post(path, CONTACT | token, **headers)
    assert (answer.status_code, "another site" in answer.text) == (403, True)
    assert recorded(guarded) == 0


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {}])
def test_a_form_of_ours_is_taken(agent: Visitor, guarded: Guarded, headers: dict[str, str]) -> None:
    token = agent.form("/account", "/sign-out")
    assert agent.post("/contact", CONTACT | token, **headers).status_code == 303
    assert recorded(guarded) == 1


def test_before_the_sign_in_the_token_is_that_of_a_cookie(visitor: Visitor) -> None:
    form = visitor.form("/sign-in", "/sign-in")
    assert form["csrf_token"] == visitor.client.cookies["churn_form"]
    visitor.client.cookies.clear()
    assert visitor.post("/sign-in", form | {"name": "x", "password": "y"}).status_code == 403


def test_a_key_needs_no_token(visitor: Visitor, guarded: Guarded) -> None:
    answer = visitor.post("/contact", CONTACT, **bearer(guarded.keys["agent"]))
    assert (answer.status_code, recorded(guarded)) == (303, 1)


def test_what_is_no_form_is_refused(agent: Visitor) -> None:
    token = agent.form("/account", "/sign-out")["csrf_token"]
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        answer = agent.client.post(
            "/contact", content=b"{}", headers=HTML | {"Content-Type": kind, "X-CSRF-Token": token}
        )
        assert answer.status_code == 415
    form = HTML | {"Content-Type": "application/x-www-form-urlencoded", "X-CSRF-Token": token}
    for body, status in (
        (b"offer=a&offer=b", 422),
        (b"&".join([b"a=1"] * 100), 422),
        (b"offer=%FF", 422),
        (b"\xff=1", 422),
        (b"a=" + b"x" * BODY_BYTES, 413),
    ):
        assert agent.client.post("/contact", content=body, headers=form).status_code == status


@given(body=st.binary(max_size=200))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_break_the_reader(agent: Visitor, body: bytes) -> None:
    kind = HTML | {"Content-Type": "application/x-www-form-urlencoded"}
    assert agent.client.post("/theme", content=body, headers=kind).status_code in (403, 422)
