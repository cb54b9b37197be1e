"""Risk, segments, the use of the list, drift and the age of the run: figures with what they are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from churn_mlops.monitoring import (
    ListContact,
    churn_by_segment,
    customers_at_risk,
    list_today,
    list_use,
    revenue_at_risk,
    run_age,
    score_drift,
)

NOW = datetime(2026, 11, 28, 6, 0, tzinfo=UTC)
EMPTY = np.zeros(0)


@pytest.mark.parametrize(("likely", "status"), [(4, "good"), (5, "watch"), (10, "act")])
def test_customers_at_risk_are_counted_from_the_threshold(likely: int, status: str) -> None:
    scores = np.full(100, 0.1)
    scores[:likely] = 0.5
    found = customers_at_risk(scores, 0.5, "2026-11-27")
    assert (found.value, found.numerator, found.denominator, found.status) == (likely / 100, likely, 100, status)


def test_revenue_at_risk_is_what_the_scores_expect() -> None:
    found = revenue_at_risk(np.array([0.5, 0.1, 0.0, 0.0]), 500, "")
    assert (found.numerator, found.denominator, found.value) == (pytest.approx(300), 2000, pytest.approx(0.15))


def test_no_run_gives_no_figure() -> None:
    found = [customers_at_risk(EMPTY, 0.5, ""), revenue_at_risk(EMPTY, 500, ""), score_drift(EMPTY, [], [], "")]
    assert {one.status for one in [*found, run_age(None, NOW)]} == {"too_little"}


def test_a_segment_stands_out_once_its_interval_does() -> None:
    found = churn_by_segment("churn_by_level", [("a", 10, 200), ("b", 30, 200), ("c", 60, 200), ("d", 9, 29)], 0.05)
    assert [(one.part, one.status) for one in found] == [
        ("a", "good"),
        ("b", "act"),
        ("c", "act"),
        ("d", "too_little"),
    ]
    assert churn_by_segment("churn_by_level", [("b", 19, 200)], 0.05)[0].status == "watch"


def test_a_high_band_is_to_leave_more_often() -> None:
    assert churn_by_segment("churn_by_band", [("high", 60, 200)], 0.05)[0].status == "good"


def test_the_use_of_the_list_is_counted_by_reason_and_agent() -> None:
    contacts = [ListContact("person:anna"), ListContact("person:anna", "bad_time"), ListContact("person:ben")]
    worked, skipped, anna, ben = list_use("2026-11-27", 4, contacts)
    assert (worked.value, worked.status) == (0.75, "watch")
    assert (skipped.part, skipped.numerator, skipped.denominator) == ("bad_time", 1, 3)
    assert [(one.part, one.numerator) for one in (anna, ben)] == [("person:anna", 2), ("person:ben", 1)]
    assert list_use("2026-11-27", 0, [])[0].status == "too_little"


def test_scores_as_in_training_do_not_drift() -> None:
    draw = np.random.default_rng(2)
    cuts, shares = [0.02, 0.05, 0.1, 0.3], [0.2, 0.2, 0.2, 0.2, 0.2, 0.0]
    low, high = [0, *cuts], [*cuts, 1]
    step = draw.integers(0, 5, 5000)
    scores = draw.uniform(np.take(low, step), np.take(high, step))
    same = score_drift(scores, cuts, shares, "")
    moved = score_drift(np.minimum(1, 3 * scores), cuts, shares, "")
    assert (same.status, moved.status) == ("good", "act")
    assert 0 <= (same.value or 0) < 0.01


def test_a_score_at_an_edge_belongs_to_the_step_below_as_in_training() -> None:
    scores = np.repeat([0.1, 0.2], 200)
    assert score_drift(scores, [0.1], [0.5, 0.5, 0.0], "").value == pytest.approx(0)


@pytest.mark.parametrize(("hours", "status"), [(1, "good"), (27, "watch"), (51, "act")])
def test_an_old_run_asks_for_something(hours: float, status: str) -> None:
    found = run_age(NOW - timedelta(hours=hours), NOW)
    assert (found.value, found.status) == (hours, status)


def test_a_list_of_today_is_never_late() -> None:
    few = list_today("2026-11-27", 50, 1)
    assert (few.value, few.numerator, few.denominator, few.status) == (0.02, 1, 50, "good")
    assert list_today("2026-11-27", 50, 50).next_step == "Nothing to do: today's list is worked."
    assert list_today("2026-11-27", 0, 0).status == "too_little"
    assert list_use("", 0, [])[0].next_step == "Wait: no list has had its whole day yet."
