"""The LightGBM trees that an additive model is compiled from, written down for servers that know LightGBM alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.models.bundle import Bundle
from churn_mlops.models.calibration import Calibration
from churn_mlops.models.fitting.additive import CANDIDATES
from churn_mlops.models.fitting.bagging import Bags, fit_bags
from churn_mlops.models.fitting.inputs import FitSettings, TrainingInputs, stratified_folds
from churn_mlops.models.scorers.lightgbm_text import write_text
from churn_mlops.models.scorers.lookup_tables import AdditiveTables
from churn_mlops.models.scorers.tree_ensemble import combined


@dataclass(frozen=True)
class Trees:
    """The bags of a model, and what turns their mean into its score.

    Args:
        bags: LightGBM's own text of each.
        whole: LightGBM's text of the trees of all bags, each with its share: one model whose sum is the mean.
        features: in the order of LightGBM's columns.
        levels: of each category; a level's place is its code.
        constant: what ``whole`` lacks of that mean: trees that are a single leaf.
        intercept: of the calibrated log-odds, intercept + slope x the mean of the bags.
        slope: likewise.
    """

    bags: tuple[str, ...]
    whole: str
    features: tuple[str, ...]
    levels: dict[str, tuple[str, ...]]
    constant: float
    intercept: float
    slope: float

    def write(self, folder: Path) -> None:
        """Write ``bag-1.txt`` and so on, ``whole.txt`` and ``facts.json`` into ``folder``, which is made."""
        folder.mkdir(parents=True)
        for number, text in enumerate(self.bags, start=1):
            (folder / f"bag-{number}.txt").write_text(text, encoding="utf-8")
        (folder / "whole.txt").write_text(self.whole, encoding="utf-8")
        facts = {name: value for name, value in asdict(self).items() if name not in {"bags", "whole"}}
        (folder / "facts.json").write_text(json.dumps(facts | {"bags": len(self.bags)}), encoding="utf-8")


def trees_of(bundle: Bundle, customers: Any, left: npt.NDArray[np.float64]) -> Trees:
    """The trees that ``bundle`` is compiled from: the same fit again, for a bundle keeps no trees.

    Args:
        bundle: fitted with the default settings.
        customers: those it was fitted on, each once.
        left: 1 where the customer left, else 0, shape (rows,).

    Raises:
        ValueError: the bundle is none of ``additive_boosting``.
    """
    if bundle.model_type != "additive_boosting" or not isinstance(bundle.model, AdditiveTables):
        raise ValueError(f"a model of the type {bundle.model_type} is not compiled from trees")
    bags = _bags(bundle, customers, left)
    calibration = Calibration(**bundle.training["calibration"])
    features = len(bundle.model.axes)
    whole = combined([bag.ensemble(features) for bag in bags.all], 1.0 / len(bags.all))
    return Trees(
        bags=tuple(bag.model_text for bag in bags.all),
        whole=write_text(whole.trees, features),
        features=tuple(bundle.contract.features),
        levels=dict(bundle.levels),
        constant=whole.offset,
        intercept=calibration.intercept + calibration.slope * bags.offset,
        slope=calibration.slope * bags.steeper,
    )


def _bags(bundle: Bundle, customers: Any, left: npt.NDArray[np.float64]) -> Bags:
    settings, seed, setting = FitSettings(), int(bundle.training["seed"]), str(bundle.training["setting"])
    inputs = bundle.engineer.transform(customers)
    data = TrainingInputs(inputs, left, bundle.model.axes, stratified_folds(left, settings.bags, seed), seed)
    return fit_bags(data, {setting: CANDIDATES[setting]}, settings, lambda done, total: None)
