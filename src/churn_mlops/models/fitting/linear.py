"""``logistic_regression``: scikit-learn's, turned into the same additive tables (a line for each number)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from churn_mlops.models.fitting.inputs import (
    MIN_ROWS_OF_A_CELL,
    FitSettings,
    Fitted,
    Progress,
    TrainingInputs,
    log_losses,
)
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Axis, Floats, Line, Places

STRENGTHS = (0.003, 0.03, 0.3, 3.0, 30.0)
_CHOICES = 1
ROWS_FOR_NOISE = 20_000


@dataclass(frozen=True)
class Column:
    """One column of the design matrix: a scaled number, "this number is missing", or "has this level"."""

    feature: int
    kind: str
    cell: int = 0
    mean: float = 0.0
    deviation: float = 1.0
    low: float = 0.0
    high: float = 0.0

    def values(self, inputs: Floats) -> Floats:
        """The column for ``inputs``, shape (rows,)."""
        x = inputs[:, self.feature]
        if self.kind == "level":
            return np.asarray(x == self.cell, dtype=float)
        if self.kind == "missing":
            return np.asarray(np.isnan(x), dtype=float)
        scaled = (np.clip(x, self.low, self.high) - self.mean) / self.deviation
        return np.asarray(np.nan_to_num(scaled, nan=0.0))


def fit_linear(data: TrainingInputs, settings: FitSettings, progress: Progress, setting: str | None = None) -> Fitted:
    """Choose the strength of the L2 penalty by out-of-fold log loss (or take ``setting``), then fit on all rows.

    Scaling, imputation (the mean, with a column that says so) and levels are learnt inside each fold.
    """
    strengths = STRENGTHS if setting is None else (float(setting),)
    out_of_fold = {strength: np.empty(len(data.y)) for strength in strengths}
    parts: dict[float, list[AdditiveTables]] = {strength: [] for strength in strengths}
    total = len(strengths) * len(data.folds) + 1
    for done, ((train, test), strength) in enumerate(product(data.folds, strengths)):
        model = _fit(data.inputs[train], data.y[train], data.axes, strength)
        parts[strength].append(model)
        out_of_fold[strength][test] = model.log_odds(data.inputs[test])
        progress(done + 1, total)
    losses = {strength: float(log_losses(values, data.y).mean()) for strength, values in out_of_fold.items()}
    best = min(losses, key=lambda strength: losses[strength])
    # The penalty keeps its weight against the rows, of which there are more than in a fold.
    share = len(data.folds[0][0]) / len(data.y)
    tables = _fit(data.inputs, data.y, data.axes, best * share)
    steeper = _gain_of_all_rows(tables, parts[best], data.inputs)
    progress(total, total)
    chosen = {"C": best, "log_loss_of_candidates": {str(strength): loss for strength, loss in losses.items()}}
    offset = float(out_of_fold[best].mean()) * (1.0 - steeper)
    steeper_parts = tuple(part.scaled(0.0, steeper) for part in parts[best])
    return Fitted(tables.scaled(offset, steeper), (steeper_parts,), out_of_fold[best], _CHOICES, str(best), chosen)


def _gain_of_all_rows(whole: AdditiveTables, parts: Sequence[AdditiveTables], inputs: Floats) -> float:
    """How much steeper the calibration of a fit on all rows is than that of the ``parts``, each fitted without a fold.

    As in ``bagging.averaging_gain``, the noise in the scores flattens a calibration. The jackknife (see
    ``learnt.look``) measures how much of it there is in a fit on all rows; with K folds, a part has K / (K - 1) times
    as much.
    """
    scores = np.array([part.log_odds(inputs[:ROWS_FOR_NOISE]) for part in parts])
    more_noise = float((scores - scores.mean(axis=0)).var(axis=1).mean())
    of_all = float(whole.log_odds(inputs[:ROWS_FOR_NOISE]).var())
    return 1.0 + more_noise / of_all if of_all else 1.0


def _fit(inputs: Floats, y: Floats, axes: tuple[Axis, ...], strength: float) -> AdditiveTables:
    columns = _columns(inputs, axes)
    # Hundreds of levels make columns that are nearly all zero: sparse, they cost next to nothing.
    design = sparse.hstack([sparse.csc_array(column.values(inputs)[:, None]) for column in columns], format="csr")
    model = LogisticRegression(C=strength, solver="newton-cg", max_iter=100, tol=1e-6)
    with warnings.catch_warnings():
        # A fit that has not quite converged is still evaluated on held-out rows, like every other candidate.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # So few columns that the threads of a linear algebra library only wait for each other.
        with threadpool_limits(1, user_api="blas"):
            model.fit(design, y)
    return _tables(float(model.intercept_[0]), model.coef_[0], columns, axes, inputs)


def _columns(inputs: Floats, axes: tuple[Axis, ...]) -> list[Column]:
    columns: list[Column] = []
    for place, axis in enumerate(axes):
        x = inputs[:, place]
        if axis.cuts is None:
            counts = np.bincount(x.astype(np.intp), minlength=axis.size)
            columns += [Column(place, "level", cell=int(cell)) for cell in np.flatnonzero(counts >= MIN_ROWS_OF_A_CELL)]
            continue
        known = x[~np.isnan(x)]
        with np.errstate(over="ignore", under="ignore"):
            mean, deviation = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
        # Numbers of an absurd size have no deviation that a float can hold: they say nothing to a line.
        if 0 < deviation < np.inf:
            columns.append(Column(place, "number", 0, mean, deviation, known.min(), known.max()))
        if known.size and len(x) - len(known) >= MIN_ROWS_OF_A_CELL:
            columns.append(Column(place, "missing"))
    return columns


def _tables(
    intercept: float, weights: Floats, columns: list[Column], axes: tuple[Axis, ...], inputs: Floats
) -> AdditiveTables:
    """The regression as tables, each centred on the rows it was fitted on; what was never seen says nothing."""
    levels = {place: np.zeros(axis.size) for place, axis in enumerate(axes) if axis.cuts is None}
    lines: dict[int, Line] = {
        place: Line(0.0, 0.0, 0.0, 0.0, 0.0) for place, axis in enumerate(axes) if axis.cuts is not None
    }
    for weight, column in zip(weights, columns, strict=True):
        if column.kind == "level":
            levels[column.feature][column.cell] = weight
        elif column.kind == "number":
            slope = float(weight / column.deviation)
            lines[column.feature] = Line(slope, -slope * column.mean, column.low, column.high, 0.0)
        else:
            line = lines[column.feature]
            lines[column.feature] = Line(line.slope, line.offset, line.low, line.high, float(weight))
    mains: list[Floats | Line] = []
    for place in range(len(axes)):
        if place in levels:
            kept = [column.cell for column in columns if column.feature == place]
            mean = _centre_levels(levels[place], inputs[:, place].astype(np.intp), kept)
            mains.append(levels[place])
        else:
            says = any(column.feature == place and column.kind == "missing" for column in columns)
            mean, line = _centred(lines[place], inputs[:, place], says)
            mains.append(line)
        intercept += mean
    return AdditiveTables(intercept, axes, tuple(mains))


def _centre_levels(table: Floats, cells: Places, kept: list[int]) -> float:
    """Centre the levels that are ``kept`` (in place) on the rows that have one of them; return their mean."""
    if not kept:
        return 0.0
    counts = np.bincount(cells, minlength=len(table))[kept]
    mean = float(table[kept] @ counts / counts.sum())
    table[kept] -= mean
    return mean


def _centred(line: Line, x: Floats, missing_says: bool) -> tuple[float, Line]:
    """The mean of ``line`` over the rows, and the line less its mean; missing is zero where it says nothing."""
    counted = x if missing_says else x[~np.isnan(x)]
    mean = float(line.values(counted).mean()) if len(counted) else 0.0
    missing = line.missing - mean if missing_says else 0.0
    return mean, Line(line.slope, line.offset - mean, line.low, line.high, missing)
