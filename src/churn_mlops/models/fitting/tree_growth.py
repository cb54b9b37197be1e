"""Grows LightGBM trees on the training rows of a fold, and finds how many of them count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np

from churn_mlops.models.fitting.inputs import FitSettings, TrainingInputs, log_losses
from churn_mlops.models.scorers.lightgbm_text import read_trees, with_log_odds_leaves
from churn_mlops.models.scorers.lookup_tables import Floats, Places
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble, combined

LEAST_GAIN_OF_MANY_ROWS = 2e-5
"""Nats a row that the trees of ``patience`` must bring: of many rows, ever more trees bring ever a little less."""


@dataclass(frozen=True)
class Bag:
    """The trees of one fold.

    Args:
        model_text: LightGBM's own text of the trees that count.
        trees: how many they are.
        held_out: raw log-odds of the fold's held-out rows.
        forest: the trees, where they are averaged.
    """

    model_text: str
    trees: int
    held_out: Floats
    forest: TreeEnsemble | None = None

    def ensemble(self, features: int) -> TreeEnsemble:
        """The trees as a model of so many features."""
        if self.forest is not None:
            return self.forest
        trees, constant = read_trees(self.model_text)
        return TreeEnsemble(tuple(trees), features, constant)


@dataclass(frozen=True)
class Grown:
    """Trees of one fold, of which it is still open how many count.

    Args:
        booster: LightGBM's model.
        forest: the trees, where they are averaged; then all count.
        curve: mean log loss of the held-out rows after each tree.
        inputs: of the held-out rows.
        losses: of the held-out rows at the best point of their own curve: good to compare, too good to report.
        threads: of predictions.
    """

    booster: Any
    forest: TreeEnsemble | None
    curve: Floats
    inputs: Floats
    losses: Floats
    threads: int

    def cut(self, trees: int) -> Bag:
        """The first ``trees`` trees."""
        text = self.booster.model_to_string(num_iteration=trees)
        return Bag(text, trees, _raw(self.booster, self.forest, self.inputs, trees, self.threads), self.forest)


class Grower:
    """Grows trees on one set of rows, binned once."""

    def __init__(self, data: TrainingInputs, settings: FitSettings) -> None:
        self.data, self.settings = data, settings
        self.parameters = _parameters(data, settings)
        self.least_gain = LEAST_GAIN_OF_MANY_ROWS if data.has_many_rows else 0.0
        self.dataset = lightgbm.Dataset(
            data.inputs,
            label=data.y,
            categorical_feature=data.categories,
            params=self.parameters,
            free_raw_data=False,
        ).construct()

    def grow(self, candidate: Mapping[str, Any], fold: tuple[Places, Places], seed: int) -> Grown:
        """Trees on the training rows of ``fold``, until its held-out rows gain nothing more from them."""
        train, held_out = (np.sort(rows) for rows in fold)
        given = {**self.parameters, **candidate, "seed": seed}
        forest = None
        rows = self.dataset.subset(train.tolist()).construct()
        curve: dict[str, Any] = {}
        if given.get("boosting") == "rf":
            trees, weight = int(given.pop("trees")), float(given.pop("leaf_prior_rows"))
            booster = lightgbm.train(given, rows, trees)
            forest = self._forest(booster, float(self.data.y[train].mean()), weight)
        else:
            booster = lightgbm.train(
                given,
                rows,
                self.settings.max_trees,
                valid_sets=[self.dataset.subset(held_out.tolist()).construct()],
                callbacks=[
                    lightgbm.early_stopping(self.settings.patience, verbose=False, min_delta=self.least_gain),
                    lightgbm.record_evaluation(curve),
                ],
            )
            trees = booster.best_iteration or booster.current_iteration()
        inputs, threads = self.data.inputs[fold[1]], self.parameters["num_threads"]
        raw = _raw(booster, forest, inputs, trees, threads)
        found = np.array(curve["valid_0"]["binary_logloss"]) if curve else np.full(trees, np.nan)
        return Grown(booster, forest, found, inputs, log_losses(raw, self.data.y[fold[1]]), threads)

    def _forest(self, booster: Any, base: float, weight: float) -> TreeEnsemble:
        """The mean of the trees, which do not build on each other: there is no early stopping."""
        trees, constant = read_trees(booster.model_to_string())
        trees = with_log_odds_leaves(trees, base, weight)
        features = self.data.inputs.shape[1]
        return combined([TreeEnsemble(tuple(trees), features, constant)], 1.0 / booster.current_iteration())


def cut(grown: Sequence[Grown]) -> list[Bag]:
    """The bag of each fold, with as many trees as the curves of the OTHER folds say.

    A fold's own curve would choose the number that suits its held-out rows by chance, and their scores would look
    better than those of new customers: by much, where rows are few.
    """
    if grown[0].forest is not None:
        return [one.cut(len(one.curve)) for one in grown]
    longest = max(len(one.curve) for one in grown)
    curves = np.array([np.pad(one.curve, (0, longest - len(one.curve)), mode="edge") for one in grown])
    bags = []
    for place, one in enumerate(grown):
        best = int(np.delete(curves, place, axis=0).mean(axis=0).argmin()) + 1
        bags.append(one.cut(min(best, len(one.curve))))
    return bags


def _raw(booster: Any, forest: TreeEnsemble | None, inputs: Floats, trees: int, threads: int) -> Floats:
    if forest is not None:
        return forest.raw(inputs, threads)
    return np.asarray(booster.predict(inputs, raw_score=True, num_iteration=trees, num_threads=threads))


def _parameters(data: TrainingInputs, settings: FitSettings) -> dict[str, Any]:
    """Threads wait for each other more than they help on fewer rows; ``deterministic`` gives the same trees anyhow."""
    many = data.has_many_rows
    return {
        "objective": "binary",
        "learning_rate": min(1.0, settings.learning_rate * (2 if many else 1)),
        "min_data_in_leaf": 20,
        "deterministic": True,
        "feature_pre_filter": False,
        "force_row_wise": True,
        "num_threads": settings.cores if many else 1,
        "verbose": -1,
    }
