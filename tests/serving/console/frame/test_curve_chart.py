"""Pictures of curves: where things stand, and that nothing stands outside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.serving.console.frame.curve_chart import (
    BOTTOM,
    HEIGHT,
    LEFT,
    MOST_MARKS,
    RIGHT,
    TOP,
    WIDTH,
    CurveChart,
    CurvePoint,
    curve_chart,
)

SHARE = st.floats(0, 1)
POINT = st.builds(lambda x, y, by: CurvePoint(x, y, y * by, y + by), SHARE, st.floats(0, 40), SHARE)


def drawn(*points: CurvePoint, is_square: bool = False) -> CurveChart:
    return curve_chart("gain", [("one", points)], [(0, 0), (1, 1)], str, str, is_square=is_square)


def places(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, _, y in (point.partition(",") for point in line.split())]


def test_a_curve_begins_at_the_lower_left_and_ends_at_the_upper_right() -> None:
    (curve,) = drawn(CurvePoint(0, 0, 0, 0), CurvePoint(1, 1, 1, 1)).curves
    assert places(curve.line) == [(LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, TOP)]
    assert len(places(curve.band)) == 4


def test_the_numbers_of_an_axis_are_few_and_round() -> None:
    chart = drawn(CurvePoint(0.23, 0.5, 0.4, 7.3))
    assert [tick.text for tick in chart.x_ticks] == ["0.0", "0.05", "0.1", "0.15", "0.2", "0.25"]
    assert [tick.text for tick in chart.y_ticks] == ["0.0", "2.0", "4.0", "6.0", "8.0"]


def test_both_axes_of_a_square_have_one_scale() -> None:
    chart = drawn(CurvePoint(0.2, 0.1, 0.1, 0.4), is_square=True)
    assert [tick.text for tick in chart.x_ticks] == [tick.text for tick in chart.y_ticks]
    assert places(chart.reference)[-1] == (WIDTH - RIGHT, TOP)


def test_a_long_curve_has_few_marks() -> None:
    (curve,) = drawn(*(CurvePoint(place / 100, 0.5, 0.4, 0.6) for place in range(100))).curves
    assert len(curve.marks) <= MOST_MARKS
    assert len(places(curve.line)) == 100


@given(st.lists(POINT, max_size=20))
def test_nothing_stands_outside_of_the_axes(points: list[CurvePoint]) -> None:
    chart = drawn(*sorted(points, key=lambda one: one.x))
    (curve,) = chart.curves
    for x, y in [*places(curve.line), *places(curve.band), *curve.marks, *places(chart.reference)]:
        assert LEFT - 0.1 <= x <= WIDTH - RIGHT + 0.1
        assert TOP - 0.1 <= y <= HEIGHT - BOTTOM + 0.1
    assert 2 <= len(chart.x_ticks) <= 6
    assert 2 <= len(chart.y_ticks) <= 6
