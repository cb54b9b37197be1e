"""Intervals of shares are those of the papers, and keep their coverage where few or all stayed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.monitoring import churn_by_segment
from churn_mlops.monitoring.proportions import difference_interval, share_interval


# Newcombe 1998, table II, method 10.
@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_differences_are_those_of_the_paper(counts: tuple[int, int, int, int], low: float, high: float) -> None:
    assert difference_interval(*counts) == pytest.approx((low, high), abs=1e-3)


@given(st.integers(1, 500), st.integers(1, 500), st.data())
def test_the_interval_holds_the_difference_and_turns_with_the_groups(
    of: int, of_other: int, data: st.DataObject
) -> None:
    count, other = data.draw(st.integers(0, of)), data.draw(st.integers(0, of_other))
    low, high = difference_interval(count, of, other, of_other)
    assert -1 <= low <= count / of - other / of_other <= high <= 1
    assert difference_interval(other, of_other, count, of) == pytest.approx((-high, -low))


@pytest.mark.parametrize(("treated", "control"), [(0.95, 0.95), (0.99, 0.97), (0.8, 0.75)])
def test_the_interval_covers_a_small_control_group(treated: float, control: float) -> None:
    draw = np.random.default_rng(5)
    held = 0
    for stayed, of_control in zip(draw.binomial(360, treated, 3000), draw.binomial(40, control, 3000), strict=True):
        low, high = difference_interval(int(stayed), 360, int(of_control), 40)
        held += low <= treated - control <= high
    assert held / 3000 > 0.93


def test_a_share_of_none_has_an_interval() -> None:
    low, high = share_interval(0, 50)
    assert low == pytest.approx(0)
    assert 0.05 < high < 0.1


@given(of=st.integers(1, 100_000))
def test_an_interval_of_none_or_of_all_ends_exactly_there(of: int) -> None:
    """Rounding left 6e-18 of 0 of 50: more than the churn rate of a company that no one leaves, which asked to act."""
    assert share_interval(0, of)[0] == 0
    assert share_interval(of, of)[1] == 1


def test_no_segment_stands_out_where_no_one_leaves() -> None:
    found = churn_by_segment("churn_by_level", [(str(of), 0, of) for of in range(30, 300)], overall=0.0)
    assert {one.status for one in found} == {"good"}
