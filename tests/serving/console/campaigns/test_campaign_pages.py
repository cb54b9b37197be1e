"""Making, watching and ending a campaign by page."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

import pytest

from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import campaigns, end_campaign
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.store.builders import DAY, NOW

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


def test_the_form_of_a_campaign_says_which_of_several_takes_a_customer(analyst: Visitor) -> None:
    make(analyst)
    assert "they are in the one that started first" in analyst.get("/campaigns/new").text


def test_the_page_of_campaigns_says_how_contacts_made_elsewhere_come_in(analyst: Visitor, guarded: Guarded) -> None:
    assert "<code>churn contacts import contacts.csv</code>" in analyst.get("/campaigns").text
    analyst.client.cookies.set("churn_session", guarded.sessions["agent"][0], domain="localhost.local")
    assert "churn contacts import" not in analyst.get("/campaigns").text  # an agent may not


def test_a_campaign_of_any_risk_does_not_say_that_it_takes_everyone(analyst: Visitor) -> None:
    make(analyst, risk_band="")
    page = analyst.get("/campaigns/1").text
    assert "<dd>Any risk, a churn probability of 20\u00a0% or more, only customers" in page
    assert "everyone" not in page


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        ({"name": ""}, 422, "Name"),
        ({"offer_cost": "-1"}, 422, "Cost of an offer that is taken (USD)"),
        ({"control_share": "100"}, 422, "Control group (%)"),
        ({"explore_share": "some"}, 422, "“Drawn at random (%)” is no number."),
        ({"starts_on": "2026-11-01", "ends_on": "2026-10-01"}, 409, "“Last day” lies before the start."),
        ({"capacity": "1.5"}, 422, "Most offers on one list"),
        ({"risk_band": "low"}, 422, "“Risk” "),
    ],
)
def test_a_form_that_cannot_be_taken_comes_back_as_it_was_filled_in(
    analyst: Visitor, guarded: Guarded, changed: dict[str, str], status: int, said: str
) -> None:
    answer = make(analyst, **changed)
    assert answer.status_code == status
    assert said in "".join(re.findall(r'role="alert">(.*?)</p>', answer.text, re.DOTALL))
    assert ">We would like to thank you.</textarea>" in answer.text
    assert 'aria-invalid="true"' in answer.text or said == "“Risk” "
    with open_store(guarded.address) as store:
        assert campaigns(store) == []


def test_a_campaign_without_a_control_group_is_asked_about_once(analyst: Visitor, guarded: Guarded) -> None:
    asked = make(analyst, control_share="0")
    assert (asked.status_code, "Without a control group, success cannot be proven" in asked.text) == (409, True)
    with open_store(guarded.address) as store:
        assert campaigns(store) == []
    token = guarded.sessions["analyst"][1]
    assert '<input type="hidden" name="without_control" value="yes">' in asked.text
    sent = FILLED | {"control_share": "0", "without_control": "yes", "csrf_token": token}
    assert analyst.post("/campaigns", sent).status_code == 303
    with open_store(guarded.address) as store:
        assert [one.control_share for one in campaigns(store)] == [0.0]
    assert "its success cannot be proven" in analyst.get("/campaigns/1").text


def test_every_problem_of_a_form_is_said_together(analyst: Visitor) -> None:
    make(analyst)
    answer = make(analyst, ends_on="2026-10-01", offer_cost="-1", explore_share="some", control_share="0")
    assert answer.status_code == 422
    banner = "".join(re.findall(r'role="alert">(.*?)</p>', answer.text, re.DOTALL))
    for said in ("“Name” is the name", "“Last day” lies", "“Cost of an offer", "“Drawn at random (%)” is no number"):
        assert said in banner
    assert "Make it without one?" in banner
    contradicting = make(analyst, ends_on="2026-10-01")
    assert contradicting.status_code == 409
    assert contradicting.text.count('aria-invalid="true"') == 2


def test_a_later_refusal_speaks_of_no_control_group_only_while_there_is_none(analyst: Visitor) -> None:
    confirmed = {"without_control": "yes", "offer_cost": "-1"}
    assert "Make it without a control group</button>" in make(analyst, control_share="0", **confirmed).text
    text = make(analyst, control_share="10", **confirmed).text
    assert "Make the campaign</button>" in text
    assert 'name="without_control"' not in text


def test_the_form_says_before_what_no_control_group_means(analyst: Visitor) -> None:
    assert "Without them (0\u00a0%), success cannot be proven" in analyst.get("/campaigns/new").text


def test_line_breaks_of_the_sentence_to_say_become_spaces(analyst: Visitor, guarded: Guarded) -> None:
    assert make(analyst, script="We would like\r\nto thank  you.\r\n").status_code == 303
    with open_store(guarded.address) as store:
        assert campaigns(store)[0].script == "We would like to thank you."


@pytest.mark.parametrize(
    ("starts", "ends", "ended", "shown"),
    [
        ("2026-11-01", "2099-12-31", "2026-11-09", "Nov 1, 2026 to Nov 9, 2026"),
        ("2026-11-01", "2026-11-05", "2026-11-09", "Nov 1, 2026 to Nov 5, 2026"),
        ("2026-11-20", "2099-12-31", "2026-11-09", "ended before its start on Nov 20, 2026"),
        ("2026-11-01", "", "2026-11-09", "Nov 1, 2026 to Nov 9, 2026"),
        ("2026-11-01", "", None, "Nov 1, 2026 to open end"),
    ],
)
def test_an_ended_campaign_shows_its_real_end(
    analyst: Visitor, guarded: Guarded, starts: str, ends: str, ended: str | None, shown: str
) -> None:
    make(analyst, starts_on=starts, ends_on=ends)
    if ended is not None:
        at = datetime.fromisoformat(f"{ended}T10:00+00:00")
        with open_store(guarded.address) as store:
            end_campaign(store, 1, by="person:anna", reason="over", clock=lambda: at)
    for page in ("/campaigns", "/campaigns/1"):
        assert shown in analyst.get(page).text.replace("\xa0", " ").replace(" \u2013 ", " to ")


def test_the_page_shows_who_broke_an_arm_when_and_why(visitor: Visitor, guarded: Guarded) -> None:
    visitor.client.cookies.set("churn_session", guarded.sessions["admin"][0], domain="localhost.local")
    make(visitor)
    with open_store(guarded.address) as store:
        with store.writing("assign") as connection:
            add_assignments(connection, [Assignment(1, "C000003", "control", False, DAY)])
        given = NewContact("k", "s", "C000003", NOW, "20 % off", "accepted", "person:anna", campaign_id=1)
        record_contact(store, replace(given, override_reason="they threatened to go"))
    text = visitor.get("/campaigns/1").text.replace("\xa0", " ")
    assert '<dt>Accepted</dt><dd>0</dd><dd class="quiet">and 1 of the control group</dd>' in text
    assert re.search(r'data-of="Accepted">0</td>', visitor.get("/campaigns").text)
    assert '<a href="/customers/C000003">C000003</a>' in text
    assert re.search(r">anna</td>\s*<td[^>]*>Nov 23, 2026, 6:00 AM</td>\s*<td[^>]*>they threatened to go</td>", text)


def test_the_list_of_campaigns_asks_the_store_as_often_for_many_as_for_one(
    analyst: Visitor, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    reading = Store.reading
    monkeypatch.setattr(Store, "reading", lambda self, doing, **how: asked.append(doing) or reading(self, doing, **how))
    counts = []
    for number in range(3):
        make(analyst, name=f"Spring {number}")
        asked.clear()
        assert f"Spring {number}" in analyst.get("/campaigns").text
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2]


def test_a_name_that_is_taken_is_refused(analyst: Visitor) -> None:
    make(analyst)
    answer = make(analyst)
    assert answer.status_code == 409
    assert "“Name” is the name of another campaign." in answer.text


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


def test_a_campaign_shows_its_measured_effect_and_leads_to_its_part_of_the_dashboard(
    analyst: Visitor, guarded: Guarded
) -> None:
    make(analyst)
    assert "No figure of this campaign is measured yet." in analyst.get("/campaigns/1").text
    figure = StoredMeasurement("success", "1", 0.04, 0.01, 0.07, 40, 1000, "good", "Go on with the offer.")
    with open_store(guarded.address) as store:
        record_measurements(store, DAY, [figure, replace(figure, part="2", value=0.9)], clock=lambda: NOW)
    text = " ".join(re.sub(r"<[^>]+>", " ", analyst.get("/campaigns/1").text).split())
    assert "Good Stayed: offer less control group: 4.0 percentage points (95 % interval 1.0 to 7.0" in text
    assert "Go on with the offer." in text
    assert 'href="/dashboard#campaign-1"' in analyst.get("/campaigns/1").text
    assert 'id="campaign-1"' in analyst.get("/dashboard").text
