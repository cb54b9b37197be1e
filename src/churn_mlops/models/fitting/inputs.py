"""The parts that every fit shares: the training inputs, the folds and what comes out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from sklearn.model_selection import StratifiedKFold

from churn_mlops.errors import DataError
from churn_mlops.models.calibration import Calibration, fit_calibration
from churn_mlops.models.fit_settings import FitSettings as FitSettings  # handed on
from churn_mlops.models.fit_settings import Progress as Progress
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Axis, Floats, Places
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble

Folds = tuple[tuple[Places, Places], ...]
"""Pairs of (training rows, held-out rows)."""
Model = AdditiveTables | TreeEnsemble
Parts = tuple[tuple[Model, ...], ...]
"""Fits on folds, before calibration: for each way to split the rows, one for each fold."""
MIN_ROWS_OF_EACH_CLASS = 10
CHURNERS_FOR_A_BEND = 100
MANY_ROWS = 200_000
"""Rows from which a fit takes all cores, and larger steps (decision 0005)."""
ENOUGH_TO_SPLIT_ONCE = 2_500
"""Customers of the rarer class from which one way to split the rows is enough: bags of so many hardly differ."""
MIN_ROWS_OF_A_CELL = 10
"""Training rows from which a level, "other" or missing says anything."""


@dataclass(frozen=True)
class TrainingInputs:
    """The data that a model is fitted on: inputs of shape (rows, features), labels of shape (rows,), folds of the rows.

    ``groups`` names, by a whole number, the customer of each row where one may have several; shape (rows,).
    """

    inputs: Floats
    y: Floats
    axes: tuple[Axis, ...]
    folds: Folds
    seed: int
    groups: Places | None = None

    @property
    def has_many_rows(self) -> bool:
        """Whether there are ``MANY_ROWS`` or more."""
        return len(self.y) >= MANY_ROWS

    def ways_to_split(self, settings: FitSettings) -> tuple[Folds, ...]:
        """The folds, and another way to split the same rows if churners are few."""
        if settings.ways == 1 or rarer(self.y) >= ENOUGH_TO_SPLIT_ONCE:
            return (self.folds,)
        return self.folds, stratified_folds(self.y, settings.bags, self.seed + 1, self.groups)

    @property
    def categories(self) -> list[int]:
        """Places of the features that are categories."""
        return [place for place, axis in enumerate(self.axes) if axis.cuts is None]


@dataclass(frozen=True)
class Fitted:
    """A fitted model before calibration.

    Args:
        model: the model, its scores as noisy as those out of fold (see ``bagging.averaging_gain``).
        parts: the fits on folds that the model averages, or that vary as it does.
        out_of_fold: raw log-odds of each training row from fits that did not see it.
        choices: settings that the scores out of fold helped to choose, about: what made them look too good.
        setting: the setting chosen, with which the type can be fitted on more rows without choosing again.
        chosen: for the record: the settings chosen, and the out-of-fold log loss of each candidate.
    """

    model: Model
    parts: Parts
    out_of_fold: Floats
    choices: int
    setting: str
    chosen: dict[str, Any] = field(default_factory=dict)

    def calibration(self, y: Floats) -> Calibration:
        """The calibration of the scores out of fold; that of trees may bend, if there are enough churners."""
        bent = isinstance(self.model, TreeEnsemble) and y.sum() >= CHURNERS_FOR_A_BEND
        return fit_calibration(self.out_of_fold, y, bent=bent)


class Fit(Protocol):
    """Fits one type of model, choosing its setting unless ``setting`` names it."""

    def __call__(
        self, data: TrainingInputs, settings: FitSettings, progress: Progress, setting: str | None = None, /
    ) -> Fitted:
        """The fit of ``data``."""
        ...


def rarer(y: Floats) -> int:
    """How many rows the rarer of the two labels has."""
    return int(min(y.sum(), len(y) - y.sum()))


def stratified_folds(y: Floats, bags: int, seed: int, groups: Places | None = None) -> Folds:
    """Up to ``bags`` pairs of (training rows, held-out rows), each with its share of churners.

    Args:
        y: 1 where the customer left, else 0, shape (rows,).
        bags: how many pairs.
        seed: of the draw.
        groups: the customer of each row, shape (rows,), where one may have several: all of them fall on one side.

    Raises:
        DataError: fewer than 10 customers who left, or who stayed.
    """
    if groups is not None:
        return _grouped_folds(y, bags, seed, groups)
    if rarer(y) < MIN_ROWS_OF_EACH_CLASS:
        raise DataError(
            f"{int(y.sum())} of {len(y)} customers left: a model needs at least {MIN_ROWS_OF_EACH_CLASS} who left and "
            f"{MIN_ROWS_OF_EACH_CLASS} who stayed"
        )
    splitter = StratifiedKFold(min(bags, rarer(y)), shuffle=True, random_state=seed)
    return tuple(splitter.split(np.zeros(len(y)), y))


def _grouped_folds(y: Floats, bags: int, seed: int, groups: Places) -> Folds:
    """Folds of customers, by whether they ever left, spread to all their rows."""
    customers, place = np.unique(groups, return_inverse=True)
    ever = np.zeros(len(customers))
    np.maximum.at(ever, place, y)
    rows = np.arange(len(y))
    held_out = np.zeros(len(customers), dtype=bool)
    folds = []
    for _, chosen in stratified_folds(ever, bags, seed):
        held_out[:] = False
        held_out[chosen] = True
        folds.append((rows[~held_out[place]], rows[held_out[place]]))
    return tuple(folds)


def some_rows(data: TrainingInputs, rows: int) -> TrainingInputs:
    """``data``, or about so many of its rows drawn at random: the same share of each fold, and of each label in it.

    Each label of a fold keeps at least ``MIN_ROWS_OF_EACH_CLASS`` rows, or all: few churners look like none.
    """
    if len(data.y) <= rows:
        return data
    share = rows / len(data.y)
    rng = np.random.default_rng(data.seed)
    strata = [held_out[data.y[held_out] == label] for _, held_out in data.folds for label in (0.0, 1.0)]
    counts = [max(round(len(stratum) * share), min(MIN_ROWS_OF_EACH_CLASS, len(stratum))) for stratum in strata]
    kept = np.concatenate([rng.choice(*each, replace=False) for each in zip(strata, counts, strict=True)])
    kept.sort()
    place = np.full(len(data.y), -1)
    place[kept] = np.arange(len(kept))
    folds = tuple((place[train][place[train] >= 0], place[held][place[held] >= 0]) for train, held in data.folds)
    groups = None if data.groups is None else data.groups[kept]
    return replace(data, inputs=data.inputs[kept], y=data.y[kept], folds=folds, groups=groups)


def log_losses(log_odds: Floats, y: Floats) -> Floats:
    """Log loss of each row, in nats, shape (rows,)."""
    return np.asarray(np.logaddexp(0.0, log_odds) - y * log_odds)
