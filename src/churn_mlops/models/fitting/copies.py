"""Copies of a row among the rows of a fit: on two sides of a split, a model is tested on what it has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from churn_mlops.data.profiling.copy_rule import FEWEST_COPIES, WEIGHT_OF_ALL, are_copies
from churn_mlops.models.fitting.inputs import MIN_ROWS_OF_EACH_CLASS
from churn_mlops.models.scorers.lookup_tables import Floats, Places

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIXING = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


def copy_groups(columns: Sequence[Floats], y: Floats) -> Places | None:
    """A whole number for each row, equal for copies, shape (rows,); None where rows are no copies, but look alike.

    It is also None where fewer than `MIN_ROWS_OF_EACH_CLASS` different rows of a label would be left to split.

    Args:
        columns: of the features, each of shape (rows,), NaN for missing.
        y: 1 where the customer left, else 0, shape (rows,).
    """
    alike = _row_codes(columns)
    n = np.bincount(alike)
    if len(n) > len(y) - FEWEST_COPIES:
        return None
    k = np.bincount(alike, weights=y)
    finest = int(np.argmax([len(np.unique(column)) for column in columns]))
    nearly = _row_codes([*columns[:finest], *columns[finest + 1 :]], len(y))
    first = np.unique(alike, return_index=True)[1]
    near_n, near_k = (np.bincount(nearly, weights)[nearly[first]] for weights in (None, y))
    rate = (near_k - k + WEIGHT_OF_ALL * y.mean()) / (near_n - n + WEIGHT_OF_ALL)
    expected = float((1 - rate**n - (1 - rate) ** n)[n > 1].sum())
    mixed = int(((k > 0) & (k < n)).sum())
    if min((k > 0).sum(), (k < n).sum()) < MIN_ROWS_OF_EACH_CLASS:
        return None  # so few different rows cannot be split
    return _row_codes([*columns, y]) if are_copies(len(y) - len(n), mixed, expected) else None


def _row_codes(columns: Sequence[Floats], rows: int | None = None) -> Places:
    """A whole number for each row, equal for equal rows: by a hash of 64 bits, for sorting whole rows takes minutes."""
    mixed = np.zeros(len(columns[0]) if rows is None else rows, dtype=np.uint64)
    for column in columns:
        values = np.asarray(column, dtype=np.float64) + 0.0  # one zero, not two
        values[np.isnan(values)] = np.nan  # and one NaN
        mixed = (mixed ^ values.view(np.uint64)) + _GOLDEN
        for shift, factor in _MIXING:
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * factor
        mixed ^= mixed >> np.uint64(31)
    return np.asarray(np.unique(mixed, return_inverse=True)[1], dtype=np.intp)
