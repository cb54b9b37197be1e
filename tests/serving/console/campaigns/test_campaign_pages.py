"""Making, watching and ending a campaign by page."""

from __future__ import annotations

import re

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.campaigns import campaigns
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor

FILLED = {
    "name": "Spring", "offer": "20 % off for a year", "offer_cost": "50", "script": "We would like to thank you.",
    "starts_on": "2026-11-01", "ends_on": "2099-12-31", "risk_band": "high", "min_score": "20,0", "only_worth": "yes",
    "capacity": "300", "control_share": "15", "explore_share": "0.5",
}  # fmt: skip


@pytest.fixture
def analyst(visitor: Visitor, guarded: Guarded) -> Visitor:
    visitor.client.cookies.set("churn_session", guarded.sessions["analyst"][0], domain="localhost.local")
    return visitor


def make(visitor: Visitor, **changed: str):
    return visitor.send("/campaigns/new", "/campaigns", **FILLED | changed)


def test_a_campaign_is_made_watched_and_ended(analyst: Visitor, guarded: Guarded) -> None:
    assert "There is no campaign yet" in analyst.get("/campaigns").text
    answer = make(analyst)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/campaigns/1?made=yes")
    with open_store(guarded.address) as store:
        (made,) = campaigns(store)
    assert (made.name, made.offer_cost, made.capacity, made.risk_band) == ("Spring", 50.0, 300, "high")
    assert (made.control_share, made.explore_share, made.min_score) == (0.15, 0.005, 0.2)
    assert made.created_by == "person:analyst-person"
    page = analyst.get("/campaigns/1?made=yes").text
    assert "The campaign is made." in page
    assert "We would like to thank you." in page
    assert "a churn probability of 20\u00a0% or more" in page
    assert re.search(r"running</span>.*20 % off for a year", analyst.get("/campaigns").text, re.DOTALL)
    ended = analyst.send("/campaigns/1", "/campaigns/1/end", reason="the budget is spent")
    assert ended.headers["Location"] == "/campaigns/1"
    page = analyst.get("/campaigns/1").text
    assert "the budget is spent" in page
    assert 'action="/campaigns/1/end"' not in page
    with open_store(guarded.address) as store:
        events = [(one.event, one.caller) for one in audit_events(store, limit=20)]
    assert {("campaign.created", "person:analyst-person"), ("campaign.ended", "person:analyst-person")} <= set(events)


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"name": ""}, 422, "name"),
        ({"offer_cost": "-1"}, 422, "offer_cost"),
        ({"control_share": "100"}, 422, "control_share"),
        ({"explore_share": "some"}, 422, "explore_share is no number"),
        ({"starts_on": "2026-11-01", "ends_on": "2026-10-01"}, 409, "ends_on"),
        ({"capacity": "1.5"}, 422, "capacity"),
        ({"risk_band": "low"}, 422, "risk_band"),
    ],
)
def test_a_form_that_cannot_be_taken_comes_back_as_it_was_filled_in(
    analyst: Visitor, guarded: Guarded, changed: dict[str, str], status: int, said: str
) -> None:
    answer = make(analyst, **changed)
    assert answer.status_code == status
    assert said in re.search(r'role="alert">(.*?)</p>', answer.text, re.DOTALL)[1]  # type: ignore[index]
    assert 'value="We would like to thank you."' in answer.text
    assert 'aria-invalid="true"' in answer.text or said == "risk_band"
    with open_store(guarded.address) as store:
        assert campaigns(store) == []


def test_a_name_that_is_taken_is_refused(analyst: Visitor) -> None:
    make(analyst)
    answer = make(analyst)
    assert answer.status_code == 409
    assert "is the name of another campaign" in answer.text


def test_an_end_needs_a_reason_and_comes_once(analyst: Visitor) -> None:
    make(analyst)
    form = analyst.form("/campaigns/1", "/campaigns/1/end")
    assert analyst.post("/campaigns/1/end", form).status_code == 422
    assert analyst.post("/campaigns/1/end", form | {"reason": "over"}).status_code == 303
    again = analyst.post("/campaigns/1/end", form | {"reason": "again"})
    assert again.status_code == 409
    assert "ended the campaign at" in again.text


def test_markup_in_a_campaign_is_text(analyst: Visitor) -> None:
    make(analyst, name="<script>alert(1)</script>", script="<img src=x onerror=alert(1)>", offer='"><b>')
    for page in ("/campaigns", "/campaigns/1"):
        text = analyst.get(page).text
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert '"><b>' not in text


def test_agents_read_the_list_of_campaigns_and_change_none(agent: Visitor, guarded: Guarded) -> None:
    assert 'href="/campaigns/new"' not in agent.get("/campaigns").text
    for path in ("/campaigns/new", "/campaigns/1"):
        assert agent.get(path).status_code == 403
    token = guarded.sessions["agent"][1]
    assert agent.post("/campaigns", FILLED | {"csrf_token": token}).status_code == 403
    assert agent.post("/campaigns/1/end", {"reason": "x", "csrf_token": token}).status_code == 403


def test_a_form_of_another_site_is_refused(analyst: Visitor, guarded: Guarded) -> None:
    token = {"csrf_token": guarded.sessions["analyst"][1]}
    assert analyst.post("/campaigns", FILLED).status_code == 403
    assert analyst.post("/campaigns", FILLED | token, Origin="https://evil.example").status_code == 403


@pytest.mark.parametrize("address", ["/campaigns/9", "/campaigns/0", "/campaigns/none", "/campaigns/99999999999"])
def test_there_is_no_such_campaign(analyst: Visitor, address: str) -> None:
    assert analyst.get(address).status_code in (404, 422)
