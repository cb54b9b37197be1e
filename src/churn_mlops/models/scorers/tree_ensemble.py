"""A model of deeper trees, scored and explained by LightGBM."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from churn_mlops.cores import usable_cores
from churn_mlops.errors import BundleError
from churn_mlops.models.calibration import Calibration
from churn_mlops.models.scorers.lightgbm_text import Tree, write_text
from churn_mlops.models.scorers.lookup_tables import Floats

UNCALIBRATED = Calibration()
# LightGBM's contributions are not safe to compute in two threads together.
_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True)
class TreeEnsemble:
    """Trees whose values add up to raw log-odds, and their calibration.

    A feature's contribution is its SHAP value (Lundberg et al. 2020, "From local explanations to global understanding
    with explainable AI for trees", path-dependent), at each customer's own rate of calibrated to raw log-odds, so that
    contributions and intercept add up to the log-odds.

    Args:
        trees: of two leaves or more; there may be none.
        features: number of inputs.
        offset: raw log-odds added to the trees' sum.
        calibration: of the raw log-odds.
    """

    trees: tuple[Tree, ...]
    features: int
    offset: float = 0.0
    calibration: Calibration = UNCALIBRATED

    def log_odds(self, inputs: Floats) -> Floats:
        """Log-odds of churn, shape (rows,), for the inputs of ``FeatureEngineer``, shape (rows, features)."""
        return self.calibration.of(self.raw(inputs))

    def raw(self, inputs: Floats, threads: int | None = None) -> Floats:
        """Raw log-odds, shape (rows,); no number of threads means one for each core of the process."""
        if not len(inputs) or not self.trees:
            return np.full(len(inputs), self.offset)
        threads = threads or usable_cores()
        return self.offset + np.asarray(self._booster.predict(inputs, raw_score=True, num_threads=threads))

    def contributions(self, inputs: Floats) -> Floats:
        """The contribution of each feature to the log-odds, shape (rows, features)."""
        shap = self._shap(inputs)
        return np.asarray(shap[:, :-1] * self.calibration.rate(self.offset + shap.sum(axis=1), self.raw_base)[:, None])

    @cached_property
    def intercept(self) -> float:
        """Log-odds where every contribution is zero: the trees' mean over the rows they were fitted on."""
        return float(self.calibration.of(np.asarray(self.raw_base)))

    def calibrated(self, calibration: Calibration) -> TreeEnsemble:
        """The same trees under ``calibration``."""
        return replace(self, calibration=calibration)

    def row_log_odds(self, inputs: Sequence[float]) -> float:
        """Log-odds of one customer."""
        return float(self.calibration.of(self.raw(np.array([inputs], dtype=float), threads=1))[0])

    def row_contributions(self, inputs: Sequence[float]) -> list[float]:
        """The contribution of each feature to the log-odds of one customer."""
        row: list[float] = self.contributions(np.array([inputs], dtype=float))[0].tolist()
        return row

    def _shap(self, inputs: Floats) -> Floats:
        if not len(inputs) or not self.trees:
            return np.zeros((len(inputs), self.features + 1))
        with _ONE_AT_A_TIME:
            threads = 1 if len(inputs) == 1 else usable_cores()
            return np.asarray(self._booster.predict(inputs, pred_contrib=True, num_threads=threads))

    @cached_property
    def raw_base(self) -> float:
        """Raw log-odds where every contribution is zero."""
        return float(self.offset + self._shap(np.zeros((1, self.features)))[0, -1])

    @cached_property
    def _booster(self) -> Any:
        try:
            # Imported here: an environment that serves an additive model has no LightGBM.
            import lightgbm
        except (ImportError, OSError) as error:  # OSError: LightGBM is there, and a library that it needs is not
            raise BundleError(
                f"this model is made of trees and needs LightGBM ({error}): install requirements-serving-trees.txt"
            ) from None
        return lightgbm.Booster(model_str=write_text(self.trees, self.features))


def combined(ensembles: Sequence[TreeEnsemble], share: float) -> TreeEnsemble:
    """One uncalibrated model whose raw score is the sum of the given ones', each times ``share``."""
    trees = tuple(tree.scaled(share) for one in ensembles for tree in one.trees)
    return TreeEnsemble(trees, ensembles[0].features, share * sum(one.offset for one in ensembles))
