"""Accuracy is of customers nobody treated, and the control group stands for the treated ones."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.monitoring import FEWEST, Measurement, ScoredRows, accuracy, expected_accuracy, untreated_weights
from churn_mlops.monitoring.accuracy import joined


def company(count: int = 4000, seed: int = 0, factor: float = 1.0) -> ScoredRows:
    """Calibrated scores; customers leave ``factor`` times as often as the scores say."""
    draw = np.random.default_rng(seed)
    scores = draw.beta(1, 9, count)
    churned = (draw.random(count) < np.minimum(1, factor * scores)).astype(float)
    return ScoredRows(np.arange(count), scores, churned, np.ones(count))


def named(found: list[Measurement], name: str) -> Measurement:
    return next(one for one in found if one.name == name)


def test_right_scores_are_good() -> None:
    found = accuracy(company(), "2026-05-01")
    assert {one.name: one.status for one in found} == {
        "auc": "good",
        "log_loss": "good",
        "calibration": "good",
        "top_decile_calibration": "good",
        "top_decile_lift": "good",
    }
    calibration = named(found, "calibration")
    assert calibration.low is not None
    assert calibration.high is not None
    assert calibration.low < 100 < calibration.high
    assert calibration.value == pytest.approx(100 * (calibration.numerator or 0) / (calibration.denominator or 1))


@pytest.mark.parametrize(("factor", "status"), [(1.0, "good"), (0.7, "watch"), (1.9, "act")])
def test_scores_that_are_too_high_or_too_low_ask_for_something(factor: float, status: str) -> None:
    assert named(accuracy(company(factor=factor)), "calibration").status == status


@pytest.mark.parametrize("factor", [0.85, 0.9, 0.95, 1.0, 1.05, 1.1, 1.15])
def test_good_never_stands_beside_an_interval_that_excludes_what_is_right(factor: float) -> None:
    found = named(accuracy(company(40_000, factor=factor)), "calibration")
    assert (found.status == "good") == ((found.low or 0) <= 100 <= (found.high or 0))


def test_scores_in_no_order_ask_to_stop() -> None:
    rows = company()
    shuffled = ScoredRows(rows.customers, np.random.default_rng(1).permutation(rows.scores), rows.churned, rows.weights)
    found = accuracy(shuffled)
    assert named(found, "auc").status == "act"
    assert named(found, "top_decile_lift").status == "act"
    assert named(found, "log_loss").status == "act"


@pytest.mark.parametrize("churners", [FEWEST - 1, FEWEST])
def test_few_churners_say_nothing(churners: int) -> None:
    rows = company(200)
    churned = np.zeros(200)
    churned[:churners] = 1
    found = accuracy(ScoredRows(rows.customers, rows.scores, churned, rows.weights))
    assert all((one.status == "too_little") == (churners < FEWEST) == (one.value is None) for one in found)


def test_a_churner_of_many_dates_is_one_churner() -> None:
    """Without the group of that customer, no churner is left: the intervals would be without an end, and ask to act."""
    rows = company(1000)
    leaver = ScoredRows(rows.customers[:1], np.full(1, 0.9), np.ones(1), np.ones(1))
    stayed = ScoredRows(rows.customers[1:], rows.scores[1:] / 2, np.zeros(999), rows.weights[1:])
    found = accuracy(joined([stayed, *(leaver,) * FEWEST]))
    assert {one.status for one in found} == {"too_little"}
    assert named(found, "auc").numerator == FEWEST


@pytest.mark.parametrize("expecting", [0, 1])
def test_scores_of_zero_have_no_calibration_and_the_rest_asks_to_act(expecting: int) -> None:
    rows = company()
    zeros = np.zeros(len(rows.scores))
    zeros[:expecting] = 0.5
    found = accuracy(ScoredRows(rows.customers, zeros, rows.churned, rows.weights))
    assert {one.name: one.status for one in found} == {
        "auc": "act",
        "log_loss": "act",
        "calibration": "too_little",
        "top_decile_calibration": "too_little",
        "top_decile_lift": "act",
    }
    calibration = named(found, "calibration")
    assert (calibration.value, calibration.denominator) == (None, expecting / 2)
    assert calibration.next_step.startswith("Train again: the scores expect no churner")


def test_labels_that_are_not_final_are_left_out() -> None:
    rows = company()
    without = np.where(np.arange(4000) < 1000, np.nan, rows.churned)
    kept = ScoredRows(rows.customers[1000:], rows.scores[1000:], rows.churned[1000:], rows.weights[1000:])
    assert accuracy(ScoredRows(rows.customers, rows.scores, without, rows.weights)) == accuracy(kept)


def test_the_control_group_stands_for_the_treated_ones() -> None:
    # An offer keeps most of the treated top: without the weights the top looks too high and the order too bad.
    draw = np.random.default_rng(7)
    rows = company(60_000)
    top = rows.scores > np.quantile(rows.scores, 0.8)
    control = draw.random(60_000) < 0.1
    treated = top & ~control
    counts, weights = untreated_weights(treated, np.where(top, 0.1, 1.0))
    left = ScoredRows(rows.customers[counts], rows.scores[counts], rows.churned[counts], weights)
    truth, weighted = accuracy(rows), accuracy(left)
    plain = accuracy(ScoredRows(left.customers, left.scores, left.churned, np.ones(len(weights))))
    for name in ("auc", "top_decile_lift"):
        true, found = named(truth, name).value or 0, named(weighted, name)
        assert (found.low or 0) < true < (found.high or 0)
        assert abs((found.value or 0) - true) < abs((named(plain, name).value or 0) - true)


def test_intervals_cluster_by_customer() -> None:
    one = company()
    alone, twice = accuracy(one), accuracy(joined([one, one, one, one]))

    def width(found: list[Measurement], name: str) -> float:
        measured = named(found, name)
        return (measured.high or 0) - (measured.low or 0)

    # The same customers on four dates say no more than on one.
    assert width(twice, "auc") == pytest.approx(width(alone, "auc"), rel=0.02)


def test_figures_before_the_labels_are_marked_estimates() -> None:
    rows = company(20_000)
    unknown = ScoredRows(rows.customers, rows.scores, np.full(20_000, np.nan), rows.weights)
    found, later = expected_accuracy(unknown), accuracy(rows)
    assert not any(one.is_final for one in found)
    for name in ("auc", "log_loss", "top_decile_lift"):
        final = named(later, name)
        assert (final.low or 0) < (named(found, name).value or 0) < (final.high or 0)
    assert "calibration" not in {one.name for one in found}


def test_no_customer_gives_no_figure() -> None:
    empty = np.zeros(0)
    rows = ScoredRows(np.zeros(0, dtype=np.int64), empty, empty, empty)
    assert {one.status for one in [*accuracy(rows), *expected_accuracy(rows)]} == {"too_little"}
