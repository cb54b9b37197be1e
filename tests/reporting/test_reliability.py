"""Bins of scores, and groups that are misjudged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, false_discovery_control

from churn_mlops.data.contract import DataContract
from churn_mlops.reporting.intervals import share_of
from churn_mlops.reporting.reliability import calibration_bins, discoveries, p_value, segments

CONTRACT = DataContract.from_dict(
    {
        "name": "t",
        "features": {
            "age": {"type": "number", "unit": "years"},
            "senior": {"type": "boolean"},
            "plan": {"type": "category", "levels": ["a_b", "rare"]},
        },
    }
)
LEVELS = {"plan": ("a_b", "rare")}
REFERENCE = {"features": {"age": {"cuts": [10, 20, 30, 40, 50, 60, 70, 80, 90]}}}


def customers(rows: int = 4000) -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(8)
    inputs = np.column_stack([draw.uniform(0, 100, rows), draw.integers(0, 2, rows), np.zeros(rows)])
    inputs[:15, 2] = 1  # a rare level
    inputs[15:300, 0] = np.nan
    scores = draw.beta(2, 10, rows)
    return inputs, (draw.random(rows) < scores).astype(float), scores


@pytest.mark.parametrize(("left", "rows"), [(0, 30), (3, 40), (39, 40), (500, 2000)])
def test_a_share_has_the_interval_of_wilson(left: int, rows: int) -> None:
    expected = binomtest(left, rows).proportion_ci(method="wilson")
    found = share_of(left, rows)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("rows", [25, 300])
def test_the_p_value_is_that_of_the_exact_distribution(rows: int) -> None:
    scores = np.random.default_rng(rows).beta(1, 12, rows)
    exact = np.ones(1)
    for score in scores:
        exact = np.convolve(exact, [1 - score, score])
    for left in range(int(scores.sum()) + 12):
        two_sided = min(1.0, 2 * min(exact[: left + 1].sum(), exact[left:].sum()))
        assert p_value(left, scores) == pytest.approx(two_sided, abs=0.03)


def test_discoveries_are_those_of_benjamini_and_hochberg() -> None:
    draw = np.random.default_rng(0)
    for _ in range(50):
        p_values = np.sort(np.concatenate([draw.random(20), draw.random(4) / 200]))
        assert discoveries(p_values.tolist()) == int((false_discovery_control(p_values) <= 0.05).sum())


def test_where_scores_are_right_no_group_stands_out() -> None:
    inputs, y, scores = customers()
    found = segments(CONTRACT, LEVELS, REFERENCE, inputs, y, scores)
    assert not any(segment.misjudged for segment in found)
    named = {(segment.title, segment.text) for segment in found}
    assert {text for title, text in named if title != "age"} == {"no", "yes", "a b"}  # too few of the rare level
    assert {"up to 30 years", "over 70 years", "not known"} < {text for title, text in named if title == "age"}


def test_a_group_that_is_misjudged_comes_first_and_is_named() -> None:
    inputs, y, scores = customers()
    y[np.isnan(inputs[:, 0])] = 0
    found = segments(CONTRACT, LEVELS, REFERENCE, inputs, y, scores)
    assert (found[0].title, found[0].text, found[0].misjudged) == ("age", "not known", True)
    assert found[0].observed.high < found[0].expected
    assert sorted(segment.p_value for segment in found) == [segment.p_value for segment in found]


def test_bins_hold_as_many_customers_each_and_never_fewer_than_twenty() -> None:
    _, y, scores = customers()
    bins = calibration_bins(y, scores)
    assert [each.customers for each in bins] == [400] * 10
    assert sum(each.observed.value * each.customers for each in bins) == pytest.approx(y.sum())
    assert [each.expected for each in bins] == sorted(each.expected for each in bins)
    assert [each.customers for each in calibration_bins(y[:50], scores[:50])] == [25, 25]
