"""Axes of the pictures of features."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.reporting.feature_charts import LOG_RATIO, _log_ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (20.0, 8_000.0, [30, 100, 300, 1_000, 3_000]),
        (0.1, 20.0, [0.1, 0.3, 1, 3, 10]),
        (3.0, 500.0, [3, 10, 30, 100, 300]),
    ],
)
def test_a_logarithmic_axis_has_a_few_round_numbers(low: float, high: float, ticks: list[float]) -> None:
    assert _log_ticks(low, high) == pytest.approx(ticks)


@given(st.floats(1e-6, 1e6), st.floats(LOG_RATIO, 1e12))
def test_they_lie_within_the_axis_and_are_two_to_five(low: float, ratio: float) -> None:
    ticks = _log_ticks(low, low * ratio)
    assert 2 <= len(ticks) <= 5
    assert low <= ticks[0] < ticks[-1] <= low * ratio
