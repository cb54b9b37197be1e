"""The charts of the weekly report: accuracy by date with intervals, on a scale with round values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from churn_mlops.chart_axis import Axis, axis
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

CHARTS = ("auc", "calibration")
RIGHT_VALUE = {"calibration": 100.0}
"""The value that is right, drawn as a line of its own."""
FEWEST = 3
"""Fewest dates of a chart."""
LEGEND = "Bars are 95 % intervals. Hollow points are estimates, made before labels are final."


@dataclass(frozen=True)
class TimeSeries:
    """A figure by date.

    Args:
        name: of the figure.
        dated: the figure of each date, the earliest first.
        scale: holds all values and intervals.
        right: the value that is right, None where there is none.
    """

    name: str
    dated: Sequence[StoredMeasurement]
    scale: Axis
    right: float | None

    def place(self, one: StoredMeasurement) -> float:
        """The place of a date: 0 at the first, 1 at the last."""
        first, last = (date.fromisoformat(self.dated[end].part) for end in (0, -1))
        return (date.fromisoformat(one.part) - first).days / max((last - first).days, 1)


def time_series(day: MeasuredDay) -> list[TimeSeries]:
    """The charts of a measurement; none of a figure with fewer than three dates.

    Args:
        day: all figures of the measurement.
    """
    found = ((name, _dated(name, day)) for name in CHARTS)
    return [_series(name, dated) for name, dated in found if len(dated) >= FEWEST]


def _dated(name: str, day: MeasuredDay) -> list[StoredMeasurement]:
    found = (one for one in day.figures if one.name == name and one.part and one.value is not None)
    return sorted(found, key=lambda one: one.part)


def _series(name: str, dated: Sequence[StoredMeasurement]) -> TimeSeries:
    right = RIGHT_VALUE.get(name)
    values = [value for one in dated for value in (one.value, one.low, one.high) if value is not None]
    return TimeSeries(name, dated, axis(values if right is None else [*values, right]), right)
