"""Bags of LightGBM trees over cross-validation splits: what every boosted or bagged type fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn_mlops.models.fitting.inputs import FitSettings, Folds, Progress, TrainingInputs, log_losses
from churn_mlops.models.fitting.tree_growth import Bag, Grower, Grown, cut
from churn_mlops.models.scorers.lookup_tables import Floats

HOPELESS = 3.0
"""Paired standard errors by which a candidate falls behind the best before it is dropped."""
CHOICES_OF_BOOSTING = 3
"""Four candidates, the number of trees and the calibration, about; the study measures what it comes to."""
Candidates = Mapping[str, Mapping[str, Any]]
Losses = Mapping[str, Floats]


@dataclass(frozen=True)
class Bags:
    """The bags of the candidate chosen: one for each fold of each way to split the rows.

    Args:
        repeats: the bags of each way, in the order of its folds.
        out_of_fold: raw log-odds of each row, the mean of the bags that did not see it, shape (rows,).
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
        """The offset that keeps the mean score when scores are made steeper."""
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

    They are fitted on two ways to split the rows, because a row scored twice shows how noisy one bag is. With many
    churners the noise is too small to see, and one way is enough.

    Args:
        data: what to fit on.
        candidates: LightGBM parameters by name.
        settings: of the fit.
        progress: called with (fits done, fits in all).
        choose: takes the losses of each row under each candidate, and names the one to take.
    """
    first, *again = data.ways_to_split(settings)
    steps = _Steps(progress, len(first) * (len(candidates) + len(again)))
    grower = Grower(data, settings)
    # One after the other: LightGBM crashed, rarely, when two fits ran in two threads of one process.
    tried = _race(grower, candidates, steps)
    losses = {name: log_losses(_out_of_fold(data.folds, bags), data.y) for name, bags in tried.items()}
    best = choose(losses)
    repeats = [tuple(tried[best])]
    for folds in again:
        grown = []
        for fold in folds:
            grown.append(grower.grow(candidates[best], fold, data.seed + 1))
            steps.tick()
        repeats.append(tuple(cut(grown)))
    scores = [_out_of_fold(folds, bags) for folds, bags in zip((first, *again), repeats, strict=True)]
    chosen = {
        "trees": best,
        "log_loss_of_candidates": {name: float(loss.mean()) for name, loss in losses.items()},
        "trees_of_bags": [bag.trees for repeat in repeats for bag in repeat],
    }
    gain = averaging_gain(scores[0], scores[1], sum(map(len, repeats))) if again else 1.0
    return Bags(tuple(repeats), np.mean(scores, axis=0), gain, best, chosen)


def averaging_gain(once: Floats, again: Floats, bags: int) -> float:
    """How much steeper the calibration of an average of ``bags`` bags is than that of an average of two, at least 1.

    Noise in the scores flattens a calibration by signal / (signal + noise), as errors of measurement do in any
    regression (Fuller 1987), and an average of m bags has one m-th of a bag's noise. Two bags that did not see a row
    disagree by noise, and agree by signal (and by the noise that no averaging takes away). Right to first
    order: much noise beside a strong signal flattens a logistic calibration some 5 % more.

    Args:
        once: out-of-fold log-odds of one bag, shape (rows,).
        again: those of another, shape (rows,).
        bags: how many the model averages, 2 or more.
    """
    noise = float((once - again).var()) / 2.0
    shared = max(float((once + again).var()) / 4.0 - noise / 2.0, 0.0)
    return (shared + noise / 2.0) / (shared + noise / bags) if noise else 1.0


class _Steps:
    """Counts fits for a progress bar; those that were dropped count as done."""

    def __init__(self, progress: Progress, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def tick(self, fits: int = 1) -> None:
        self.done += fits
        self.progress(self.done, self.total)


def _race(grower: Grower, candidates: Candidates, steps: _Steps) -> dict[str, list[Bag]]:
    """Grow fold after fold, dropping candidates that are hopeless; the bags of those that came through."""
    folds, seed = grower.data.folds, grower.data.seed
    grown: dict[str, list[Grown]] = {name: [] for name in candidates}
    for place, fold in enumerate(folds):
        for name, found in grown.items():
            found.append(grower.grow(candidates[name], fold, seed))
            steps.tick()
        losses = {name: np.concatenate([one.losses for one in found]) for name, found in grown.items()}
        best = lowest(losses)
        for name in [name for name in grown if _is_hopeless(losses[name] - losses[best])]:
            del grown[name]
            steps.tick(len(folds) - place - 1)
    return {name: cut(found) for name, found in grown.items()}


def _is_hopeless(excess: Floats) -> bool:
    return bool(excess.mean() > HOPELESS * excess.std() / np.sqrt(len(excess)))


def _out_of_fold(folds: Folds, bags: Sequence[Bag]) -> Floats:
    scores = np.empty(sum(len(rows) for _, rows in folds))
    for (_, rows), bag in zip(folds, bags, strict=True):
        scores[rows] = bag.held_out
    return scores
