"""Charts of the dashboard: a figure over time with its intervals, on a scale with round values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from churn_mlops.chart_axis import Axis, axis
from churn_mlops.serving.console.dashboard_figures import digits_of, written
from churn_mlops.serving.console.frame.formats import Formats
from churn_mlops.store.measurements import StoredMeasurement

WIDTH, HEIGHT = 360.0, 180.0
LEFT, RIGHT, TOP, BOTTOM = 40.0, 350.0, 12.0, 152.0
"""Edges of the area of the points; the labels stand outside of it."""
RIGHT_VALUE = {"calibration": 100.0, "top_decile_calibration": 100.0}
"""The value that is right, drawn as a line of its own."""
BESIDE = 4.0
"""By so much an estimate stands beside what came true."""
FEWEST = 3
"""Fewest dates of a chart."""


@dataclass(frozen=True)
class Point:
    """A point of a chart; coordinates from the upper left."""

    x: float
    y: float
    low: float | None
    high: float | None
    is_final: bool
    as_of: date
    text: str


@dataclass(frozen=True)
class Tick:
    """A round value of the scale, and its height."""

    y: float
    text: str
    is_right: bool


@dataclass(frozen=True)
class Chart:
    """A figure over time.

    Args:
        name: of the figure.
        points: the earliest first.
        ticks: the lowest first.
    """

    name: str
    points: Sequence[Point]
    ticks: Sequence[Tick]

    @property
    def line(self) -> str:
        """The final points as an SVG polyline has them."""
        return " ".join(f"{one.x:.1f},{one.y:.1f}" for one in self.points if one.is_final)


def time_chart(name: str, figures: Iterable[StoredMeasurement], formats: Formats) -> Chart | None:
    """The figure of each date; None where there are fewer than three.

    Args:
        name: of the figure.
        figures: all of a measurement.
        formats: writes numbers.
    """
    named = [one for one in figures if one.name in (name, f"expected_{name}") and one.part and one.value is not None]
    dated = sorted(named, key=_part)
    if len({one.part for one in dated}) < FEWEST:
        return None
    right = RIGHT_VALUE.get(name)
    values = [value for one in dated for value in (one.value, one.low, one.high) if value is not None]
    scale = axis(values if right is None else [*values, right])
    first, last = date.fromisoformat(dated[0].part), date.fromisoformat(dated[-1].part)
    span = max((last - first).days, 1)
    points = [_point(one, scale, (date.fromisoformat(one.part) - first).days / span, formats) for one in dated]
    digits = max(scale.digits, digits_of(name) and 1)
    ticks = [Tick(_height(scale, one), formats.number(one, digits), one == right) for one in scale.ticks]
    return Chart(name, points, ticks)


def _point(one: StoredMeasurement, scale: Axis, place: float, formats: Formats) -> Point:
    value = one.value or 0.0
    low, high = (None if end is None else _height(scale, end) for end in (one.low, one.high))
    text = written(one.name.removeprefix("expected_"), value, formats)
    x = LEFT + 8 + place * (RIGHT - LEFT - 16) + (BESIDE if one.name.startswith("expected_") else 0)
    return Point(x, _height(scale, value), low, high, one.is_final, date.fromisoformat(one.part), text)


def _height(scale: Axis, value: float) -> float:
    return BOTTOM - scale.share(value) * (BOTTOM - TOP)


def _part(one: StoredMeasurement) -> str:
    return one.part
