"""``boosting`` and ``random_forest``: deeper trees, for data with interactions of more than two features."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from churn_mlops.models.fitting.bagging import CHOICES_OF_BOOSTING, Candidates, fit_bags
from churn_mlops.models.fitting.inputs import FitSettings, Fitted, Progress, TrainingInputs
from churn_mlops.models.scorers.tree_ensemble import combined

_SAMPLED = {"bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.5}
BOOSTING: dict[str, dict[str, Any]] = {
    "8 leaves": {"num_leaves": 8},
    "8 leaves, sampled": {"num_leaves": 8, **_SAMPLED},
    "31 leaves": {"num_leaves": 31},
    "31 leaves, sampled": {"num_leaves": 31, **_SAMPLED},
}
_FOREST = {
    "boosting": "rf",
    "trees": 20,
    "num_leaves": 127,
    "min_data_in_leaf": 10,
    "leaf_prior_rows": 10,
    "bagging_fraction": 0.632,
    "bagging_freq": 1,
}
FOREST: dict[str, dict[str, Any]] = {
    "a third of the features": {**_FOREST, "feature_fraction_bynode": 0.35},
    "most features": {**_FOREST, "feature_fraction_bynode": 0.6},
}
CHOICES_OF_A_FOREST = 0


def fit_boosting(data: TrainingInputs, settings: FitSettings, progress: Progress, setting: str | None = None) -> Fitted:
    """Bags of boosted trees of 8 or 31 leaves, with or without sampling, whichever validates better."""
    return _fit(
        data, BOOSTING if setting is None else {setting: BOOSTING[setting]}, settings, progress, CHOICES_OF_BOOSTING
    )


def fit_forest(data: TrainingInputs, settings: FitSettings, progress: Progress, setting: str | None = None) -> Fitted:
    """A random forest (Breiman 2001) in LightGBM's own form: the trees of all folds together."""
    return _fit(
        data, FOREST if setting is None else {setting: FOREST[setting]}, settings, progress, CHOICES_OF_A_FOREST
    )


def _fit(
    data: TrainingInputs, candidates: Candidates, settings: FitSettings, progress: Progress, choices: int
) -> Fitted:
    bags = fit_bags(data, candidates, settings, progress)
    features = data.inputs.shape[1]
    parts = tuple(tuple(combined([bag.ensemble(features)], bags.steeper) for bag in repeat) for repeat in bags.repeats)
    whole = combined([bag.ensemble(features) for bag in bags.all], bags.steeper / len(bags.all))
    whole = replace(whole, offset=whole.offset + bags.offset)
    return Fitted(whole, parts, bags.out_of_fold, choices, bags.best, bags.chosen)
