"""The page of one customer, as plain values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from churn_mlops.serving.console.customer_view import CustomerFacts, CustomerView, customer_view, reason_line
from churn_mlops.store.campaigns.notes import Note
from churn_mlops.store.contacts import Contact
from churn_mlops.store.scoring.browsing import PublishedScore

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = date(2026, 11, 23)


def reason(feature: str, points: int) -> dict[str, Any]:
    text = f"{feature} is so: {points:+d} points"
    return {"feature": feature, "title": feature.title(), "value": 1, "points": points, "text": text}


ANSWER: dict[str, Any] = {
    "churn_probability": 0.78,
    "risk_band": "high",
    "reasons": [reason("plan", 21), reason("tickets", 9), reason("age", 4), reason("calls", 1), reason("tenure", 0)],
    "worth_an_offer": True,
    "on_contact_list": True,
    "action": "offer",
    "why_not": None,
    "campaign": None,
    "model_version": "3",
    "as_of": "2026-11-23",
    "origin": "source",
    "age_days": 0,
    "renews_on": None,
    "why_published": None,
}
FACTS = CustomerFacts(average=0.05)


def view(facts: CustomerFacts = FACTS, **changed: Any) -> CustomerView:
    return customer_view("C1", ANSWER | changed, facts, stale_days=3, now=NOW, today=DAY)


def contact(at: datetime) -> Contact:
    return Contact("k", "s", "C1", at, "20 % off", "declined", "person:anna", id=1, recorded_at=at)


def test_at_most_three_reasons_are_shown_with_direction_and_size() -> None:
    assert [(one.text, one.points) for one in view().reasons] == [
        ("plan is so", 21),
        ("tickets is so", 9),
        ("age is so", 4),
    ]
    assert [one.text for one in view(reasons=[reason("plan", 0)]).reasons] == []


@pytest.mark.parametrize(
    ("given", "text", "points"),
    [
        ("month-to-month: +1 point", "month-to-month", 1),
        ("internet service: no: -3 points", "internet service: no", -3),
        ("words alone", "words alone", None),
        ("notes: call back: soon", "notes: call back: soon", None),
        ({"text": "plan: +4 points", "points": 4}, "plan", 4),
        ({"text": "no size in words", "points": -2}, "no size in words", -2),
    ],
)
def test_a_reason_is_read_whether_it_is_scored_now_or_published(given: Any, text: str, points: int | None) -> None:
    line = reason_line(given)
    assert (line.text, line.points) == (text, points)
    assert 0 <= line.width <= 100


def test_the_average_is_beside_the_score_if_it_is_known() -> None:
    assert view().times_average == pytest.approx(15.6)
    assert view(CustomerFacts()).times_average is None
    assert view(CustomerFacts(average=0.0)).times_average is None


@pytest.mark.parametrize(
    ("action", "listed", "advice", "is_offer"),
    [
        ("offer", True, "listed", True),
        ("offer", None, "worth", True),
        ("leave_alone", True, "no_offer", False),
        ("leave_alone", False, "no_offer", False),
        ("leave_alone", None, "no_offer", False),
    ],
)
def test_the_advice_is_that_of_the_answer(action: str, listed: bool | None, advice: str, is_offer: bool) -> None:
    found = view(action=action, on_contact_list=listed, why_not=None if is_offer else "control_group")
    assert (found.advice, found.is_offer) == (advice, is_offer)


def test_the_timeline_has_contacts_and_notes_the_latest_first() -> None:
    called, earlier = contact(NOW - timedelta(days=2)), contact(NOW - timedelta(days=9))
    note = Note(1, "C1", NOW - timedelta(days=5), "person:otto", "They move in May.")
    entries = view(replace(FACTS, contacts=[called, earlier], notes=[note])).timeline
    assert [entry.contact for entry in entries] == [called, None, earlier]
    assert [entry.text for entry in entries] == ["", "They move in May.", ""]


def test_after_a_contact_nothing_more_is_advised_for_a_day() -> None:
    recent, older = contact(NOW - timedelta(hours=23)), contact(NOW - timedelta(hours=24))
    assert view(replace(FACTS, contacts=[recent, older])).advice == "done"
    assert view(replace(FACTS, contacts=[older])).advice == "listed"


@pytest.mark.parametrize(("age", "is_stale"), [(2, False), (3, True)])
def test_old_data_is_marked(age: int, is_stale: bool) -> None:
    assert view(as_of=(DAY - timedelta(days=age)).isoformat()).is_stale is is_stale


def test_the_age_of_the_data_is_counted_in_days_of_the_pages() -> None:
    given = ANSWER | {"as_of": "2026-11-22", "age_days": 0}  # in another time zone it is still that day
    assert customer_view("C1", given, FACTS, stale_days=3, now=NOW, today=DAY).age_days == 1


@pytest.mark.parametrize(
    ("renews_on", "shown"),
    [
        ("2026-11-23", (DAY, 0)),
        ("2026-12-06", (date(2026, 12, 6), 13)),
        ("2026-11-22", (None, 0)),  # over by now, though it was to come on the as-of date
        (None, (None, 0)),
    ],
)
def test_a_renewal_to_come_is_shown_with_its_days(renews_on: str | None, shown: tuple[date | None, int]) -> None:
    found = view(renews_on=renews_on)
    assert (found.renews_on, found.renews_in_days) == shown


def test_the_offer_of_a_form_is_that_of_the_campaign_of_the_arm() -> None:
    campaign = {"id": 1, "name": "Spring", "offer": "10 % off", "script": "Thanks."}
    assert (view().offer, view(replace(FACTS, offer="20 % off")).offer) == (None, "20 % off")
    assert view(replace(FACTS, offer="20 % off"), campaign=campaign).offer == "10 % off"


def scores(*given: tuple[int, float]) -> list[PublishedScore]:
    return [PublishedScore(DAY - timedelta(days=days), score, "3") for days, score in given]


def test_the_change_is_since_the_last_published_score_of_an_earlier_date() -> None:
    found = view(replace(FACTS, scores=scores((0, 0.78), (7, 0.66), (14, 0.5)))).change
    assert found is not None
    assert (found.since, found.points) == (DAY - timedelta(days=7), 12)
    assert found.other_version is None
    assert view(replace(FACTS, scores=scores((0, 0.78)))).change is None


def test_a_change_since_the_score_of_another_model_version_says_so() -> None:
    found = view(replace(FACTS, scores=scores((7, 0.66))), model_version="4").change
    assert found is not None
    assert found.other_version == "3"


def test_the_reasons_that_moved_are_named_largest_first() -> None:
    then = [reason("plan", 9), reason("tickets", 9), reason("age", 5), reason("calls", 1), reason("tenure", 3)]
    found = view(replace(FACTS, earlier=(DAY - timedelta(days=7), {"reasons": then, "model_version": "3"})))
    assert [(move.title, move.points) for move in found.moves] == [("Plan", 12), ("Tenure", -3), ("Age", -1)]
    assert found.moved_since == DAY - timedelta(days=7)


@pytest.mark.parametrize(
    "earlier",
    [
        {"reasons": [reason("plan", 9)], "model_version": "3"},
        {"reasons": None, "model_version": "3"},
        {"reasons": ANSWER["reasons"], "model_version": "3"},
        {"reasons": [reason(one["feature"], 9) for one in ANSWER["reasons"]], "model_version": "2"},
    ],
)
def test_reasons_of_another_model_or_without_a_change_are_not_compared(earlier: dict[str, Any]) -> None:
    found = view(replace(FACTS, earlier=(DAY - timedelta(days=7), earlier)))
    assert (list(found.moves), found.moved_since) == ([], None)


def test_the_trend_goes_from_the_oldest_to_the_latest() -> None:
    found = view(replace(FACTS, scores=scores((0, 0.75), (10, 0.5), (20, 1.0)))).trend
    assert [(point.x, point.y) for point in found] == [(0.0, 0.0), (50.0, 50.0), (100.0, 25.0)]
    assert list(view(replace(FACTS, scores=scores((0, 0.75)))).trend) == []
