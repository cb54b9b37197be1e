"""Signs that need rows whose label is not known yet: those that a model must score.

A churn event writes values into a column. Rows with a label have them; rows to score do not have them yet.
"""

from __future__ import annotations

import math

import numpy as np

from churn_mlops.data.leakage.labelled_rows import Column, Labelled
from churn_mlops.data.leakage.report import LeakFinding
from churn_mlops.data.leakage.univariate import Codes, Floats, codes_of

_ENOUGH = 100
_LIFT = 3.0
_MOSTLY = 0.6
_CAUGHT = 0.4
_EXPECTED = 30.0
_KEPT = 0.15
_CONSTANT, _VARIED = 0.98, 0.6


def gone_when_needed(column: Column, rows: Labelled, now: Column) -> LeakFinding | None:
    """A column that loses its churn-related values, or all of its values, in the rows to score.

    Args:
        column: over the rows with a label.
        rows: these; of a history its latest dates are compared.
        now: the same column over rows without a label.
    """
    if now.values.size < _ENOUGH:
        return None
    late = rows.recent()
    if late is not None:
        column, rows = column.at(late), rows.at(late)
    together = codes_of(np.concatenate([column.values, now.values]), column.numeric)
    then, today = together[: column.values.size], together[column.values.size :]
    return _is_constant_now(column, rows, then, today) or _churn_values_are_gone(column, rows, then, today)


def _shares(codes: Codes, weights: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(codes, weights=weights, minlength=size) / weights.sum())


def _is_constant_now(column: Column, rows: Labelled, then: Codes, today: Codes) -> LeakFinding | None:
    size = int(max(then.max(), today.max())) + 1
    now = _shares(today, np.ones(today.size), size)
    usual = int(np.argmax(now))
    weights = np.array(rows.weights)[rows.label]
    before = _shares(then, weights, size)[usual]
    if now[usual] < _CONSTANT or before > _VARIED:
        return None
    if rows.as_of is not None:
        of_last = rows.as_of == rows.dates[-1]
        if _shares(then[of_last], weights[of_last], size).max() > _VARIED:
            return None  # it is the same for all customers of any date, such as the age of one cohort
    message = (
        f"is missing, or the same, for {now[usual]:.0%} of the customers whose label is not known yet, but for "
        f"{before:.0%} of those whose label is: it is filled in afterwards"
    )
    return LeakFinding(column.name, "gone_when_needed", message)


def _churn_values_are_gone(column: Column, rows: Labelled, then: Codes, today: Codes) -> LeakFinding | None:
    """Values that churners have much more often than others, or, apart from the others' share, mostly churners have."""
    size = int(max(then.max(), today.max())) + 1
    weights = np.array(rows.weights)[rows.label]
    if not rows.label.any():  # of the latest dates, none has a churner: nothing says what churners have
        return None
    share = _shares(then, weights, size)
    left = _shares(then, weights * rows.label, size)
    base = float((weights * rows.label).sum() / weights.sum())
    now = _shares(today, np.ones(today.size), size)
    for selected in (left > _LIFT * share, left * base > _MOSTLY * share):
        caught, expected, found = float(left[selected].sum()), float(share[selected].sum()), float(now[selected].sum())
        if caught < _CAUGHT or expected * today.size < _EXPECTED:
            continue
        of_others = 1 - caught * base / expected
        most = max(_KEPT, 1.3 * of_others if of_others < 1 - _MOSTLY else 0.0) * expected * today.size
        lost = (expected - found) * today.size
        if found * today.size > most + 2 * math.sqrt(most) or lost < 5 * math.sqrt(expected * today.size):
            continue
        message = (
            f"values that {caught:.0%} of churners have, and {expected:.1%} of all, stand at {found:.1%} of the "
            "customers whose label is not known yet: they are written by the leaving, or after it"
        )
        return LeakFinding(column.name, "gone_when_needed", message)
    return None
