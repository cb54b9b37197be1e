"""Fit, calibrate, explain and score churn models."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.data.contract import DataContract
from churn_mlops.features.inferring import inferred_contract
from churn_mlops.features.scikit_learn import Estimator, not_fitted_error, tags
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.fit_settings import FitSettings
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.labels import read_labels, two_classes

MODEL_TYPES = ("auto", "logistic_regression", "additive_boosting", "random_forest", "boosting")
_MAX_SEED = 2**32 - 1


class ChurnModel(Estimator):
    """A classifier after scikit-learn's rules, fitted on raw columns: text, blanks and new levels included.

    Args:
        model_type: one of :data:`MODEL_TYPES`.
        contract: declares the features; inferred from ``X`` at ``fit`` when left out.
        seed: the same data and seed give the same model; a whole number from 0 to 4,294,967,295.
        threshold: score from which ``predict`` says 1, in [0, 1].
        bags, ways, learning_rate, max_trees, patience, settings_cells, threads: of the fit; see
            :class:`~churn_mlops.models.fit_settings.FitSettings`.

    Attributes:
        bundle_: after ``fit``, the model as plain data.
        classes_: the two values of ``y``, the one that means "stayed" first.
        n_features_in_: the number of columns of ``X``.
        feature_names_in_: their names; absent where ``X`` was an array.

    Example:
        >>> model = ChurnModel("additive_boosting", seed=1)  # doctest: +SKIP
        >>> model.fit(customers, left).predict_proba(customers)[:, 1]  # doctest: +SKIP
    """

    MODEL_TYPES = MODEL_TYPES
    bundle_: Bundle
    classes_: npt.NDArray[Any]

    def __init__(
        self,
        model_type: str = "auto",
        *,
        contract: DataContract | None = None,
        seed: int = 0,
        threshold: float = 0.5,
        bags: int = FitSettings.bags,
        ways: int = FitSettings.ways,
        learning_rate: float = FitSettings.learning_rate,
        max_trees: int = FitSettings.max_trees,
        patience: int = FitSettings.patience,
        settings_cells: int = FitSettings.settings_cells,
        threads: int | None = FitSettings.threads,
    ) -> None:
        self.model_type = model_type
        self.contract = contract
        self.seed = seed
        self.threshold = threshold
        self.bags = bags
        self.ways = ways
        self.learning_rate = learning_rate
        self.max_trees = max_trees
        self.patience = patience
        self.settings_cells = settings_cells
        self.threads = threads

    def fit(self, X: Any, y: Any) -> ChurnModel:
        """Fit on raw customers.

        Args:
            X: a DataFrame, an Arrow table, a list of mappings or a mapping of columns. Or an array of shape (rows,
                columns): its columns are the contract's features in their order, or x0, x1, ... without a contract.
            y: who left, shape (rows,): 1/0, True/False, or two texts of which the later in the alphabet ("Yes") means
                left.

        Raises:
            ValueError: an unknown model type, a parameter out of range, labels of other than two values, or too few
                of one value.
        """
        settings, seed, threshold = self._checked_parameters()
        # Imported here, because serving imports this package and has neither scikit-learn nor LightGBM.
        from churn_mlops.models.train import fit_bundle

        X = self._learn_columns(X)
        self.classes_, left = two_classes(y)
        self.bundle_ = fit_bundle(
            X,
            left,
            self.contract or inferred_contract(X),
            self.model_type,
            seed=seed,
            threshold=threshold,
            settings=settings,
        )
        self._predictor = ChurnPredictor(self.bundle_)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of staying and of leaving, shape (rows, 2)."""
        left = self.predictor.score(self._known_columns(X))
        return np.column_stack([1.0 - left, left])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class of each customer, shape (rows,): ``classes_[1]`` where the score reaches the threshold."""
        likely = self.predictor.score(self._known_columns(X)) >= self.threshold
        return self.classes_[likely.astype(np.intp)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of customers whose class is predicted, in [0, 1], as every classifier of scikit-learn has it.

        With few churners it says little: give scikit-learn ``scoring="neg_log_loss"`` or ``"roc_auc"``.
        """
        from sklearn.metrics import accuracy_score

        return float(accuracy_score(read_labels(y), self.predict(X), sample_weight=sample_weight))

    @property
    def predictor(self) -> ChurnPredictor:
        """The fitted model as a predictor, with reasons.

        Raises:
            NotFittedError: ``fit`` was not called.
        """
        if not self.__sklearn_is_fitted__():
            raise not_fitted_error(self)
        return self._predictor

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the fitted model to ``path`` as a bundle: plain data, whole or not at all."""
        self.predictor.bundle.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> ChurnModel:
        """A fitted model from the bundle at ``path``; its classes are 0 and 1.

        Raises:
            BundleError: there is no bundle, or it is not to be trusted.
        """
        bundle = Bundle.load(path)
        model = cls(
            bundle.model_type,
            contract=bundle.contract,
            seed=int(bundle.training.get("seed", 0)),
            threshold=bundle.threshold,
        )
        model.bundle_ = bundle
        model.classes_ = np.array([0, 1])
        model._keep_names([bundle.contract.column_of(name) for name in bundle.contract.features])
        model._predictor = ChurnPredictor(bundle)
        return model

    def _checked_parameters(self) -> tuple[FitSettings, int, float]:
        """The settings, seed and threshold in plain Python, for a search draws NumPy's numbers."""
        if self.model_type not in MODEL_TYPES:
            raise ValueError(f"unknown model type {self.model_type!r}: one of {', '.join(MODEL_TYPES)}")
        plain = {name: _plain(value) for name, value in self.get_params().items()}
        seed, threshold = plain["seed"], plain["threshold"]
        if not isinstance(threshold, float | int) or not 0 <= threshold <= 1:
            raise ValueError(f"threshold={threshold!r} is not between 0 and 1")
        if not isinstance(seed, int) or not 0 <= seed <= _MAX_SEED:
            raise ValueError(f"seed={seed!r} is not a whole number from 0 to {_MAX_SEED:,}")
        names = (field.name for field in fields(FitSettings))
        return FitSettings(**{name: plain[name] for name in names}), seed, threshold

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_predictor")

    def __sklearn_tags__(self) -> Any:
        return tags("classifier")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


__all__ = ["MODEL_TYPES", "Bundle", "ChurnModel", "ChurnPredictor"]
