"""Fit, calibrate, explain and score churn models."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.data.contract import DataContract, Feature, level_text
from churn_mlops.errors import DataError, NotFittedError
from churn_mlops.features.cells import is_missing
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor

_LABEL = Feature(type="boolean")
MODEL_TYPES = ("auto", "logistic_regression", "additive_boosting", "random_forest", "boosting")


class ChurnModel:
    """A churn model after scikit-learn's habits, fitted on raw columns: text, blanks and new levels included.

    Args:
        model_type: one of :data:`MODEL_TYPES`.
        contract: declares the features; inferred from the DataFrame at ``fit`` when left out.
        seed: the same data and seed give the same model.
        threshold: score from which ``predict`` says 1, in [0, 1].
        **settings: see ``churn_mlops.models.fitting.inputs.FitSettings``.

    Attributes:
        bundle_: after ``fit``, the model as plain data.
        classes_: the two values of ``y``, the one that means "stayed" first.

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
        **settings: Any,
    ) -> None:
        self.model_type = model_type
        self.contract = contract
        self.seed = seed
        self.threshold = threshold
        self.settings = settings

    def fit(self, X: Any, y: Any) -> ChurnModel:
        """Fit on raw customers.

        Args:
            X: a DataFrame, an Arrow table, a list of mappings or a mapping of columns.
            y: who left, shape (rows,): 1/0, True/False, or two texts of which the later in the alphabet ("Yes") means
                left.

        Raises:
            ValueError: an unknown model type or setting, labels of other than two values, or too few of one value.
        """
        if self.model_type not in MODEL_TYPES:
            raise ValueError(f"unknown model type {self.model_type!r}: one of {', '.join(MODEL_TYPES)}")
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold={self.threshold!r} is not between 0 and 1")
        # Imported here, because serving imports this package and has neither scikit-learn nor LightGBM.
        from churn_mlops.models.fitting.inputs import FitSettings
        from churn_mlops.models.train import fit_bundle

        try:
            settings = FitSettings(**self.settings)
        except TypeError as error:
            raise ValueError(f"unknown setting: {error}; see FitSettings") from None
        labels = _labels(y)
        self.classes_, left = np.unique(labels, return_inverse=True)
        if len(self.classes_) != 2:
            raise DataError(f"the labels need two values, not {len(self.classes_)}: {self.classes_[:5].tolist()}")
        contract = self.contract or _inferred(X)
        self.bundle_ = fit_bundle(
            X,
            left.astype(np.float64),
            contract,
            self.model_type,
            seed=self.seed,
            threshold=self.threshold,
            settings=settings,
        )
        self._predictor = ChurnPredictor(self.bundle_)
        return self

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of staying and of leaving, shape (rows, 2)."""
        left = self.predictor.score(X)
        return np.column_stack([1.0 - left, left])

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """The class of each customer, shape (rows,): ``classes_[1]`` where the score reaches the threshold."""
        likely = self.predictor.score(X) >= self.threshold
        return self.classes_[likely.astype(np.intp)]

    @property
    def predictor(self) -> ChurnPredictor:
        """The fitted model as a predictor, with reasons.

        Raises:
            NotFittedError: ``fit`` was not called.
        """
        if not hasattr(self, "_predictor"):
            raise NotFittedError("this ChurnModel is not fitted yet: call fit first")
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
        model._predictor = ChurnPredictor(bundle)
        return model

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments (scikit-learn's ``clone`` uses them)."""
        return {
            "model_type": self.model_type,
            "contract": self.contract,
            "seed": self.seed,
            "threshold": self.threshold,
            **self.settings,
        }

    def set_params(self, **params: Any) -> ChurnModel:
        """Set constructor arguments by name."""
        for name, value in params.items():
            if name in {"model_type", "contract", "seed", "threshold"}:
                setattr(self, name, value)
            else:
                self.settings[name] = value
        return self


def _labels(y: Any) -> npt.NDArray[Any]:
    labels = y.tolist() if hasattr(y, "tolist") else y.to_pylist() if hasattr(y, "to_pylist") else list(y)
    if any(isinstance(label, list | tuple) for label in labels):
        raise DataError("the labels need the shape (rows,)")
    missing = sum(is_missing(label, _LABEL) for label in labels)
    if missing:
        raise DataError(f"{missing} of {len(labels)} labels are missing: drop those customers, or score them")
    if all(isinstance(label, bool | int | float) for label in labels):
        return np.array(labels)
    return np.array([level_text(label) for label in labels])


def _inferred(X: Any) -> DataContract:
    # Imported here for the same reason as above: serving has no query engine.
    import pandas

    from churn_mlops.data.proposal.flat_proposal import propose_for_frame

    if not isinstance(X, pandas.DataFrame):
        X = X.to_pandas() if hasattr(X, "to_pandas") else pandas.DataFrame(X)
    return propose_for_frame(X).contract


__all__ = ["MODEL_TYPES", "Bundle", "ChurnModel", "ChurnPredictor"]
