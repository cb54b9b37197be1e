"""Columns made up on every run, with a known answer: leakage checks that miss them are blind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from churn_mlops.data.leakage.auc_noise import HONEST_AUC, noise_of
from churn_mlops.data.leakage.labelled_rows import Column, Labelled
from churn_mlops.data.leakage.report import Canary, LeakFinding
from churn_mlops.data.leakage.univariate import STRONG_AUC, Floats, strength

WRONG = 0.1
_LEVELS = 12
_NOISE = 4.5
Rng = np.random.Generator


def noise_columns(rows: Labelled, rng: Rng) -> tuple[Column, Column]:
    """A number and a category that mean nothing."""
    size = rows.label.size
    number = Column("noise (a number)", rng.normal(size=size), True)
    levels = rng.integers(0, _LEVELS, size).astype(np.float64)
    return number, Column("noise (a category)", levels, False)


def leaking_columns(rows: Labelled, rng: Rng) -> list[Column]:
    """The label with 10 % wrong, the label at the customer's next date, and the end date in disguise."""
    left = rows.label == 1
    days = np.where(left, rng.integers(1, 31, left.size), np.nan)
    found = [
        Column("the label, 10 % of it wrong", _partly_wrong(rows, rng), True),
        Column("days until the end", days, True),
    ]
    following = _at_next_date(rows)
    if following is not None:
        column = Column("the label at the next date", following, True)
        # If others than churners have no next date either, it says too little to be a leak that must be found.
        if _auc(column, rows) >= STRONG_AUC:
            found.insert(1, column)
    return found


def _partly_wrong(rows: Labelled, rng: Rng) -> Floats:
    """The label with one in ten of either class turned round, exactly: the AUC is at least 0.90 by construction."""
    wrong = rows.label.astype(np.float64)
    for value in (0, 1):
        places = np.flatnonzero(rows.label == value)
        wrong[rng.permutation(places)[: int(WRONG * places.size)]] = 1 - value
    return wrong


def _at_next_date(rows: Labelled) -> Floats | None:
    """The label of the same customer at their next date, missing where they have none; None without such dates."""
    if rows.as_of is None or rows.dates.size < 3:
        return None
    order = np.lexsort((rows.as_of, rows.groups))
    groups, days = rows.groups[order], rows.as_of[order]
    following = np.full(rows.label.size, np.nan)
    same = (groups[:-1] == groups[1:]) & (days[:-1] < days[1:])
    following[order[:-1][same]] = rows.label[order[1:][same]]
    return following


def release(
    rows: Labelled, inspected: Callable[[Column], LeakFinding | None], seed: int
) -> tuple[tuple[Canary, ...], float]:
    """Make the columns up, and see whether each is taken for what it is.

    Args:
        rows: those with a label.
        inspected: the strongest sign that the leakage checks find in a column.
        seed: of what is made up.

    Returns:
        The canaries, and the AUC of the better noise: what a useless feature reaches.
    """
    rng = np.random.default_rng(seed)
    found, best = [], 0.5
    for column in noise_columns(rows, rng):
        auc = _auc(column, rows)
        best = max(best, auc)
        found.append(_of_noise(column, rows, auc, inspected(column)))
    found += [_of_leak(column, rows, inspected(column)) for column in leaking_columns(rows, rng)]
    return tuple(found), best


def _of_noise(column: Column, rows: Labelled, auc: float, finding: LeakFinding | None) -> Canary:
    useless = abs(auc - 0.5) <= _NOISE * noise_of(0.5, *rows.counts) and finding is None
    said = "is useless" if useless else "seems to say something: the test itself is unreliable on these rows"
    return Canary(column.name, False, useless, f"{said} (AUC {auc:.2f})")


def _of_leak(column: Column, rows: Labelled, finding: LeakFinding | None) -> Canary:
    if finding is not None:
        return Canary(column.name, True, True, f"is caught: {finding.message}")
    left, stayed = rows.counts
    few = f"{left:,} customers who left" if left <= stayed else f"{stayed:,} customers who stayed"
    message = (
        f"is not caught: the leakage checks are blind with only {few}, too few to distinguish its AUC of "
        f"{_auc(column, rows):.2f} from the {HONEST_AUC:.2f} that strong honest features reach"
    )
    return Canary(column.name, True, False, message)


def _auc(column: Column, rows: Labelled) -> float:
    return strength(column.values, column.numeric, rows.sample, rows.fold)[0]
