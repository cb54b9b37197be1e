"""A browser gets a refusal as a page; every other client gets JSON as before."""

from __future__ import annotations

import re

import pytest

from churn_mlops.serving.model.served_model import ModelSlot
from tests.serving.access.secured_app import Guarded, bearer
from tests.serving.console.visitor import HTML, Visitor


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/nowhere", 404, "There is nothing here"),
        ("/contacts?limit=0", 422, "The request is not right"),
        ("/audit", 403, "You may not do that"),
        ("/list.csv", 403, "You may not do that"),
        ("/static/none.css", 404, "There is nothing here"),
    ],
)
def test_a_refusal_is_a_page_for_a_browser_and_json_for_others(
    agent: Visitor, path: str, status: int, heading: str
) -> None:
    page = agent.get(path)
    assert (page.status_code, f"<h1>{heading}</h1>" in page.text) == (status, True)
    data = agent.client.get(path)
    assert (data.status_code, data.json()["status"]) == (status, status)
    assert data.headers["Content-Type"] == "application/json"
    assert page.headers.get_list("Content-Security-Policy") == [page.headers["Content-Security-Policy"]]
    assert page.headers["X-Request-Id"] in page.text


@pytest.mark.parametrize("path", ["/nowhere", "/audit", "/list.csv", "/contacts?limit=0", "/campaigns/1"])
def test_a_refusal_keeps_the_navigation_of_who_is_signed_in(agent: Visitor, path: str) -> None:
    page = agent.get(path).text
    assert re.findall(r'<nav.*?</nav>', page, re.DOTALL) == re.findall(
        r'<nav.*?</nav>', agent.get("/account").text, re.DOTALL
    )  # fmt: skip
    assert '<a class="who" href="/account">agent-person</a>' in page
    assert agent.send(path, "/theme", theme="dark").status_code == 303  # its form has the token of the session


@pytest.mark.parametrize(("role", "there"), [("agent", None), ("analyst", "/list"), ("admin", None)])
def test_the_bare_address_leads_to_the_first_page_of_the_role(
    visitor: Visitor, guarded: Guarded, role: str, there: str | None
) -> None:
    visitor.client.cookies.set("churn_session", guarded.sessions[role][0], domain="localhost.local")
    answer = visitor.get("/")
    assert (answer.status_code, answer.headers.get("Location")) == ((303, there) if there else (200, None))
    assert visitor.get("/customers/C000001").status_code == (403 if there else 200)  # a refusal elsewhere stays one
    data = visitor.client.get("/", follow_redirects=False)
    assert data.status_code == (403 if there else 200)  # a program is told what it may not do


def test_a_form_of_another_site_is_refused_with_the_navigation(agent: Visitor) -> None:
    answer = agent.post("/theme", {"theme": "dark"}, Origin="https://evil.example")
    assert (answer.status_code, 'aria-label="Pages"' in answer.text) == (403, True)
    bare = agent.post("/api/campaigns", {})  # no form of ours goes there: refused before any route is asked
    assert (bare.status_code, 'aria-label="Pages"' in bare.text) == (403, True)


def test_the_api_without_a_key_stays_json(visitor: Visitor) -> None:
    for accept in ("*/*", "application/json", ""):
        answer = visitor.client.get("/list", headers={"Accept": accept}, follow_redirects=False)
        assert (answer.status_code, answer.json()["status"]) == (401, 401)


def test_a_form_after_the_session_ended_says_that_nothing_was_recorded(agent: Visitor) -> None:
    form = agent.form("/customers/C000001", "/contact") | {"offer": "x", "result": "declined"}
    agent.client.cookies.clear()
    answer = agent.post("/contact", form)
    assert (answer.status_code, "You are signed out" in answer.text) == (401, True)
    assert 'href="/sign-in"' in answer.text
    assert 'aria-label="Pages"' not in answer.text


def test_a_fault_is_a_page_without_its_message(
    guarded: Guarded, source: ModelSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("a customer's value")

    monkeypatch.setattr("churn_mlops.serving.console.work_list.list_page.newest_run", broken)
    with guarded.client(source) as client:
        client.headers |= bearer(guarded.keys["agent"])
        answer = client.get("/list", headers=HTML)
    assert (answer.status_code, "Something went wrong here" in answer.text) == (500, True)
    assert "a customer's value" not in answer.text


def test_no_model_is_said_on_the_page(guarded: Guarded) -> None:
    with guarded.client(ModelSlot()) as client:
        client.headers |= bearer(guarded.keys["agent"])
        answer = client.get("/customers/C1", headers=HTML)
    assert (answer.status_code, "No model is live" in answer.text) == (503, True)
