"""How good scores are, on customers the model never saw, each figure with an interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student
from sklearn.metrics import precision_recall_curve, roc_curve

from churn_mlops.models.metrics import EPSILON, METRICS
from churn_mlops.models.scorers.lookup_tables import Floats, Places

GROUPS = 30
CURVE_POINTS = 200
CALIBRATION_BINS = 10
__all__ = [
    "CALIBRATION_BINS",
    "CURVE_POINTS",
    "EPSILON",
    "GROUPS",
    "LARGEST",
    "METRICS",
    "Estimate",
    "curves",
    "evaluate",
]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


LARGEST = {name: metric.largest for name, metric in METRICS.items() if metric.largest is not None}
"""The largest value of a metric with these labels; every metric is 0 or more."""


def evaluate(y: Floats, scores: Floats, seed: int = 0, clusters: Places | None = None) -> dict[str, Estimate]:
    """Every metric of ``METRICS`` with its 95 % interval, by a jackknife that leaves out one of 30 groups at a time.

    A metric that cannot be computed, of all customers or without one of the groups, is left out: the calibration slope
    of scores that are all alike, or whose order says nothing of who left.

    Args:
        y: 1 where the customer left, else 0, shape (rows,); both occur at least twice.
        scores: churn probabilities, shape (rows,).
        seed: of the groups.
        clusters: the customer of each row, shape (rows,), where one may have several: all of them leave together.
    """
    draw = np.random.default_rng(seed)
    groups = _groups(y, draw) if clusters is None else _clustered_groups(y, clusters, draw)
    found = {name: _with_interval(name, metric, y, scores, groups) for name, metric in METRICS.items()}
    return {name: estimate for name, estimate in found.items() if estimate is not None}


def curves(y: Floats, scores: Floats) -> dict[str, Any]:
    """ROC, precision-recall and calibration curves as plain lists, thinned to at most 200 points."""
    false_alarms, hits, _ = roc_curve(y, scores)
    precision, recall, _ = precision_recall_curve(y, scores)
    bins = np.array_split(np.argsort(scores, kind="stable"), min(CALIBRATION_BINS, len(y)))
    return {
        "roc": {"false_positive_rate": _thin(false_alarms), "true_positive_rate": _thin(hits)},
        "precision_recall": {"recall": _thin(recall), "precision": _thin(precision)},
        "calibration": [
            {"expected": float(scores[rows].mean()), "observed": float(y[rows].mean()), "customers": len(rows)}
            for rows in bins
        ],
    }


def _groups(y: Floats, draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """The group of each row, shape (rows,), drawn blindly: equal shares of churners would hide their noise."""
    order = draw.permutation(len(y))
    groups = np.empty(len(y), dtype=np.int64)
    groups[order] = np.arange(len(y)) % min(GROUPS, len(y))
    if any(len(set(groups[y == label])) < 2 for label in (0, 1)):
        # So few of one kind that leaving out a group would leave none: then each of them gets a group of its own.
        order = order[np.argsort(y[order], kind="stable")]
        groups[order] = np.arange(len(y)) % min(GROUPS, len(y))
    return groups


def _clustered_groups(y: Floats, clusters: Places, draw: np.random.Generator) -> npt.NDArray[np.int64]:
    """The group of each row, drawn by customer."""
    _, place = np.unique(clusters, return_inverse=True)
    ever = np.zeros(place.max() + 1)
    np.maximum.at(ever, place, y)
    return np.asarray(_groups(ever, draw)[place])


def _with_interval(
    name: str, metric: Callable[[Floats, Floats], float], y: Floats, scores: Floats, groups: Any
) -> Estimate | None:
    value = metric(y, scores)
    count = int(groups.max()) + 1
    without = np.array([metric(y[groups != group], scores[groups != group]) for group in range(count)])
    deviation = math.sqrt((count - 1) / count * float(((without - without.mean()) ** 2).sum()))
    half = float(student.ppf(0.975, count - 1)) * deviation
    if not (math.isfinite(value) and math.isfinite(half)):
        return None
    largest = LARGEST[name](y) if name in LARGEST else math.inf
    return Estimate(value, max(0.0, value - half), max(value, min(value + half, largest)))


def _thin(values: Floats) -> list[float]:
    places = np.unique(np.linspace(0, len(values) - 1, min(len(values), CURVE_POINTS)).round().astype(int))
    return [float(value) for value in values[places]]
