"""The pictures of how well a model ranks, whether its percentages hold, and what a list earns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from churn_mlops.reporting import sentences
from churn_mlops.reporting.chart_style import (
    ACCENT,
    INK,
    MONEY,
    PERCENT,
    QUIET,
    Axes,
    Picture,
    Rows,
    curve_band,
    dashed,
    label,
    layered,
    table,
)
from churn_mlops.reporting.money import ListMoney, Money
from churn_mlops.reporting.number_text import length, percent
from churn_mlops.reporting.report_data import Figure, Point, Report

SHORTEST_LIFT = 0.02
"""Share of the customers from which the lift is drawn: that of shorter lists leaps about."""
_NOTHING = Figure(value=0, low=0, high=0)
_DIAGONAL = [{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}]
_TICKS = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1)
SKEWED = 6.0
"""How many times the middle bin the last one must be for a scale that spreads small shares."""


def profit(money: Money) -> Picture:
    """Money by list length, observed and expected, around the best length."""
    best = money.best
    end = min(1.0, max(0.1, 4 * best.share)) if best else 0.3
    lists = [entry for entry in money.lists if entry.share <= end * 1.0001] or list(money.lists[:1])
    rows = [_row(0.0, _NOTHING), *(_row(entry.share, entry.net) for entry in lists)]
    expected = [{"x": 0.0, "y": 0.0}, *({"x": entry.share, "y": entry.expected} for entry in lists)]
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    last = lists[-1]
    axes = _axes(
        "customers contacted, best first",
        "USD net of offers",
        MONEY,
        x_scale=alt.Scale(domain=[0, 1.22 * last.share], nice=False),  # room for the names of the curves
        x_numbers=f"datum.value > {1.001 * last.share} ? '' : {PERCENT}",
        y_scale=alt.Scale(domain=[low, high + 0.12 * (high - low)]),
    )
    nudge = 8 if last.net.value >= last.expected else -8
    charts = [
        *curve_band(rows, axes),
        dashed(expected),
        table([{"y": 0}]).mark_rule(color=QUIET).encode(y="y:Q"),
        *(_marked(best) if best is not None else ()),
        *label(last.share, last.net.value, "observed", dx=6, dy=-nudge, color=ACCENT),
        *label(last.share, last.expected, "expected", dx=6, dy=nudge, color=QUIET),
    ]
    return Picture("profit", "What a list earns, by its length", sentences.list_earns(money), layered(charts, 290))


def gains(report: Report) -> Picture:
    """Share of all churners on a list, by its length."""
    rows = [_row(0.0, _NOTHING), *(_row(each.share, each.captured) for each in report.lengths)]
    charts = [
        *curve_band(rows, _axes("customers on the list, best first", "churners on the list", PERCENT)),
        dashed(_DIAGONAL),
        *_names(rows, "random order"),
    ]
    return Picture("gains", "Churners found, by length of the list", sentences.gains(report), layered(charts))


def lift(report: Report) -> Picture:
    """How many times as frequent churners are on a list as on average, by its length."""
    lengths = [each for each in report.lengths if each.share >= SHORTEST_LIFT] or list(report.lengths)
    rows = [_row(each.share, sentences.lift_of(each)) for each in lengths]
    charts = [
        *curve_band(rows, _axes("customers on the list, best first", "times the average", None)),
        dashed([{"x": 0.0, "y": 1.0}, {"x": 1.0, "y": 1.0}]),
        *label(0.0, 1.0, "random order", dx=4, dy=9, color=QUIET),
    ]
    return Picture("lift", "Lift, by length of the list", sentences.lift(report), layered(charts))


def roc(report: Report) -> Picture:
    """The ROC curve."""
    rows = _rows(report.roc)
    charts = [
        *curve_band(rows, _axes("retained customers taken for churners", "churners found", PERCENT)),
        dashed(_DIAGONAL),
        *_names(rows, "a coin"),
    ]
    return Picture("roc", "Churners found against false alarms (ROC)", sentences.roc(report), layered(charts))


def precision_recall(report: Report) -> Picture:
    """The precision-recall curve."""
    rate = sentences.test_set_rate(report)
    charts = [
        *curve_band(_rows(report.precision_recall), _axes("churners found (recall)", "precision", PERCENT)),
        dashed([{"x": 0.0, "y": rate}, {"x": 1.0, "y": rate}]),
        *label(0.0, rate, f"at random: {percent(rate)}", dx=4, dy=-9, color=QUIET),
    ]
    description = sentences.precision_recall(report)
    return Picture("precision-recall", "How pure the list stays (precision and recall)", description, layered(charts))


def calibration(report: Report) -> Picture:
    """Observed against expected shares of churners, by bins of scores."""
    bins = report.calibration
    rows = [_row(each.expected, each.observed) for each in bins]
    end = 1.05 * max(max(row["x"], row["high"]) for row in rows)
    skewed = bins[-1].expected > SKEWED * bins[len(bins) // 2].expected
    scale = alt.Scale(domain=[0, end], type="sqrt" if skewed else "linear", nice=False)
    ticks = [tick for tick in _TICKS if tick <= end] if skewed else None
    axes = _axes("score", "share who left", PERCENT, x_scale=scale, y_scale=scale, ticks=ticks)
    near = 0.005 * end if skewed else 0.04 * end
    charts = [
        axes.on(table(rows).mark_rule(color=ACCENT, strokeWidth=2, opacity=0.55), y="low:Q", y2="high:Q"),
        dashed([{"x": 0.0, "y": 0.0}, {"x": end, "y": end}]),
        table(rows).mark_point(color=ACCENT, filled=True, opacity=1, size=55).encode(x="x:Q", y="y:Q"),
        *label(near, 0.93 * end, "scores too low", color=QUIET),
        *label(end, near, "scores too high", color=QUIET, align="right"),
    ]
    return Picture("calibration", "Scores against what happened", sentences.calibration(report), layered(charts, 320))


def _axes(
    x: str,
    y: str,
    y_numbers: str | None,
    *,
    x_scale: alt.Scale | None = None,
    x_numbers: str = PERCENT,
    y_scale: alt.Scale | None = None,
    ticks: Sequence[float] | None = None,
) -> Axes:
    """Axes of which x is a share; ``x_numbers`` and ``y_numbers`` are Vega expressions that write a number."""
    marks: dict[str, Any] = {"tickCount": 5} if ticks is None else {"values": list(ticks)}
    numbers = {"labelExpr": y_numbers} if y_numbers else {}
    return Axes(
        {
            "axis": alt.Axis(**(marks | {"title": x, "labelExpr": x_numbers})),
            "scale": x_scale or alt.Scale(nice=False, domain=[0, 1]),
        },
        {"axis": alt.Axis(**(marks | numbers | {"title": y})), "scale": y_scale or alt.Scale()},
    )


def _names(rows: Rows, other: str) -> list[alt.Chart]:
    """Names of the model's curve and of the diagonal, beside them."""
    at = min(rows, key=lambda row: abs(row["x"] - 0.45))
    return [
        *label(at["x"], at["low"], "this model", color=ACCENT, dx=8, dy=12),
        *label(0.62, 0.55, other, color=QUIET, dx=6, dy=4),
    ]


def _marked(best: ListMoney) -> list[alt.Chart]:
    base = table([{"x": best.share, "y": best.net.value}]).encode(x="x:Q")
    return [
        base.mark_rule(color=INK, strokeDash=[1, 3]),
        base.mark_point(color=INK, filled=True, opacity=1, size=70).encode(y="y:Q"),
        *label(best.share, alt.value(8), f"best length: {length(best.share)}", dx=6),
    ]


def _row(x: float, figure: Figure) -> dict[str, float]:
    return {"x": x, "y": figure.value, "low": figure.low, "high": figure.high}


def _rows(points: Sequence[Point]) -> list[dict[str, float]]:
    return [_row(point.x, point.y) for point in points]
