"""The transformation of raw customers into the inputs of a model, as an estimator of scikit-learn's kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.data.contract import DataContract
from churn_mlops.features.fitted import MIN_LEVEL_ROWS, FittedEngineer, Floats
from churn_mlops.features.inferring import inferred_contract
from churn_mlops.features.scikit_learn import Estimator, not_fitted_error, tags


class FeatureEngineer(Estimator):
    """Turns raw columns (text, blanks and new levels included) into numbers.

    A number or boolean stays a number, NaN where it is missing. A category becomes the place of its level among the
    levels learnt, then one place for all other levels (rare in training, or never seen) and one for missing: a new
    level is never taken for a known one.

    Args:
        contract: declares the features; columns it does not name are ignored. Inferred from ``X`` at ``fit`` when left
            out.
        min_level_rows: a level with fewer training rows than this counts as "other".

    Attributes:
        contract_: after ``fit``, the contract given or inferred.
        levels_: after ``fit``, the levels learnt of each category.
        n_features_in_: after ``fit``, the number of columns of ``X``.
        feature_names_in_: after ``fit``, their names; absent where ``X`` was an array.
    """

    contract_: DataContract
    levels_: dict[str, tuple[str, ...]]

    def __init__(self, contract: DataContract | None = None, min_level_rows: int = MIN_LEVEL_ROWS) -> None:
        self.contract = contract
        self.min_level_rows = min_level_rows

    def fit(self, X: Any, y: Any = None) -> FeatureEngineer:
        """Learn the levels of each category from ``X`` (see :meth:`transform`); ``y`` is not used.

        Raises:
            DataError: a cell means nothing for its feature, or no contract can be inferred.
        """
        X = self._learn_columns(X)
        self.contract_ = inferred_contract(X) if self.contract is None else self.contract
        self._fitted = FittedEngineer.learn(self.contract_, X, self.min_level_rows)
        self.levels_ = dict(self._fitted.levels)
        return self

    def transform(self, X: Any) -> Floats:
        """Model inputs of shape (rows, features), float64, features in the order of the contract.

        Args:
            X: a DataFrame, an Arrow table, a list of mappings or a mapping of columns, in any order of columns. An
                absent column counts as missing in every row. Or an array of the columns of ``fit``, in their order.

        Raises:
            NotFittedError: ``fit`` was not called.
            DataError: a cell means nothing for its feature; all features at fault are named.
        """
        fitted = self._learnt()
        return fitted.transform(self._known_columns(X))

    def fit_transform(self, X: Any, y: Any = None) -> Floats:
        """``fit(X).transform(X)``."""
        return self.fit(X, y).transform(X)

    def get_feature_names_out(self, input_features: Any = None) -> npt.NDArray[np.object_]:
        """Names of the columns of :meth:`transform`, shape (features,).

        Raises:
            NotFittedError: there is no contract, and ``fit`` was not called.
        """
        contract = self.contract_ if self.__sklearn_is_fitted__() else self.contract
        if contract is None:
            raise not_fitted_error(self)
        return np.array(list(contract.features), dtype=object)

    def readers(self) -> dict[str, Callable[[Any], float]]:
        """For each feature, the function that turns one raw cell into its input.

        Raises:
            NotFittedError: ``fit`` was not called.
        """
        return self._learnt().readers()

    def _learnt(self) -> FittedEngineer:
        if not self.__sklearn_is_fitted__():
            raise not_fitted_error(self)
        return self._fitted

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")

    def __sklearn_tags__(self) -> Any:
        return tags("transformer")
