"""The scale of a chart holds its values, and its ticks are round."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from churn_mlops.chart_axis import axis


@pytest.mark.parametrize(
    ("values", "ticks", "digits"),
    [
        ([0.715, 0.842], (0.7, 0.75, 0.8, 0.85), 2),
        ([73, 125], (60, 80, 100, 120, 140), 0),
        ([100], (90, 95, 100, 105, 110), 0),
        ([0], (-1, -0.5, 0, 0.5, 1), 1),
        ([-23357, 19732], (-40000, -20000, 0, 20000), 0),
        ([0, 1], (0, 0.25, 0.5, 0.75, 1), 2),
    ],
)
def test_ticks_are_round(values: list[float], ticks: tuple[float, ...], digits: int) -> None:
    found = axis(values)
    assert found.ticks == pytest.approx(ticks)
    assert found.digits == digits


@settings(deadline=None)  # the machine may be busy
@given(some.lists(some.floats(-1e9, 1e9).map(lambda value: round(value, 6)), min_size=1, max_size=9))
def test_every_value_has_its_place_and_ticks_read_apart(values: list[float]) -> None:
    found = axis(values)
    assert all(-1e-6 <= found.share(value) <= 1 + 1e-6 for value in values)
    assert 2 <= len(found.ticks) <= 7
    assert len({f"{tick:.{found.digits}f}" for tick in found.ticks}) == len(found.ticks)
