"""``additive_boosting``: bags of shallow LightGBM trees, compiled into lookup tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from churn_mlops.models.fitting.bagging import CHOICES_OF_BOOSTING, Losses, fit_bags, lowest
from churn_mlops.models.fitting.inputs import MIN_ROWS_OF_A_CELL, FitSettings, Fitted, Progress, TrainingInputs
from churn_mlops.models.fitting.tree_compiler import Leaf, compile_trees, leaves_of
from churn_mlops.models.fitting.tree_growth import Bag

_SAMPLED = {"bagging_fraction": 0.5, "bagging_freq": 1, "feature_fraction": 0.5}
_STUMPS = {"max_depth": 1, "num_leaves": 2}
_PAIRS = {"max_depth": 2, "num_leaves": 4}
CANDIDATES: dict[str, dict[str, Any]] = {
    "stumps": _STUMPS,
    "stumps, sampled": {**_STUMPS, **_SAMPLED},
    "pairs": _PAIRS,
    "pairs, sampled": {**_PAIRS, **_SAMPLED},
}
ROWS_TO_WEIGH_PARTS = 20_000


def fit_additive(data: TrainingInputs, settings: FitSettings, progress: Progress, setting: str | None = None) -> Fitted:
    """Choose stumps or pairs by out-of-fold log loss (or take ``setting``), average the bags, compile them."""
    candidates = CANDIDATES if setting is None else {setting: CANDIDATES[setting]}
    bags = fit_bags(data, candidates, settings, progress, _choose)
    tables = compile_trees(_leaves(bags.all, bags.steeper), data.axes, data.inputs, MIN_ROWS_OF_A_CELL)
    weighed = data.inputs[:ROWS_TO_WEIGH_PARTS]
    parts = tuple(
        tuple(compile_trees(_leaves([bag], bags.steeper), data.axes, weighed, MIN_ROWS_OF_A_CELL) for bag in repeat)
        for repeat in bags.repeats
    )
    return Fitted(tables.scaled(bags.offset, 1.0), parts, bags.out_of_fold, CHOICES_OF_BOOSTING, bags.best, bags.chosen)


def _choose(losses: Losses) -> str:
    """The best stumps, unless the best pairs lose less by more than one standard error, row for row."""
    families = [
        {name: loss for name, loss in losses.items() if name.startswith(family)} for family in ("stumps", "pairs")
    ]
    if not all(families):
        return lowest(losses)
    stumps, pairs = map(lowest, families)
    gain = losses[stumps] - losses[pairs]
    return pairs if gain.mean() > gain.std() / np.sqrt(len(gain)) else stumps


def _leaves(bags: Sequence[Bag], factor: float) -> Iterator[Leaf]:
    """All leaves of all bags, their values times ``factor`` and shared among the bags."""
    for bag in bags:
        for leaf in leaves_of(bag.model_text, bag.trees):
            yield Leaf(leaf.value * factor / len(bags), leaf.path)
