"""The error of an estimator that is not fitted, in the families of this package and of scikit-learn."""

from sklearn.exceptions import NotFittedError as ScikitLearnNotFittedError

from churn_mlops.errors import NotFittedError as ChurnNotFittedError


class NotFittedError(ChurnNotFittedError, ScikitLearnNotFittedError):  # type: ignore[misc]  # has no types
    """A model or a transformer was asked for results before it was fitted."""
