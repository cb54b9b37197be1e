"""An estimate of accuracy knows its own error: by chance in the labels, and by how far earlier ones were off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from churn_mlops.monitoring import EarlierErrors, Measurement, ScoredRows, accuracy, estimates_held, expected_accuracy
from churn_mlops.monitoring.estimates import EXPECTED

WEEKS = 40
NONE = EarlierErrors({name: [0.0] * 6 for name in EXPECTED}, 6)


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


def test_fewer_than_four_earlier_dates_give_no_interval() -> None:
    rows = week(np.random.default_rng(13))
    short = EarlierErrors({name: [0.1] * 3 for name in EXPECTED}, 3)
    for found in (expected_accuracy(rows), expected_accuracy(rows, earlier=short)):
        assert all(one.value is not None and one.low is None and one.high is None for one in found)


def test_errors_of_dates_that_overlap_count_as_fewer() -> None:
    rows = week(np.random.default_rng(14))
    errors = {name: [0.1, -0.1, 0.12, 0.08] for name in EXPECTED}
    wide, narrow = (
        named(expected_accuracy(rows, earlier=EarlierErrors(errors, apart)), "log_loss") for apart in (1, 4)
    )
    assert (wide.high or 0.0) - (wide.low or 0.0) > (narrow.high or 0.0) - (narrow.low or 0.0)


def test_labels_are_not_read() -> None:
    rows = week(np.random.default_rng(15))
    assert expected_accuracy(rows, earlier=NONE) == expected_accuracy(
        replace(rows, churned=1 - rows.churned), earlier=NONE
    )


@pytest.mark.parametrize(
    ("right", "known", "status"),
    [(7, 7, "too_little"), (8, 8, "good"), (16, 20, "good"), (15, 20, "watch"), (12, 20, "watch"), (11, 20, "act")],
)
def test_estimates_are_counted(right: int, known: int, status: str) -> None:
    found = estimates_held(right, known)
    assert (found.status, found.numerator, found.denominator) == (status, right, known)
