"""An estimate of accuracy knows its own error: by chance in the labels, and by how far earlier ones were off."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from churn_mlops.monitoring import (
    EarlierErrors,
    Measurement,
    ScoredRows,
    accuracy,
    earlier_errors,
    estimates_held,
    expected_accuracy,
)
from churn_mlops.monitoring.estimates import EXPECTED, estimate_errors

WEEKS = 40
NONE = EarlierErrors({name: [0.0] for name in EXPECTED}, 1000)


def week(draw: np.random.Generator, shift: float = 0.0, count: int = 4000) -> ScoredRows:
    """Scores, and labels that leave with other odds by ``shift`` times a normal draw of each customer."""
    scores = draw.beta(1, 9, count)
    odds = np.log(scores / (1 - scores)) + shift * draw.normal(size=count)
    churned = (draw.random(count) < 1 / (1 + np.exp(-odds))).astype(float)
    return ScoredRows(np.arange(count), scores, churned, np.ones(count))


def named(found: list[Measurement], name: str) -> Measurement:
    return next(one for one in found if one.name == name)


def held(estimate: Measurement, rows: ScoredRows) -> bool:
    true = named(accuracy(rows), estimate.name).value
    assert true is not None
    return (estimate.low or 0.0) <= true <= (estimate.high or 0.0)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_interval_of_right_scores_holds_what_comes_true(name: str) -> None:
    draw = np.random.default_rng(11)
    weeks = [week(draw) for _ in range(WEEKS)]
    found = [held(named(expected_accuracy(rows, earlier=NONE), name), rows) for rows in weeks]
    assert sum(found) >= 35  # of 40; 95 % would be 38, and fewer than 35 have a chance of 1 in 70
    assert sum(found) < WEEKS or name != "auc"


def test_earlier_errors_widen_the_interval_of_wrong_scores() -> None:
    draw = np.random.default_rng(12)
    weeks = [week(draw, shift=1.5) for _ in range(WEEKS)]
    blind = [named(expected_accuracy(rows, earlier=NONE), "auc") for rows in weeks]
    assert sum(map(held, blind, weeks)) < 10  # by the scores alone, the estimate is far too high
    errors = [
        (named(accuracy(rows), "auc").value or 0.0) - (one.value or 0.0) for rows, one in zip(weeks, blind, strict=True)
    ]
    seen = [
        named(expected_accuracy(rows, earlier=EarlierErrors({"auc": errors[:place]}, place)), "auc")
        for place, rows in enumerate(weeks)
        if place >= 4
    ]
    assert sum(map(held, seen, weeks[4:])) >= 33  # of 36


def test_the_fewer_errors_are_known_the_wider_is_the_interval() -> None:
    rows = week(np.random.default_rng(13))
    widths = [
        (one.high or 0.0) - (one.low or 0.0)
        for apart in (0, 1, 2, 5, 1000)
        for one in [named(expected_accuracy(rows, earlier=EarlierErrors({"auc": [0.0] * apart}, apart)), "auc")]
    ]
    assert widths == sorted(widths, reverse=True)
    assert len(set(widths)) == 5


@pytest.mark.parametrize(
    ("weeks", "known", "apart"), [(0, 0, 0), (5, 0, 0), (6, 1, 1), (11, 6, 1), (12, 7, 2), (30, 25, 5)]
)
def test_only_errors_of_final_labels_are_known_and_those_of_one_horizon_count_once(
    weeks: int, known: int, apart: int
) -> None:
    first = date(2026, 1, 1)
    errors = {first + timedelta(weeks=place): {"auc": place / 100} for place in range(weeks)}
    found = earlier_errors(errors, first + timedelta(weeks=weeks), 37)
    assert (found.by_metric["auc"], found.apart) == ([place / 100 for place in range(known)], apart)
    assert found.by_metric["log_loss"] == []


def test_the_error_of_the_backtest_is_known_before_any_other() -> None:
    first = date(2026, 1, 1)
    alone = earlier_errors({}, first, 37, {"auc": -0.1})
    assert (alone.by_metric["auc"], alone.apart) == ([-0.1], 1)
    later = earlier_errors({first: {"auc": 0.01}}, first + timedelta(weeks=8), 37, {"auc": -0.1})
    assert (later.by_metric["auc"], later.apart) == ([-0.1, 0.01], 2)
    rows = week(np.random.default_rng(16), count=20_000)
    unknown, known = (named(expected_accuracy(rows, earlier=one), "auc") for one in (None, alone))
    assert (known.high or 0) - (known.low or 0) > (unknown.high or 0) - (unknown.low or 0)


def test_the_error_of_an_estimate_is_what_came_true_less_the_estimate() -> None:
    rows = week(np.random.default_rng(17), shift=1.5)
    found = estimate_errors(rows.scores, rows.churned)
    for name in EXPECTED:
        true = named(accuracy(rows), name).value or 0.0
        assert found[name] == pytest.approx(true - (named(expected_accuracy(rows), name).value or 0.0))
    assert found["auc"] < -0.02  # they leave for reasons that the scores do not know


def test_labels_are_not_read() -> None:
    rows = week(np.random.default_rng(15))
    assert expected_accuracy(rows, earlier=NONE) == expected_accuracy(
        replace(rows, churned=1 - rows.churned), earlier=NONE
    )


@pytest.mark.parametrize(
    ("right", "known", "status"),
    [
        (7, 7, "too_little"),
        (8, 8, "good"),
        (7, 8, "good"),
        (6, 8, "watch"),
        (18, 20, "good"),
        (17, 20, "watch"),
        (12, 20, "watch"),
        (11, 20, "act"),
    ],
)
def test_estimates_are_counted(right: int, known: int, status: str) -> None:
    found = estimates_held(right, known)
    assert (found.status, found.numerator, found.denominator) == (status, right, known)
