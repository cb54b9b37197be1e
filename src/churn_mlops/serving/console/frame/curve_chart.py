"""Curves of several versions in one picture, as plain values of an SVG: axes with numbers, lines, points, intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360.0, 260.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 22.0, 10.0, 42.0
MOST_TICKS = 5
MOST_MARKS = 11
"""Points of a curve that get a mark, by which a reader without colours knows it."""

_SMALLEST_END = 1e-6
"""An axis has an end above 0, also if every value is 0."""


@dataclass(frozen=True)
class CurvePoint:
    """A point of a curve with its 95 % interval."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Tick:
    """A number at an axis: where it stands in the picture, and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class DrawnCurve:
    """A curve in the picture.

    Args:
        name: in the legend.
        line: the points as an SVG polyline has them.
        band: the interval as an SVG polygon has it.
        marks: the points that get a mark.
    """

    name: str
    line: str
    band: str
    marks: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class CurveChart:
    """A picture.

    Args:
        name: the key of its texts.
        x_ticks: numbers of the horizontal axis.
        y_ticks: numbers of the vertical axis.
        reference: the line to compare with, as an SVG polyline has it.
        curves: in their order.
    """

    name: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    reference: str
    curves: Sequence[DrawnCurve]

    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM


@dataclass(frozen=True)
class _Axis:
    """From a value, 0 or more, to its place."""

    end: float
    step: float
    start_at: float
    end_at: float

    def at(self, value: float) -> float:
        return self.start_at + min(value, self.end) / self.end * (self.end_at - self.start_at)

    def ticks(self, write: Callable[[float], str]) -> list[Tick]:
        count = round(self.end / self.step)
        return [Tick(self.at(place * self.step), write(round(place * self.step, 12))) for place in range(count + 1)]


def curve_chart(
    name: str,
    curves: Sequence[tuple[str, Sequence[CurvePoint]]],
    reference: Sequence[tuple[float, float]],
    write_x: Callable[[float], str],
    write_y: Callable[[float], str],
    *,
    is_square: bool = False,
) -> CurveChart:
    """The picture of ``curves``; both axes begin at 0.

    Args:
        name: the key of its texts.
        curves: name and points of each, ascending in x.
        reference: a line to compare with; it is drawn as far as the axes go.
        write_x: writes a number of the horizontal axis.
        write_y: writes a number of the vertical axis.
        is_square: whether both axes have one scale, so that the diagonal means equal.
    """
    highest_x = max((one.x for _, points in curves for one in points), default=1.0)
    highest_y = max((one.high for _, points in curves for one in points), default=1.0)
    if is_square:
        highest_x = highest_y = max(highest_x, highest_y)
    x = _axis(highest_x, LEFT, WIDTH - RIGHT)
    y = _axis(highest_y, HEIGHT - BOTTOM, TOP)
    within = [(min(one, x.end), min(other, y.end)) for one, other in reference]
    return CurveChart(
        name,
        x.ticks(write_x),
        y.ticks(write_y),
        _line([(x.at(one), y.at(other)) for one, other in within]),
        [_drawn(title, points, x, y) for title, points in curves],
    )


def _drawn(name: str, points: Sequence[CurvePoint], x: _Axis, y: _Axis) -> DrawnCurve:
    drawn = [(x.at(one.x), y.at(one.y)) for one in points]
    upper = [(x.at(one.x), y.at(one.high)) for one in points]
    lower = [(x.at(one.x), y.at(one.low)) for one in reversed(points)]
    every = max(1, math.ceil(len(drawn) / MOST_MARKS))
    return DrawnCurve(name, _line(drawn), _line([*upper, *lower]), drawn[::every])


def _line(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _axis(highest: float, start_at: float, end_at: float) -> _Axis:
    """An axis from 0 to a round number that is not below ``highest``, with few round numbers."""
    highest = max(highest, _SMALLEST_END)
    rough = highest / MOST_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= rough * (1 - 1e-9))
    return _Axis(math.ceil(highest / step - 1e-9) * step, step, start_at, end_at)
