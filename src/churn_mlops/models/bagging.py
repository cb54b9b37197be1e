"""Bags of LightGBM trees over cross-validation splits: what every boosted or bagged type fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from churn_mlops.models.calibration import fit_calibration
from churn_mlops.models.fitting import FitSettings, Folds, Progress, TrainingInputs, log_losses, stratified_folds
from churn_mlops.models.tables import Floats
from churn_mlops.models.tree_text import with_log_odds_leaves

ROWS_FOR_THREADS = 200_000
HOPELESS = 3.0
"""Paired standard errors by which a candidate falls behind the best before it is dropped."""
LARGEST_AVERAGING_GAIN = 1.25
Candidates = Mapping[str, Mapping[str, Any]]
Losses = Mapping[str, Floats]


@dataclass(frozen=True)
class Bag:
    """The trees fitted on one fold's training rows, stopped on its held-out rows.

    Args:
        model_text: LightGBM's own text.
        trees: how many of its trees count.
        share: factor of the trees' summed values: 1 for boosting, one over ``trees`` for a forest.
        held_out: raw log-odds of the fold's held-out rows.
    """

    model_text: str
    trees: int
    share: float
    held_out: Floats


@dataclass(frozen=True)
class Bags:
    """The bags of the candidate chosen: one for each fold of each of two ways to split the rows.

    Args:
        repeats: the bags of each way, in the order of its folds.
        out_of_fold: raw log-odds of each row, the mean of the two bags that did not see it, shape (rows,).
        steeper: see :func:`averaging_gain`.
        best: the candidate taken.
        chosen: for the record: the candidate, the log loss of each that came through, the trees of each bag.
    """

    repeats: tuple[tuple[Bag, ...], ...]
    out_of_fold: Floats
    steeper: float
    best: str
    chosen: dict[str, Any]

    @property
    def offset(self) -> float:
        """What leaves the mean score where it is when scores are made steeper."""
        return float(self.out_of_fold.mean()) * (1.0 - self.steeper)

    @property
    def all(self) -> tuple[Bag, ...]:
        """Every bag."""
        return tuple(bag for repeat in self.repeats for bag in repeat)


def lowest(losses: Losses) -> str:
    """The candidate with the lowest mean loss."""
    return min(losses, key=lambda name: float(losses[name].mean()))


def fit_bags(
    data: TrainingInputs,
    candidates: Candidates,
    settings: FitSettings,
    progress: Progress,
    choose: Callable[[Losses], str] = lowest,
) -> Bags:
    """Choose among ``candidates`` by out-of-fold log loss, and fit the bags of the choice.

    They are fitted on two ways to split the rows, for a row scored twice tells how noisy one bag is.

    Args:
        data: what to fit on.
        candidates: LightGBM parameters by name.
        settings: of the fit.
        progress: called with (fits done, fits in all).
        choose: takes the losses of each row under each candidate, and names the one to take.
    """
    again = stratified_folds(data.y, settings.bags, data.seed + 1)
    steps = _Steps(progress, len(data.folds) * (len(candidates) + 1))
    fitter = _Fitter(data, settings)
    tried, losses = _race(fitter, candidates, steps)
    best = choose(losses)
    repeats = (tuple(tried[best]), tuple(fitter.fit(candidates[best], again, data.seed + 1, steps)))
    once, twice = (_held_out(folds, bags) for folds, bags in zip((data.folds, again), repeats, strict=True))
    chosen = {
        "trees": best,
        "log_loss_of_candidates": {name: float(loss.mean()) for name, loss in losses.items()},
        "trees_of_bags": [bag.trees for repeat in repeats for bag in repeat],
    }
    out_of_fold = (once + twice) / 2
    gain = averaging_gain(once, out_of_fold, data.y, sum(map(len, repeats)))
    return Bags(repeats, out_of_fold, gain, best, chosen)


def averaging_gain(once: Floats, twice: Floats, y: Floats, bags: int) -> float:
    """How much steeper the calibration of an average of ``bags`` bags is than that of an average of two, at least 1.

    Noise in the scores flattens a calibration: the inverse of its slope grows with the noise, of which an average of m
    bags has one m-th (as with errors of measurement in a regression). The slopes of one bag and of two tell the noise,
    hence the slope of any number.

    Args:
        once: out-of-fold log-odds of one bag, shape (rows,).
        twice: the mean of two, shape (rows,).
        y: 1 where the customer left, else 0, shape (rows,).
        bags: how many the model averages, 2 or more.
    """
    one, two = (1.0 / fit_calibration(scores, y).slope for scores in (once, twice))
    many = one + (two - one) * (1.0 - 1.0 / bags) / 0.5
    return float(np.clip(two / many, 1.0, LARGEST_AVERAGING_GAIN)) if many > 0 else LARGEST_AVERAGING_GAIN


class _Steps:
    """Counts fits for a progress bar; those that were dropped count as done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def tick(self, fits: int = 1) -> None:
        self.done += fits
        self.progress(self.done, self.total)


class _Fitter:
    """Fits bags on one set of rows, binned once."""

    def __init__(self, data: TrainingInputs, settings: FitSettings) -> None:
        self.data, self.settings = data, settings
        self.parameters = _parameters(data, settings)
        self.dataset = lightgbm.Dataset(
            data.inputs,
            label=data.y,
            categorical_feature=data.categories,
            params=self.parameters,
            free_raw_data=False,
        ).construct()

    # One bag after the other: LightGBM crashed, rarely, when two fits ran in two threads of one process.
    def fit(self, candidate: Mapping[str, Any], folds: Folds, seed: int, steps: _Steps) -> list[Bag]:
        """The bag of each of ``folds``."""
        bags = []
        for fold in folds:
            bags.append(self.bag(candidate, fold, seed))
            steps.tick()
        return bags

    def bag(self, candidate: Mapping[str, Any], fold: Any, seed: int) -> Bag:
        """The trees of one fold."""
        train, held_out = (np.sort(rows) for rows in fold)
        given = {**self.parameters, **candidate, "seed": seed}
        if given.get("boosting") == "rf":
            return self._forest(given, train, fold[1])
        booster = lightgbm.train(
            given,
            self.dataset.subset(train.tolist()).construct(),
            self.settings.max_trees,
            valid_sets=[self.dataset.subset(held_out.tolist()).construct()],
            callbacks=[lightgbm.early_stopping(self.settings.patience, verbose=False)],
        )
        trees = booster.best_iteration or booster.current_iteration()
        return Bag(booster.model_to_string(num_iteration=trees), trees, 1.0, self._scores(booster, fold[1], trees))

    def _forest(self, given: dict[str, Any], train: Any, held_out: Any) -> Bag:
        """A forest has no early stopping: its trees do not build on each other, and are averaged."""
        trees, weight = int(given.pop("trees")), float(given.pop("leaf_prior_rows"))
        booster = lightgbm.train(given, self.dataset.subset(train.tolist()).construct(), trees)
        text = with_log_odds_leaves(booster.model_to_string(), float(self.data.y[train].mean()), weight)
        return Bag(text, trees, 1.0 / trees, self._scores(lightgbm.Booster(model_str=text), held_out, trees) / trees)

    def _scores(self, booster: Any, rows: Any, trees: int) -> Floats:
        threads = self.parameters["num_threads"]
        raw = booster.predict(self.data.inputs[rows], raw_score=True, num_iteration=trees, num_threads=threads)
        return np.asarray(raw)


def _race(fitter: _Fitter, candidates: Candidates, steps: _Steps) -> tuple[dict[str, list[Bag]], dict[str, Floats]]:
    """Fit fold after fold, dropping candidates that are hopeless; the bags and losses of those that came through."""
    data = fitter.data
    bags: dict[str, list[Bag]] = {name: [] for name in candidates}
    losses: dict[str, Floats] = {name: np.empty(0) for name in candidates}
    for place, fold in enumerate(data.folds):
        for name in list(bags):
            bag = fitter.bag(candidates[name], fold, data.seed)
            bags[name].append(bag)
            losses[name] = np.append(losses[name], log_losses(bag.held_out, data.y[fold[1]]))
            steps.tick()
        best = lowest(losses)
        for name in [name for name in bags if _is_hopeless(losses[name] - losses[best])]:
            del bags[name], losses[name]
            steps.tick(len(data.folds) - place - 1)
    return bags, losses


def _is_hopeless(excess: Floats) -> bool:
    return bool(excess.mean() > HOPELESS * excess.std() / np.sqrt(len(excess)))


def _parameters(data: TrainingInputs, settings: FitSettings) -> dict[str, Any]:
    """Threads wait for each other more than they help on fewer rows; ``deterministic`` gives the same trees anyhow."""
    return {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": 20,
        "deterministic": True,
        "feature_pre_filter": False,
        "force_row_wise": True,
        "num_threads": settings.cores if len(data.y) >= ROWS_FOR_THREADS else 1,
        "verbose": -1,
    }


def _held_out(folds: Folds, bags: Sequence[Bag]) -> Floats:
    scores = np.empty(sum(len(rows) for _, rows in folds))
    for (_, rows), bag in zip(folds, bags, strict=True):
        scores[rows] = bag.held_out
    return scores
