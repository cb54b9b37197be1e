"""The weekly report as one HTML file that needs nothing else: charts are SVG within it, their values a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import jinja2

from churn_mlops.reporting.weekly.rows import (
    COLOURS,
    GROUPS,
    TITLES,
    date_words,
    interval_text,
    measured_text,
    title_of,
    weekly_rows,
    written,
)
from churn_mlops.reporting.weekly.time_series import LEGEND, TimeSeries, time_series
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 44.0, 350.0, 12.0, 156.0
"""Edges of the area of the points; the labels stand outside of it."""


@dataclass(frozen=True)
class Point:
    """A date on the chart, and its row of the table; coordinates from the upper left."""

    x: float
    y: float
    low: float | None
    high: float | None
    is_final: bool
    date: str
    value: str
    interval: str


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Args:
        title: of the figure.
        points: the earliest first.
        ticks: height, text, and whether it is the right value, the lowest first.
    """

    title: str
    points: Sequence[Point]
    ticks: Sequence[tuple[float, str, bool]]

    @property
    def line(self) -> str:
        """The final points as an SVG polyline has them."""
        return " ".join(f"{one.x:.1f},{one.y:.1f}" for one in self.points if one.is_final)


def weekly_html(day: MeasuredDay, campaigns: Mapping[int, str]) -> str:
    """The report as HTML.

    Args:
        day: the figures.
        campaigns: the name of each campaign by its number.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("churn_mlops.reporting"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    sizes = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "bottom": BOTTOM}
    charts = [_chart(one) for one in time_series(day)]
    template = environment.get_template("weekly.html.j2")
    rows = weekly_rows(day, campaigns)
    return template.render(
        title=title_of(day),
        measured=measured_text(day),
        groups={question: [row for row in rows if row.name in names] for question, names in GROUPS.items()},
        badges={status: _badge(*colours) for status, colours in COLOURS.items()},
        charts=charts,
        sizes=sizes,
        legend=LEGEND,
    )


def _badge(ground: tuple[int, int, int], ink: tuple[int, int, int]) -> str:
    """The style of a status, beside its word: within the element, since some mail programs drop style sheets."""
    return f"background:#{bytes(ground).hex()};color:#{bytes(ink).hex()}"


def _chart(series: TimeSeries) -> Chart:
    scale = series.scale
    ticks = [(_height(series, one), f"{one:,.{scale.digits}f}", one == series.right) for one in scale.ticks]
    return Chart(TITLES[series.name], [_point(series, one) for one in series.dated], ticks)


def _point(series: TimeSeries, one: StoredMeasurement) -> Point:
    value = one.value or 0.0
    low, high = (None if end is None else _height(series, end) for end in (one.low, one.high))
    x = LEFT + 8 + series.place(one) * (RIGHT - LEFT - 16)
    text = written(one.name, value)
    day = date_words(date.fromisoformat(one.part))
    return Point(x, _height(series, value), low, high, one.is_final, day, text, interval_text(one))


def _height(series: TimeSeries, value: float) -> float:
    return BOTTOM - series.scale.share(value) * (BOTTOM - TOP)
