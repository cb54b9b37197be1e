"""The charts of the weekly report on paper: accuracy by date with intervals, drawn as vectors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fpdf import FPDF

from churn_mlops.chart_axis import Axis
from churn_mlops.reporting.weekly import TITLES, date_words
from churn_mlops.reporting.weekly.time_series import LEGEND, TimeSeries, time_series
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

WIDTH, HEIGHT, GAP = 82.0, 42.0, 10.0
"""Millimetres."""
_ACCENT, _QUIET, _LINE, _STRONG = (11, 79, 121), (82, 93, 106), (221, 226, 232), (131, 143, 156)
_FONT = "DejaVu"


@dataclass(frozen=True)
class _Place:
    """The area of the points, in millimetres on the page."""

    left: float
    top: float
    width: float
    height: float


def draw_charts(paper: FPDF, day: MeasuredDay) -> None:
    """Draw the charts beside each other, with one legend; nothing where there are too few dates.

    Args:
        paper: on which they are drawn, below what is there.
        day: all figures of a measurement.
    """
    drawn = time_series(day)
    if not drawn:
        return
    if paper.will_page_break(HEIGHT + 26):
        paper.add_page()
    top = paper.get_y() + 4
    for place, series in enumerate(drawn):
        _draw(paper, series, paper.l_margin + place * (WIDTH + GAP), top)
    paper.set_xy(paper.l_margin, top + HEIGHT + 14)
    paper.set_font(_FONT, "", 8)
    paper.set_text_color(*_QUIET)
    paper.multi_cell(0, 4.4, LEGEND, new_x="LMARGIN", new_y="NEXT")


def _draw(paper: FPDF, series: TimeSeries, left: float, top: float) -> None:
    paper.set_xy(left, top)
    paper.set_font(_FONT, "B", 8)
    paper.set_text_color(27, 35, 45)
    paper.cell(WIDTH, 5, TITLES[series.name])
    area = _Place(left + 10, top + 7, WIDTH - 10, HEIGHT - 4)
    _grid(paper, series.scale, area, series.right)
    _points(paper, series, area)
    paper.set_font(_FONT, "", 7)
    paper.set_text_color(*_QUIET)
    paper.set_xy(area.left, area.top + area.height + 1)
    paper.cell(area.width / 2, 4, _day(series.dated[0]))
    paper.cell(area.width / 2, 4, _day(series.dated[-1]), align="R")


def _grid(paper: FPDF, scale: Axis, area: _Place, right: float | None) -> None:
    paper.set_font(_FONT, "", 7)
    paper.set_text_color(*_QUIET)
    for tick in scale.ticks:
        y = _height(scale, area, tick)
        paper.set_draw_color(*(_STRONG if tick == right else _LINE))
        paper.set_line_width(0.3 if tick == right else 0.2)
        paper.line(area.left, y, area.left + area.width, y)
        paper.set_xy(area.left - 11, y - 2)
        paper.cell(10, 4, f"{tick:,.{scale.digits}f}", align="R")


def _points(paper: FPDF, series: TimeSeries, area: _Place) -> None:
    dated, scale = series.dated, series.scale
    places = [area.left + 2 + series.place(one) * (area.width - 4) for one in dated]
    heights = [_height(scale, area, one.value or 0.0) for one in dated]
    paper.set_line_width(0.3)
    paper.set_draw_color(*_STRONG)
    for x, one in zip(places, dated, strict=True):
        if one.low is not None and one.high is not None:
            paper.line(x, _height(scale, area, one.low), x, _height(scale, area, one.high))
    paper.set_draw_color(*_ACCENT)
    paper.set_line_width(0.5)
    paper.polyline([(x, y) for x, y, one in zip(places, heights, dated, strict=True) if one.is_final])
    for x, y, one in zip(places, heights, dated, strict=True):
        paper.set_fill_color(*(_ACCENT if one.is_final else (255, 255, 255)))
        paper.circle(x, y, 0.9, style="DF")


def _day(one: StoredMeasurement) -> str:
    return date_words(date.fromisoformat(one.part))


def _height(scale: Axis, area: _Place, value: float) -> float:
    return area.top + area.height * (1 - scale.share(value))
