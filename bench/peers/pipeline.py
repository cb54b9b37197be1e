"""The trees as one would deploy them elsewhere: a scikit-learn encoding of a DataFrame, then LightGBM.

Imports nothing of this project, so that an environment of a peer runs it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import OrdinalEncoder

UNKNOWN = -1
"""Code of a level that was not learnt: LightGBM sends it the way of all other levels."""


class Pipeline:
    """The bags of a folder of trees behind an encoding: DataFrames in, churn probabilities out."""

    def __init__(self, folder: str | Path) -> None:
        facts = json.loads((Path(folder) / "facts.json").read_text(encoding="utf-8"))
        self._intercept, self._slope = facts["intercept"], facts["slope"]
        self._bags = [lightgbm.Booster(model_file=Path(folder) / f"bag-{n}.txt") for n in range(1, facts["bags"] + 1)]
        self._encoding, self._order = _encoding(facts["features"], facts["levels"])

    def score(self, customers: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Churn probabilities, shape (rows,), of raw customers."""
        inputs = self._encoding.transform(customers)[:, self._order]
        raw = np.mean([bag.predict(inputs, raw_score=True, num_threads=1) for bag in self._bags], axis=0)
        return np.asarray(1.0 / (1.0 + np.exp(-(self._intercept + self._slope * raw))))


class Lean:
    """The same by hand, as lean as LightGBM lets it: one customer, no DataFrame, one call for the trees of all bags."""

    def __init__(self, folder: str | Path) -> None:
        facts = json.loads((Path(folder) / "facts.json").read_text(encoding="utf-8"))
        self._constant, self._intercept, self._slope = facts["constant"], facts["intercept"], facts["slope"]
        self._trees = lightgbm.Booster(model_file=Path(folder) / "whole.txt")
        places = {name: {level: place for place, level in enumerate(of)} for name, of in facts["levels"].items()}
        self._columns = [(name, places.get(name)) for name in facts["features"]]

    def score(self, customer: Mapping[str, Any]) -> float:
        """Churn probability of one raw customer."""
        row = [
            float(customer[name]) if places is None else float(places.get(customer[name], UNKNOWN))
            for name, places in self._columns
        ]
        raw = self._constant + float(self._trees.predict(np.array([row]), raw_score=True, num_threads=1)[0])
        return 1.0 / (1.0 + math.exp(-(self._intercept + self._slope * raw)))


def _encoding(features: list[str], levels: dict[str, list[str]]) -> tuple[ColumnTransformer, list[int]]:
    """The encoding, and where it puts each feature: the categories come first."""
    numbers = [name for name in features if name not in levels]
    encoder = OrdinalEncoder(
        categories=list(levels.values()), handle_unknown="use_encoded_value", unknown_value=UNKNOWN
    )
    encoding = ColumnTransformer([("levels", encoder, list(levels)), ("numbers", "passthrough", numbers)])
    # All that it would learn is given: one customer shows it the columns.
    one = {name: [levels[name][0]] if name in levels else [0.0] for name in features}
    encoding.fit(pd.DataFrame(one))
    return encoding, [[*levels, *numbers].index(name) for name in features]
