"""The shape functions of a model, for people: curves with their uncertainty, importances, the strongest pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from churn_mlops.models.calibration import Calibration
from churn_mlops.models.fitting.inputs import Model, Parts
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Axis, Floats, Places
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble

CURVE_STEPS = 20
PAIRS_SHOWN = 10
_ROWS = 20_000
_LEAVES_VISITED = 3_000_000  # the exact contributions of trees are slow: so many leaves take some seconds
_FEWEST_ROWS = 200
_FEATURES_PAIRED = 6
_PAIRED_ROWS = 40


@dataclass(frozen=True)
class Learnt:
    """See :func:`look`; plain data, in log-odds.

    Args:
        curves: by feature: ``cuts`` (inner edges of steps; the last cell is missing) or ``levels`` (with other and
            missing), and for each cell ``values`` (mean contribution, None where no row was looked at), ``errors`` (its
            standard error) and ``rows`` (training rows).
        importances: by feature, the mean absolute contribution.
        pairs: ``first``, ``second`` and ``strength``, the standard deviation of what the two say together beyond what
            each says alone, the strongest first.
    """

    curves: dict[str, dict[str, Any]]
    importances: dict[str, float]
    pairs: list[dict[str, Any]]


def look(model: Model, parts: Parts, calibration: Calibration, inputs: Floats, axes: Sequence[Axis]) -> Learnt:
    """Look at a calibrated model on (some of) its training rows.

    The standard error of a curve is that of a delete-a-group jackknife (Efron and Tibshirani 1993, chapter 11): each
    of the K parts was fitted without one of K groups of rows, so the variance is (K - 1) / K times their summed squared
    distances from their mean; where rows were split in several ways, the mean of the variances.

    Args:
        model: calibrated.
        parts: the fits on folds that it averages, before calibration, by way to split the rows.
        calibration: of the model.
        inputs: training inputs, shape (rows, features).
        axes: one for each feature.
    """
    rows = _some(len(inputs), _rows_to_look_at(model))
    seen = inputs[rows]
    by_part = [[part.contributions(seen) for part in repeat] for repeat in parts]
    whole = _calibrated(model, by_part, calibration, seen)
    curves = {}
    for place, axis in enumerate(axes):
        steps, name = _steps(axis, inputs[:, place])
        curves[axis.name] = name | _curve(steps, place, inputs, seen, whole, by_part)
    importances = {axis.name: float(np.abs(whole[:, place]).mean()) for place, axis in enumerate(axes)}
    pairs = _pairs_of_tables(model, seen) if isinstance(model, AdditiveTables) else _pairs_of_trees(model, seen, whole)
    names = [axis.name for axis in axes]
    strongest = sorted(((value, pair) for pair, value in pairs.items() if value > 0), reverse=True)[:PAIRS_SHOWN]
    return Learnt(
        curves,
        importances,
        [{"first": names[i], "second": names[j], "strength": value} for value, (i, j) in strongest],
    )


def quantile_cuts(values: Floats, steps: int) -> Floats:
    """Up to ``steps - 1`` inner edges of steps that hold about as many known values each; none is empty."""
    known = values[~np.isnan(values)]
    if not len(known):
        return np.empty(0)
    distinct = np.unique(known)
    if len(distinct) <= steps:
        return distinct[:-1]
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, steps + 1)[1:-1], method="inverted_cdf"))
    return np.asarray(cuts[cuts < distinct[-1]])


def _rows_to_look_at(model: Model) -> int:
    if isinstance(model, AdditiveTables):
        return _ROWS
    leaves = sum(len(tree.leaf_value) for tree in model.trees)
    return max(_FEWEST_ROWS, min(_ROWS, _LEAVES_VISITED // max(leaves, 1)))


def _some(rows: int, wanted: int) -> Places:
    return np.unique(np.linspace(0, rows - 1, min(rows, wanted)).round().astype(np.intp))


def _calibrated(model: Model, by_part: list[list[Floats]], calibration: Calibration, seen: Floats) -> Floats:
    """Contributions of the model; those of its parts become calibrated in place, each row at its own rate."""
    rate = np.full(len(seen), calibration.slope)
    whole = None
    if isinstance(model, TreeEnsemble):  # the mean of its parts', which are at hand
        raw = np.mean([part for repeat in by_part for part in repeat], axis=0)
        base = model.raw_base
        rate = calibration.rate(base + raw.sum(axis=1), base)
        whole = raw * rate[:, None]
    for repeat in by_part:
        for part in repeat:
            part *= rate[:, None]
    return model.contributions(seen) if whole is None else np.asarray(whole)


def _steps(axis: Axis, values: Floats) -> tuple[Axis, dict[str, Any]]:
    if axis.cuts is None:
        return axis, {"levels": [*axis.levels, "(other)", "(missing)"]}
    cuts = quantile_cuts(values, CURVE_STEPS)
    return Axis(axis.name, cuts), {"cuts": cuts.tolist()}


def _curve(
    steps: Axis, place: int, inputs: Floats, seen: Floats, whole: Floats, by_part: list[list[Floats]]
) -> dict[str, Any]:
    cells = steps.cells(seen[:, place])
    counts = np.bincount(cells, minlength=steps.size)

    def means(contributions: Floats) -> Floats:
        sums = np.bincount(cells, weights=contributions[:, place], minlength=steps.size)
        return np.asarray(sums / np.maximum(counts, 1))

    variances = [_jackknife_variance([means(part) for part in repeat]) for repeat in by_part]
    return {
        "values": _where(counts, means(whole)),
        "errors": _where(counts, np.sqrt(np.mean(variances, axis=0))),
        "rows": np.bincount(steps.cells(inputs[:, place]), minlength=steps.size).tolist(),
    }


def _jackknife_variance(estimates: list[Floats]) -> Floats:
    groups = len(estimates)
    return np.asarray((groups - 1) / groups * ((estimates - np.mean(estimates, axis=0)) ** 2).sum(axis=0))


def _where(counts: Places, values: Floats) -> list[float | None]:
    return [float(value) if count else None for count, value in zip(counts, values, strict=True)]


def _pairs_of_tables(model: AdditiveTables, seen: Floats) -> dict[tuple[int, int], float]:
    strengths = {}
    for pair in model.pairs:
        first, second = (model.axes[place].cells(seen[:, place]) for place in (pair.first, pair.second))
        strengths[pair.first, pair.second] = float(pair.values(first, second).std())
    return strengths


def _pairs_of_trees(model: TreeEnsemble, seen: Floats, whole: Floats) -> dict[tuple[int, int], float]:
    """The pairs of some features, by partial dependence on a few rows (as in Friedman and Popescu's H, 2008)."""
    rows = seen[_some(len(seen), _PAIRED_ROWS)]
    weightiest = sorted(np.argsort(-np.abs(whole).mean(axis=0))[:_FEATURES_PAIRED].tolist())

    def dependence(places: tuple[int, ...]) -> Floats:
        grid = np.tile(rows, (len(rows), 1))
        for place in places:
            grid[:, place] = np.repeat(rows[:, place], len(rows))
        values = model.log_odds(grid).reshape(len(rows), len(rows)).mean(axis=1)
        return np.asarray(values - values.mean())

    alone = {place: dependence((place,)) for place in weightiest}
    return {
        (first, second): float((dependence((first, second)) - alone[first] - alone[second]).std())
        for first, second in combinations(weightiest, 2)
    }
