"""Scores and reasons from a model bundle. Needs NumPy, and nothing that training needs."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from churn_mlops.errors import BundleError, DataError
from churn_mlops.features.cells import BadCellError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.calibration import sigmoid
from churn_mlops.models.explain import Explanation, Reason, order_of_reasons, points_per_log_odds, whole_points, wording
from churn_mlops.models.feature_counts import FeatureCounts, count_features
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Floats
from churn_mlops.models.scorers.required_only_model import Core
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble

Band = Literal["low", "medium", "high"]
Reader = tuple[str, str, Callable[[Any], float]]
"""The name of a feature, its column, and what turns a cell into its input."""
CHECK_TOLERANCE = 1e-9
ADDITIVE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Bands:
    """Scores from which a customer's risk is called medium and high, in [0, 1]."""

    medium_from: float = 0.2
    high_from: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.medium_from <= self.high_from <= 1:
            raise ValueError(f"risk bands need 0 <= medium_from <= high_from <= 1, not {self}")


class ChurnPredictor:
    """Scores customers with one model bundle.

    Args:
        bundle: the model.
        threshold: score from which a customer counts as likely to churn; the bundle's own when left out.
        bands: where medium and high risk begin.

    Raises:
        BundleError: the bundle does not give its own recorded scores.
    """

    def __init__(self, bundle: Bundle, *, threshold: float | None = None, bands: Bands | None = None) -> None:
        self.bundle = bundle
        self.contract = bundle.contract
        self.version = bundle.sha256[:12]
        self.threshold = bundle.threshold if threshold is None else threshold
        self.bands = bands or Bands()
        self._model = bundle.model
        self._readers: list[Reader] = [
            (name, bundle.contract.column_of(name), read) for name, read in bundle.engineer.readers().items()
        ]
        self._wordings = [wording(bundle.contract, name) for name, _, _ in self._readers]
        self._core = Core.of(bundle)
        self._required = [] if self._core is None else [self._readers[place] for place in self._core.places]
        self._check()

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, threshold: float | None = None, bands: Bands | None = None
    ) -> ChurnPredictor:
        """The predictor of the bundle at ``path``."""
        return cls(Bundle.load(path), threshold=threshold, bands=bands)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(ChurnPredictor, threshold=self.threshold, bands=self.bands), (self.bundle,)

    def score_one(self, row: Mapping[str, Any]) -> float:
        """Churn probability of one customer; an absent key is a missing value.

        Raises:
            DataError: a value means nothing for its feature; ``problems`` names each.
        """
        core = self._core
        if core is not None and core.is_for_row(row):  # most requests; it reads half the cells
            return _sigmoid(core.model.row_log_odds(self._inputs(row, self._required)))
        inputs = self._inputs(row)
        if core is not None and core.is_for(inputs):
            return _sigmoid(core.model.row_log_odds(core.inputs(inputs)))
        return _sigmoid(self._model.row_log_odds(inputs))

    def score(self, data: Any) -> Floats:
        """Churn probabilities, shape (rows,), of a DataFrame, an Arrow table, a list of mappings or of columns.

        Raises:
            DataError: as :meth:`score_one`, with the first row at fault of each feature.
        """
        return sigmoid(self.log_odds(data))

    def score_and_count(self, data: Any) -> tuple[Floats, FeatureCounts]:
        """:meth:`score`, and how many rows fall into each cell of the reference of the bundle."""
        inputs = self.bundle.engineer.transform(data)
        counts = count_features(self.bundle.reference["features"], list(self.contract.features), inputs)
        return sigmoid(self._log_odds(inputs)), counts

    def log_odds(self, data: Any) -> Floats:
        """Calibrated log-odds, shape (rows,); see :meth:`score`."""
        return self._log_odds(self.bundle.engineer.transform(data))

    def _log_odds(self, inputs: Floats) -> Floats:
        log_odds = self._model.log_odds(inputs)
        if self._core is not None and (rows := self._core.rows(inputs)).any():
            log_odds[rows] = self._core.model.log_odds(inputs[self._core.cells(rows)])
        return log_odds

    def contributions(self, data: Any) -> Floats:
        """The contribution of each feature to the log-odds, shape (rows, features), in the contract's order.

        ``intercept + contributions.sum(axis=1)`` is :meth:`log_odds`, except for customers with the required
        features only, if others are optional: a model of the required features gives their scores.
        """
        return self._model.contributions(self.bundle.engineer.transform(data))

    @property
    def intercept(self) -> float:
        """Log-odds where every contribution is zero: the mean over the training rows, before a bend of trees."""
        return self._model.intercept

    def explain(self, data: Any) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Scores, shape (rows,), and whole points of each feature, shape (rows, features), adding up as in a reason."""
        inputs = self.bundle.engineer.transform(data)
        scores, points = _explained(self._model, inputs)
        if self._core is not None and (rows := self._core.rows(inputs)).any():
            points[rows] = 0
            cells = self._core.cells(rows)
            scores[rows], points[cells] = _explained(self._core.model, inputs[cells])
        return scores, points

    def explain_one(self, row: Mapping[str, Any], top: int | None = None) -> Explanation:
        """The score of one customer with its reasons, by :func:`order_of_reasons`, at most ``top`` of them."""
        model, inputs, places = self._model, self._inputs(row), list(range(len(self._readers)))
        if self._core is not None and self._core.is_for(inputs):
            model, inputs, places = self._core.model, self._core.inputs(inputs), self._core.places
        base = _sigmoid(model.intercept)
        log_odds = model.row_log_odds(inputs)
        probability = _sigmoid(log_odds)
        rate = points_per_log_odds(probability, base, log_odds, model.intercept)
        points = whole_points([rate * part for part in model.row_contributions(inputs)], 100.0 * (probability - base))
        order = order_of_reasons(points)
        return Explanation(
            probability, base, tuple(self._reason(row, places[place], points[place]) for place in order[:top])
        )

    def band(self, probability: float) -> Band:
        """The risk band of a score."""
        if probability >= self.bands.high_from:
            return "high"
        return "medium" if probability >= self.bands.medium_from else "low"

    def _reason(self, row: Mapping[str, Any], place: int, points: int) -> Reason:
        name, column, _ = self._readers[place]
        value = row[column] if column in row else row.get(name)
        return Reason(name, value, points, self._wordings[place](value, points))

    def _inputs(self, row: Mapping[str, Any], readers: Sequence[Reader] | None = None) -> list[float]:
        try:
            return [
                read(row[column] if column in row else row.get(name))
                for name, column, read in (self._readers if readers is None else readers)
            ]
        except BadCellError:
            raise _all_problems(self._readers, row) from None

    def _models(self, inputs: list[float]) -> list[tuple[AdditiveTables | TreeEnsemble, list[float]]]:
        """Every model of the bundle with its share of ``inputs``."""
        found = [(self._model, inputs)]
        return found if self._core is None else [*found, (self._core.model, self._core.inputs(inputs))]

    def _check(self) -> None:
        for check in self.bundle.checks:
            try:
                score = self.score_one(check["customer"])
            except DataError as error:
                raise BundleError(
                    f"model bundle {self.version} cannot read its own recorded customers: {error}"
                ) from None
            for model, inputs in self._models(self._inputs(check["customer"])):
                parts = math.fsum(model.row_contributions(inputs))
                if not abs(model.intercept + parts - model.row_log_odds(inputs)) <= ADDITIVE_TOLERANCE:
                    raise BundleError(f"the reasons of model bundle {self.version} do not add up: do not use it")
            if not abs(score - check["score"]) <= CHECK_TOLERANCE:
                raise BundleError(
                    f"model bundle {self.version} scores {score!r} where it recorded {check['score']!r}: do not use it"
                )


def _explained(model: AdditiveTables | TreeEnsemble, inputs: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Scores and whole points by one model."""
    contributions = model.contributions(inputs)
    difference = contributions.sum(axis=1)
    scores, base = sigmoid(model.intercept + difference), _sigmoid(model.intercept)
    near = np.abs(difference) < 1e-6
    limit = 100.0 * base * (1.0 - base)
    rate = np.where(near, limit, 100.0 * (scores - base) / np.where(near, 1.0, difference))
    return scores, _whole_points(contributions * rate[:, None], 100.0 * (scores - base))


def _sigmoid(log_odds: float) -> float:
    small = math.exp(-abs(log_odds))
    return (1.0 if log_odds >= 0 else small) / (1.0 + small)


def _whole_points(shares: Floats, totals: Floats) -> npt.NDArray[np.int64]:
    """:func:`explain.whole_points` of all rows."""
    floors = np.floor(shares)
    left = np.floor(totals + 0.5) - floors.sum(axis=1)
    ranks = np.empty(shares.shape, dtype=np.int64)
    order = np.argsort(floors - shares, axis=1, kind="stable")
    np.put_along_axis(ranks, order, np.arange(shares.shape[1])[None, :], axis=1)
    more = ranks < left[:, None]
    fewer = ranks >= shares.shape[1] + left[:, None]
    return np.asarray(floors + more - fewer, dtype=np.int64)


def _all_problems(readers: Sequence[Reader], row: Mapping[str, Any]) -> DataError:
    problems = []
    for name, column, read in readers:
        try:
            read(row[column] if column in row else row.get(name))
        except BadCellError as error:
            problems.append((name, str(error)))
    return DataError("; ".join(f"{name}: {problem}" for name, problem in problems), tuple(problems))
