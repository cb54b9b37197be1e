"""The methods that scikit-learn asks of an estimator.

scikit-learn is imported inside functions only, because serving runs without it.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from churn_mlops.data.contract import DataContract
from churn_mlops.errors import DataError, NotFittedError
from churn_mlops.features.input_columns import as_unnamed, column_names, is_unnamed, with_names


class Estimator:
    """Parameters and columns after scikit-learn's rules; a constructor stores its arguments as they are.

    Attributes:
        n_features_in_: after ``fit``, the number of columns of ``X``, whether or not they are features.
        feature_names_in_: after ``fit``, their names, shape (n_features_in_,); absent where ``X`` was an array.
    """

    contract: DataContract | None
    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name; ``deep`` changes nothing, for no argument is an estimator."""
        return {name: getattr(self, name) for name in _parameters(self)}

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name.

        Raises:
            ValueError: the constructor has no such argument; none is set then.
        """
        known = list(_parameters(self))
        for name in params:
            if name not in known:
                raise ValueError(
                    f"invalid parameter {name!r} for {type(self).__name__}; the parameters are: {', '.join(known)}"
                )
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = {name: parameter.default for name, parameter in _parameters(self).items()}
        shown = {name: _shown(value) for name, value in self.get_params().items()}
        given = (f"{name}={text}" for name, text in shown.items() if text != _shown(defaults[name]))
        return f"{type(self).__name__}({', '.join(given)})"

    def _learn_columns(self, X: Any) -> Any:
        """``X`` with named columns, and the attributes that name them.

        The columns of an array are the features of the contract in its order, or x0, x1, ... without a contract.
        """
        if not is_unnamed(X):
            self._keep_names(column_names(X))
            return X
        X = as_unnamed(X)
        columns = X.shape[1]
        if self.contract is not None and columns != len(self.contract.features):
            raise DataError(f"X has {columns} columns without names, and the contract {len(self.contract.features)}")
        self.n_features_in_ = columns
        vars(self).pop("feature_names_in_", None)
        return with_names(X, self._names())

    def _known_columns(self, X: Any) -> Any:
        """``X`` with named columns, the same as those of ``fit`` where they have no names."""
        if not is_unnamed(X):
            self._check_names(X)
            return X
        X = as_unnamed(X)
        if X.shape[1] != self.n_features_in_:
            raise DataError(
                f"X has {X.shape[1]} features, but {type(self).__name__} is expecting {self.n_features_in_} features "
                "as input"
            )
        if hasattr(self, "feature_names_in_"):
            warnings.warn(
                f"X has no column names, and {type(self).__name__} was fitted with them: they are taken in that order",
                stacklevel=3,
            )
        return with_names(X, self._names())

    def _keep_names(self, names: list[str]) -> None:
        self.n_features_in_ = len(names)
        self.feature_names_in_ = np.array(names, dtype=object)

    def _names(self) -> list[str]:
        if hasattr(self, "feature_names_in_"):
            return list(self.feature_names_in_)
        if self.contract is not None:
            return [self.contract.column_of(name) for name in self.contract.features]
        return [f"x{place}" for place in range(self.n_features_in_)]

    def _check_names(self, X: Any) -> None:
        """An absent column is a missing value, but not where all are absent since ``fit`` knew no names."""
        if hasattr(self, "feature_names_in_") or self.contract is not None:
            return
        names = column_names(X)
        if names and not set(names) & set(self._names()):
            raise DataError(
                f"{type(self).__name__} was fitted on columns without names, which it calls x0, x1 and so on; "
                f"X has {', '.join(map(repr, names[:5]))}"
            )


def not_fitted_error(estimator: object) -> NotFittedError:
    """The error of ``estimator``, of scikit-learn's class as well where scikit-learn is loaded.

    A program that catches scikit-learn's class has loaded it.
    """
    message = f"this {type(estimator).__name__} is not fitted yet: call fit first"
    if "sklearn" not in sys.modules:
        return NotFittedError(message)
    from churn_mlops.features import not_fitted

    return not_fitted.NotFittedError(message)


def tags(kind: Literal["classifier", "transformer"]) -> Any:
    """scikit-learn's tags of an estimator of this package.

    Categories, texts and missing values go in as they are; a classifier separates two classes.
    """
    from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags, TransformerTags

    classifier = kind == "classifier"
    return Tags(
        estimator_type="classifier" if classifier else None,
        target_tags=TargetTags(required=classifier),
        classifier_tags=ClassifierTags(multi_class=False) if classifier else None,
        transformer_tags=None if classifier else TransformerTags(preserves_dtype=[]),
        input_tags=InputTags(categorical=True, string=True, allow_nan=True),
    )


def _parameters(estimator: object) -> dict[str, inspect.Parameter]:
    parameters = inspect.signature(type(estimator)).parameters
    return {name: each for name, each in parameters.items() if each.kind is not each.VAR_KEYWORD}


def _shown(value: Any) -> str:
    if isinstance(value, DataContract):
        return f"<DataContract {value.name!r}: {len(value.features)} features>"
    return repr(value)
