"""Two versions side by side, as plain values: figures with intervals, the difference, and curves in one picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from churn_mlops.serving.console.frame.curve_chart import CurveChart, CurvePoint, curve_chart
from churn_mlops.serving.console.frame.formats import Formats
from churn_mlops.serving.console.models.models_view import METRICS, Figure, VersionView

SHORTEST_LIFT = 0.02
"""Share of the customers from which the lift is drawn: that of shorter lists leaps about."""
MOST_POINTS = 200
Says = Literal["better", "worse", "overlap"]
TestSets = Literal["same", "other_time", "other_customers", "unknown"]
_LOSS: Mapping[str, Callable[[float], float]] = {
    "auc": lambda value: -value,
    "log_loss": lambda value: value,
    "lift_top_decile": lambda value: -value,
    "observed_over_expected": lambda value: abs(math.log(max(value, 1e-9))),
}
"""For each metric, a quantity that is lower for the better version."""


@dataclass(frozen=True)
class MetricRow:
    """A metric of both versions.

    Args:
        name: of the metric.
        first: of the first version, None where it was not recorded.
        second: of the second.
        difference: second less first, None where one is missing.
        says: what the intervals say of the second; None where one is missing.
    """

    name: str
    first: Figure | None
    second: Figure | None
    difference: float | None
    says: Says | None


@dataclass(frozen=True)
class Comparison:
    """Two versions.

    Args:
        first: the older one, or the one that is live.
        second: the other.
        rows: the metrics.
        test_sets: whether both were measured on the same customers.
        charts: calibration, gain and lift; of the versions that have curves.
        without: versions that were recorded without curves.
        features: of each version, how many there are, None where it is not recorded, and those that the other lacks.
    """

    first: VersionView
    second: VersionView
    rows: Sequence[MetricRow]
    test_sets: TestSets
    charts: Sequence[CurveChart]
    without: Sequence[VersionView]
    features: Sequence[tuple[int | None, Sequence[str]]]


def compare(first: VersionView, second: VersionView, formats: Formats) -> Comparison:
    """Both versions side by side.

    Args:
        first: one version.
        second: the other.
        formats: writes the numbers of the axes, and the names of the curves.
    """
    both = (first, second)
    calibration = _curves(both, formats, "calibration", "expected", "observed")
    gain = _curves(both, formats, "gain", "share", "captured")
    lift = [(name, [_lift(one) for one in points if one.x >= SHORTEST_LIFT]) for name, points in gain]

    def times(value: float) -> str:
        return formats.texts("compare.times", times=formats.number(value, 0 if value == round(value) else 1))

    diagonal = [(0.0, 0.0), (1.0, 1.0)]
    percent = formats.percent
    charts = [
        curve_chart("calibration", calibration, diagonal, percent, percent, is_square=True),
        curve_chart("gain", gain, diagonal, percent, percent),
        curve_chart("lift", lift, [(0.0, 1.0), (1.0, 1.0)], percent, times),
    ]
    return Comparison(
        first,
        second,
        [_row(name, first.figure(name), second.figure(name)) for name in METRICS],
        _test_sets(first.made, second.made),
        [chart for chart in charts if chart.curves],
        [one for one in both if not _points(one, "calibration", "expected", "observed")],
        [_features(first, second), _features(second, first)],
    )


def _features(one: VersionView, other: VersionView) -> tuple[int | None, Sequence[str]]:
    """How many features a version has, and those that the other lacks."""
    own, others = one.made.get("features"), other.made.get("features")
    if not isinstance(own, list):
        return None, []
    return len(own), [name for name in own if name not in others] if isinstance(others, list) else []


def _row(name: str, first: Figure | None, second: Figure | None) -> MetricRow:
    if first is None or second is None:
        return MetricRow(name, first, second, None, None)
    return MetricRow(name, first, second, second.value - first.value, _says(first, second))


def _says(first: Figure, second: Figure) -> Says | None:
    ends = (first.low, first.high, second.low, second.high)
    if any(end is None for end in ends):
        return None
    if (second.low or 0) <= (first.high or 0) and (first.low or 0) <= (second.high or 0):
        return "overlap"
    loss = _LOSS[first.name]
    return "better" if loss(second.value) < loss(first.value) else "worse"


def _test_sets(first: Mapping[str, Any], second: Mapping[str, Any]) -> TestSets:
    """By the rule that drew the test set, and the data that it was drawn from."""
    if first.get("set_aside") is None or second.get("set_aside") is None:
        return "unknown"
    if first["set_aside"] != second["set_aside"]:
        return "other_customers"
    return "same" if first.get("data_fingerprint") == second.get("data_fingerprint") else "other_time"


def _curves(
    versions: Iterable[VersionView], formats: Formats, name: str, x: str, y: str
) -> list[tuple[str, list[CurvePoint]]]:
    """Name and points of each version that has the curve."""
    found = [(one, _points(one, name, x, y)) for one in versions]
    return [(formats.texts("models.version", version=one.version), points) for one, points in found if points]


def _points(version: VersionView, name: str, x: str, y: str) -> list[CurvePoint]:
    """The points of a curve as they were recorded; none where they cannot be read."""
    curves = version.made.get("curves")
    listed = curves.get(name) if isinstance(curves, Mapping) else None
    points = []
    for one in listed[:MOST_POINTS] if isinstance(listed, list) else ():
        given = [one.get(part) for part in (x, y, "low", "high")] if isinstance(one, Mapping) else []
        values = [float(value) for value in given if isinstance(value, int | float) and 0 <= value < math.inf]
        if len(values) < 4:
            return []
        points.append(CurvePoint(*values))
    return sorted(points, key=lambda point: point.x)


def _lift(point: CurvePoint) -> CurvePoint:
    """How many times the share of churners among all customers a list of this length holds."""
    return CurvePoint(point.x, point.y / point.x, point.low / point.x, point.high / point.x)
