"""``additive_boosting``: bags of shallow LightGBM trees, compiled into lookup tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from churn_mlops.models.fitting import MIN_ROWS_OF_A_CELL, FitSettings, Fitted, Progress, TrainingInputs, log_losses
from churn_mlops.models.tables import Floats
from churn_mlops.models.trees import Leaf, compile_trees, leaves_of

_SAMPLED = {"bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.5}
ROWS_FOR_THREADS = 50_000
_STUMPS = {"max_depth": 1, "num_leaves": 2}
_PAIRS = {"max_depth": 2, "num_leaves": 4}
CANDIDATES: dict[str, dict[str, Any]] = {
    "stumps": _STUMPS,
    "stumps, sampled": {**_STUMPS, **_SAMPLED},
    "pairs": _PAIRS,
    "pairs, sampled": {**_PAIRS, **_SAMPLED},
}


@dataclass(frozen=True)
class Bag:
    """The trees fitted on one fold's training rows, stopped on its held-out rows."""

    model_text: str
    trees: int
    held_out: Floats

    def leaves(self, share: float) -> Iterator[Leaf]:
        """All leaves, their values times ``share``."""
        for leaf in leaves_of(self.model_text, self.trees):
            yield Leaf(leaf.value * share, leaf.path)


def fit_additive(data: TrainingInputs, settings: FitSettings, progress: Progress) -> Fitted:
    """Choose stumps or pairs by out-of-fold log loss, average the bags of the choice, compile them.

    The choice is made on at most ``settings.settings_rows`` rows; with more, the bags of the choice are then fitted on
    all rows.
    """
    few = _first_rows(data, settings.settings_rows)
    total = len(data.folds) * (len(CANDIDATES) + (few is not data))
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done, total)

    tried = _fit_bags(few, CANDIDATES, settings, tick)
    losses = {name: log_losses(_held_out(few, bags), few.y) for name, bags in tried.items()}
    best = _choose(losses)
    bags = tried[best] if few is data else _fit_bags(data, {best: CANDIDATES[best]}, settings, tick)[best]
    tables = compile_trees(_all_leaves(bags), data.axes, data.inputs, MIN_ROWS_OF_A_CELL)
    chosen = {
        "trees": best,
        "log_loss_of_candidates": {name: float(loss.mean()) for name, loss in losses.items()},
        "trees_of_bags": [bag.trees for bag in bags],
    }
    return Fitted(tables, _held_out(data, bags), chosen)


def _fit_bags(
    data: TrainingInputs, candidates: dict[str, dict[str, Any]], settings: FitSettings, tick: Any
) -> dict[str, list[Bag]]:
    parameters = _parameters(data, settings)
    dataset = lightgbm.Dataset(
        data.inputs, label=data.y, categorical_feature=data.categories, params=parameters, free_raw_data=False
    ).construct()

    def fit(name: str, fold: int) -> Bag:
        train, held_out = (np.sort(rows) for rows in data.folds[fold])
        booster = lightgbm.train(
            {**parameters, **candidates[name]},
            dataset.subset(train.tolist()).construct(),
            settings.max_trees,
            valid_sets=[dataset.subset(held_out.tolist()).construct()],
            callbacks=[lightgbm.early_stopping(settings.patience, verbose=False)],
        )
        trees = booster.best_iteration or booster.current_iteration()
        scores = booster.predict(data.inputs[data.folds[fold][1]], raw_score=True, num_iteration=trees, num_threads=1)
        tick()
        return Bag(booster.model_to_string(num_iteration=trees), trees, np.asarray(scores))

    # One after the other: LightGBM crashed, rarely, when two fits ran in two threads of one process.
    return {name: [fit(name, fold) for fold in range(len(data.folds))] for name in candidates}


def _parameters(data: TrainingInputs, settings: FitSettings) -> dict[str, Any]:
    """Threads pay from some 50,000 rows on; ``deterministic`` gives the same trees with any number of them."""
    return {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "min_data_in_leaf": 20,
        "seed": data.seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": settings.cores if len(data.y) >= ROWS_FOR_THREADS else 1,
        "verbose": -1,
    }


def _first_rows(data: TrainingInputs, rows: int) -> TrainingInputs:
    """``data``, or a stratified part of it: the same share of the held-out rows of each fold."""
    if len(data.y) <= rows:
        return data
    share = rows / len(data.y)
    kept = np.concatenate([held_out[: int(len(held_out) * share)] for _, held_out in data.folds])
    kept.sort()
    place = np.full(len(data.y), -1)
    place[kept] = np.arange(len(kept))
    folds = tuple((place[train][place[train] >= 0], place[held][place[held] >= 0]) for train, held in data.folds)
    return TrainingInputs(data.inputs[kept], data.y[kept], data.axes, folds, data.seed)


def _held_out(data: TrainingInputs, bags: list[Bag]) -> Floats:
    scores = np.empty(len(data.y))
    for (_, held_out), bag in zip(data.folds, bags, strict=True):
        scores[held_out] = bag.held_out
    return scores


def _choose(losses: dict[str, Floats]) -> str:
    """The best stumps, unless the best pairs lose less by more than one standard error, row for row."""
    best = {
        family: min((name for name in losses if name.startswith(family)), key=lambda name: losses[name].mean())
        for family in ("stumps", "pairs")
    }
    gain = losses[best["stumps"]] - losses[best["pairs"]]
    return best["pairs"] if gain.mean() > gain.std() / np.sqrt(len(gain)) else best["stumps"]


def _all_leaves(bags: list[Bag]) -> Iterable[Leaf]:
    for bag in bags:
        yield from bag.leaves(1.0 / len(bags))
