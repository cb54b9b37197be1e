"""A form is taken from a page of ours alone, whatever sends it."""

from __future__ import annotations

from itertools import product

from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from churn_mlops.serving.access.permissions import TABLE
from churn_mlops.serving.http.small_body import BODY_BYTES
from churn_mlops.store import open_store
from churn_mlops.store.contacts import contacts
from tests.serving.access.secured_app import Guarded, bearer
from tests.serving.console.visitor import HTML, Visitor

# Those that the role may send; the pages of campaigns have their own test.
FORMS = sorted(
    path
    for (method, path), rule in TABLE.items()
    if rule.form and method == "POST" and (rule.open or "agent" in rule.roles)
)
CONTACT = {"customer_id": "C000001", "offer": "20 % off", "result": "accepted", "key": "k1", "text": "x"}


def recorded(guarded: Guarded) -> int:
    with open_store(guarded.address) as store:
        return len(contacts(store, limit=100))


def test_a_form_without_its_token_is_refused(agent: Visitor, guarded: Guarded) -> None:
    theirs = guarded.sessions["admin"][1]
    for path, token in product(FORMS, ({}, {"csrf_token": ""}, {"csrf_token": theirs}, {"csrf_token": "ä"})):
        answer = agent.post(path, CONTACT | token)
        assert (answer.status_code, "the page again" in answer.text) == (403, True), (path, token)
    assert recorded(guarded) == 0
    assert agent.get("/account").status_code == 200  # still signed in


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:9999"},
]


def test_a_form_of_another_site_is_refused_even_with_the_token(agent: Visitor, guarded: Guarded) -> None:
    token = agent.form("/account", "/sign-out")
    for path, headers in product(FORMS, FOREIGN):
        answer = agent.post(path, CONTACT | token, **headers)
        assert (answer.status_code, "another site" in answer.text) == (403, True), (path, headers)
    assert recorded(guarded) == 0


def test_a_form_of_ours_is_taken(agent: Visitor, guarded: Guarded) -> None:
    token = agent.form("/account", "/sign-out")
    for number, headers in enumerate(({"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://localhost"}, {})):
        assert agent.post("/contact", CONTACT | token | {"key": f"k{number}"}, **headers).status_code == 303
    assert recorded(guarded) == 3


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
