"""The pictures of what drives a model and of who is misjudged."""

from __future__ import annotations

import math
from typing import Any, Literal

import altair as alt

from churn_mlops.reporting import sentences
from churn_mlops.reporting.chart_style import (
    ACCENT,
    INK,
    PERCENT,
    POINTS,
    QUIET,
    WIDTH,
    Axes,
    Picture,
    curve_band,
    layered,
    table,
    written,
)
from churn_mlops.reporting.number_text import level_words, percent
from churn_mlops.reporting.report_data import Cell, Effect, Report

ROW = 40
"""Pixels for one row: its words, and below them its mark."""
AXIS = 44
"""Pixels for the axis below the rows."""
MOST_BARS = 12
MOST_LEVELS = 12
MOST_SEGMENTS = 12
LOG_RATIO = 100.0
"""How many times the first cut the last one must be for a logarithmic scale."""
_MOST_TICKS = 5


def importance(report: Report) -> Picture:
    """Each feature's share of the mean absolute contributions, the most important first."""
    total = sum(effect.importance or 0.0 for effect in report.effects)
    shares = [(effect.title, (effect.importance or 0.0) / total) for effect in report.effects if effect.importance]
    rest = shares[MOST_BARS:]
    bars = shares[:MOST_BARS] + [(f"{len(rest)} more together", sum(share for _, share in rest))] * bool(rest)
    rows = [
        {"y": place, "name": title, "x": share, "shown": percent(share)} for place, (title, share) in enumerate(bars)
    ]
    base = _by_row(rows)
    scale = alt.Scale(domain=[0, 1.25 * max(share for _, share in bars)])
    charts = [
        base.mark_bar(color=ACCENT, height=12, yOffset=9, cornerRadiusEnd=2).encode(
            x=alt.X("x:Q", axis=None, scale=scale)
        ),
        *_words(base, "name"),
        base.mark_text(align="left", dx=6, dy=10, color=QUIET).encode(x="x:Q", text="shown:N"),
    ]
    chart = layered(charts, ROW * len(rows))
    return Picture("importance", "How much each feature decides", sentences.drivers(report), chart)


def curve(report: Report, effect: Effect, name: str, domain: tuple[float, float]) -> Picture:
    """The points that each value of one feature adds to the model's base, or takes away.

    Args:
        report: whose picture it is.
        effect: the feature's.
        name: of the picture.
        domain: points that all curves of the report share, lowest and highest.
    """
    steps = [cell for cell in effect.cells if cell.kind == "step"]
    chart = _steps(effect, steps, domain) if steps else _levels(effect, domain)
    description = f"{effect.title}: {sentences.effect(effect, report)} {sentences.missing_cell(effect, report)}".strip()
    return Picture(name, effect.title, description, chart)


def shared_domain(report: Report) -> tuple[float, float]:
    """Points, lowest and highest, that hold every curve; intervals of rare values may be cut off."""
    values = [cell.points.value for effect in report.effects for cell in effect.cells]
    low, high = min([0.0, *values]), max([0.0, *values])
    room = 0.18 * (high - low) or 1.0
    return low - room, high + room


def segments(report: Report) -> Picture:
    """Expected and observed shares of churners in the most doubtful groups."""
    rows = [
        {
            "y": place,
            "name": f"{segment.title}: {segment.text}{' *' if segment.misjudged else ''}",
            "expected": segment.expected,
            "observed": segment.observed.value,
            "low": segment.observed.low,
            "high": segment.observed.high,
        }
        for place, segment in enumerate(report.segments[:MOST_SEGMENTS])
    ]
    base = _by_row(rows)
    axis = alt.Axis(title="share who left", labelExpr=PERCENT, tickCount=5)
    expected = base.mark_point(shape="diamond", color=INK, fill="white", opacity=1, size=70, yOffset=8, strokeWidth=1.5)
    charts = [
        base.mark_rule(color=ACCENT, strokeWidth=2, opacity=0.55, yOffset=8).encode(
            x=alt.X("low:Q", axis=axis, scale=alt.Scale(zero=False)), x2="high:Q"
        ),
        base.mark_point(color=ACCENT, filled=True, opacity=1, size=60, yOffset=8).encode(x="observed:Q"),
        expected.encode(x="expected:Q"),
        *_words(base, "name"),
    ]
    description = sentences.misjudged(report)
    return Picture("segments", "The groups most likely misjudged", description, layered(charts, ROW * len(rows) + AXIS))


def _steps(effect: Effect, steps: list[Cell], domain: tuple[float, float]) -> dict[str, Any]:
    edges, is_log = _edges([cell.high for cell in steps[:-1] if cell.high is not None], steps[-1].high)
    numbers = "~s" if edges[-1] >= 10_000 else ",.4~r"
    axes = Axes(
        {
            "axis": alt.Axis(
                title=effect.unit or effect.title,
                labelExpr=f"format(datum.value, '{numbers}')",
                **({"values": _log_ticks(edges[0], edges[-1])} if is_log else {"tickCount": 5}),
                labelOverlap="greedy",
                labelSeparation=6,
                grid=False,
            ),
            "scale": alt.Scale(type="log" if is_log else "linear", nice=False, zero=False),
        },
        _points_axis(domain),
    )
    cells = [*steps, steps[-1]]
    rows = [{"x": x} | _clipped(cell, domain, "y") for x, cell in zip(edges, cells, strict=True)]
    return layered([*curve_band(rows, axes, step=True), _average("y")], 220)


def _log_ticks(low: float, high: float) -> list[float]:
    """A few round numbers for a logarithmic axis, far enough from each other that their labels do not collide."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        ticks = [digit * 10.0**power for power in powers for digit in digits if low <= digit * 10.0**power <= high]
        if len(ticks) <= _MOST_TICKS:
            break
    return ticks[:: math.ceil(len(ticks) / _MOST_TICKS)]


def _edges(inner: list[float], end: float | None) -> tuple[list[float], bool]:
    """The start of each step, and the end of the last one; an open one is drawn as wide as its neighbour."""
    if not inner:
        inner = [0.0] if end is None else [end - 1]
        return [inner[0] - 1, inner[0] + 1], False
    first = inner[1] - inner[0] if len(inner) > 1 else abs(inner[0]) or 1.0
    last = inner[-1] - inner[-2] if len(inner) > 1 else first
    if inner[0] > 0 and inner[-1] / inner[0] > LOG_RATIO:
        return [inner[0] / 2, *inner, end or inner[-1] * 2], True
    start = inner[0] - first
    return [max(0.0, start) if inner[0] >= 0 else start, *inner, inner[-1] + last if end is None else end], False


def _levels(effect: Effect, domain: tuple[float, float]) -> dict[str, Any]:
    cells = [cell for cell in effect.cells if cell.kind != "missing"]
    if len(cells) > MOST_LEVELS:  # the most frequent, in their own order
        often = sorted(cells, key=lambda cell: -cell.rows)[:MOST_LEVELS]
        cells = [cell for cell in cells if cell in often]
    rows = [
        {"y": place, "name": "other" if cell.kind == "other" else level_words(cell.text)} | _clipped(cell, domain, "x")
        for place, cell in enumerate(cells)
    ]
    base = _by_row(rows)
    bars = base.mark_rule(color=ACCENT, strokeWidth=6, opacity=0.25, yOffset=8)
    charts = [
        _average("x"),
        bars.encode(x=alt.X("low:Q", **_points_axis(domain)), x2="high:Q"),
        base.mark_point(color=ACCENT, filled=True, opacity=1, size=60, yOffset=8).encode(x="x:Q"),
        *_words(base, "name"),
    ]
    return layered(charts, ROW * len(rows) + AXIS)


def _points_axis(domain: tuple[float, float]) -> dict[str, Any]:
    axis = alt.Axis(title="points", labelExpr=POINTS, tickCount=5)
    return {"axis": axis, "scale": alt.Scale(domain=list(domain), nice=False)}


def _clipped(cell: Cell, domain: tuple[float, float], channel: str) -> dict[str, float]:
    low, high = domain
    figure = cell.points
    return {channel: figure.value, "low": max(low, figure.low), "high": min(high, figure.high)}


def _by_row(rows: list[dict[str, Any]]) -> alt.Chart:
    chart: alt.Chart = table(rows).encode(y=alt.Y("y:O", axis=None, scale=alt.Scale(paddingInner=0, paddingOuter=0)))
    return chart


def _words(base: alt.Chart, column: str) -> list[alt.Chart]:
    return written(base.encode(x=alt.value(0), text=f"{column}:N"), dy=-8, limit=WIDTH - 20)


def _average(channel: Literal["x", "y"]) -> alt.Chart:
    rule = table([{channel: 0}]).mark_rule(color=QUIET, strokeDash=[5, 4])
    chart: alt.Chart = rule.encode(x="x:Q") if channel == "x" else rule.encode(y="y:Q")
    return chart
