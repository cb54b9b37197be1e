"""Signs of a column that was made from the label itself, or that only identifies customers."""

from __future__ import annotations

import math

import numpy as np

from churn_mlops.data.leakage.auc_noise import noise_of
from churn_mlops.data.leakage.labelled_rows import Column, Labelled
from churn_mlops.data.leakage.report import ORDER_OF_ROWS, LeakFinding
from churn_mlops.data.leakage.univariate import DECIDES_AUC, Floats, auc_of
from churn_mlops.data.profiling.name_signals import names_identifier

_BINS = 200
_LEAST_VARIANCE = 5.0
_LEAST_BINS = 8
_CHANCE = math.log(1e-8)
_FOLLOWS = 0.95
_COLLISIONS = 10
_MATERIAL_AUC = 0.05
_BEYOND = 4.5


def agrees_too_well(column: Column, rows: Labelled) -> LeakFinding | None:
    """A number that the churn rate follows more closely than chance allows.

    Customers leave one by one, so that the rate of a group scatters about its true value by the binomial law, however
    good the number is. A mean of the label (a target encoding) over the same rows has no such scatter. The sum of
    squared deviations is held against the chi-square law by Chernoff's bound of its lower tail.
    """
    if not column.numeric:
        return None
    known = ~np.isnan(column.values)
    means, left, size = _binned(column.values[known], rows.label[known].astype(np.float64))
    if means.size < _LEAST_BINS:
        return None
    rate = left / size
    slope, start = np.polyfit(means, rate, 1, w=np.sqrt(size)) if np.ptp(means) > 0 else (0.0, 0.0)
    fitted = np.clip(start + slope * means, 1e-6, 1 - 1e-6)
    variance = fitted * (1 - fitted) / size
    usable = fitted * (1 - fitted) * size >= _LEAST_VARIANCE / 2
    free = int(usable.sum()) - 2
    if free < _LEAST_BINS - 2 or not _follow(means[usable], rate[usable], size[usable]):
        return None
    ratio = max(float(np.sum(((rate - fitted) ** 2 / variance)[usable])) / free, 1e-12)
    if ratio < 1 and free / 2 * (math.log(ratio) + 1 - ratio) < _CHANCE:
        message = (
            f"the churn rate follows it more closely than chance allows ({ratio:.0%} of the usual scatter over "
            f"{free + 2} groups): it was made from the label"
        )
        return LeakFinding(column.name, "made_from_label", message)
    return None


def _binned(values: Floats, label: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean value, churners and rows of groups in the order of the values; equal values stay together."""
    found, place, count = np.unique(values, return_inverse=True, return_counts=True)
    mean = label.mean() if label.size else 0.0
    least = max(_LEAST_VARIANCE / max(mean * (1 - mean), 1e-9), values.size / _BINS)
    steps = np.floor((np.cumsum(count) - count) / least).astype(np.int64)
    group = np.unique(steps, return_inverse=True)[1]
    left_at = np.bincount(place, weights=label, minlength=found.size)
    left, size = (np.bincount(group, weights=each).astype(np.float64) for each in (left_at, count))
    return np.bincount(group, weights=found * count) / size, left, size


def _follow(means: Floats, rate: Floats, size: Floats) -> bool:
    """Whether the rates go with the values at all: rates held even by a design, such as matching, are no leak."""
    if np.ptp(means) == 0 or np.ptp(rate) == 0:
        return False
    spread = np.cov(means, rate, aweights=size)
    return bool(abs(spread[0, 1]) / math.sqrt(spread[0, 0] * spread[1, 1]) >= _FOLLOWS)


def identifies(column: Column, rows: Labelled) -> LeakFinding | None:
    """A whole number that differs for every customer and still goes with the label."""
    if not column.numeric or np.isnan(column.values).any() or np.any(column.values != np.round(column.values)):
        return None
    _, first = np.unique(rows.groups, return_index=True)
    each = column.values[first]
    size = each.size
    # Had the numbers been drawn by chance from their range, so many pairs would be equal: none is only by design.
    expected = size**2 / (2 * max(np.ptp(each), 1.0))
    by_design = expected >= _COLLISIONS or names_identifier(column.name)
    if size < 100 or not by_design or np.unique(each).size < size or not _stays(column, rows, first):
        return None
    auc = auc_of(column.values, rows.label)
    auc = max(auc, 1 - auc)
    if auc - 0.5 >= _MATERIAL_AUC and (auc - 0.5) / noise_of(0.5, *rows.counts) >= _BEYOND:
        message = f"identifies customers (no two have the same), and still goes with the label (AUC {auc:.2f})"
        return LeakFinding(column.name, "identifier", message)
    return None


def _stays(column: Column, rows: Labelled, first: np.ndarray[tuple[int], np.dtype[np.intp]]) -> bool:
    """Whether each customer has the same value on all their rows."""
    place = np.unique(rows.groups, return_inverse=True)[1]
    return bool(np.all(column.values == column.values[first][place]))


def order_of_rows(rows: Labelled) -> LeakFinding | None:
    """Rows sorted by the label: no feature by itself, but whatever was numbered in that order knows the label."""
    if rows.as_of is not None or min(rows.counts) < _COLLISIONS:
        return None
    auc = auc_of(np.arange(rows.label.size, dtype=np.float64), rows.label)
    auc = max(auc, 1 - auc)
    if auc < DECIDES_AUC:
        return None
    message = (
        f"churners and others stand apart in the table (AUC {auc:.2f}): numbers given in that order reveal the label"
    )
    return LeakFinding(ORDER_OF_ROWS, "order_of_rows", message, sure=False)
