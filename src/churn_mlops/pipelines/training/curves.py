"""The curves of a version that stand in its provenance, so that versions are compared without a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from churn_mlops.reporting.report_data import Figure, Report

GAIN_POINTS = 40
"""Lists of so many lengths: more are not seen in a picture, and every version keeps them."""
_DIGITS = 5
Item = TypeVar("Item")


def curves_of(report: Report) -> dict[str, Any]:
    """Calibration and gain on the test set, as plain data: at most 10 bins and `GAIN_POINTS` lists.

    Args:
        report: the facts of the version.
    """
    return {
        "calibration": [
            {"customers": one.customers, "expected": round(one.expected, _DIGITS)} | _interval("observed", one.observed)
            for one in report.calibration
        ],
        "gain": [
            {"share": round(one.share, _DIGITS)} | _interval("captured", one.captured)
            for one in _thinned(report.lengths)
        ],
    }


def _interval(name: str, figure: Figure) -> dict[str, float]:
    return {
        name: round(figure.value, _DIGITS),
        "low": round(figure.low, _DIGITS),
        "high": round(figure.high, _DIGITS),
    }


def _thinned(items: Sequence[Item]) -> list[Item]:
    """At most `GAIN_POINTS` of ``items``, the first and the last among them."""
    if len(items) <= GAIN_POINTS:
        return list(items)
    return [items[round(place * (len(items) - 1) / (GAIN_POINTS - 1))] for place in range(GAIN_POINTS)]
