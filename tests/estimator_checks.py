"""scikit-learn's own checks of an estimator, and those that cannot hold."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from churn_mlops.errors import DataError
from churn_mlops.models.fitting import inputs

TOO_FEW_CUSTOMERS = {
    "check_classifier_data_not_an_array": "6 of 12",
    "check_dict_unchanged": "18 of 20",
    "check_dont_overwrite_parameters": "18 of 20",
    "check_estimators_fit_returns_self": "14 of 21",
    "check_estimators_overwrite_params": "14 of 21",
    "check_f_contiguous_array_estimator": "18 of 20",
    "check_fit2d_1feature": "5 of 10",
    "check_fit2d_predict1d": "18 of 20",
    "check_methods_sample_order_invariance": "18 of 20",
    "check_methods_subset_invariance": "18 of 20",
    "check_n_features_in_after_fitting": "10 of 15",
    "check_readonly_memmap_input": "14 of 21",
}
"""The checks of ``ChurnModel`` that cannot hold, by how many of their customers left.

A model needs 10 customers who left and 10 who stayed: fewer say nothing about churn. If 2 are enough, all hold.
"""

Check = Callable[[], None]


def checks_of(estimator: Any) -> list[tuple[str, Check]]:
    """scikit-learn's checks of ``estimator``, each under its name.

    That of the array API is among them only where the process began with ``SCIPY_ARRAY_API=1``.
    """
    with warnings.catch_warnings():
        # An estimator of ours is no BaseEstimator, for serving imports its class and has no scikit-learn.
        warnings.filterwarnings("ignore", "Estimator .* does not inherit", UserWarning)
        generated = list(estimator_checks_generator(estimator))
    checks = [(_name(check), partial(check, given)) for given, check in generated]
    left_out = set() if os.environ.get("SCIPY_ARRAY_API") == "1" else {"check_array_api_input"}
    return [(name, check) for name, check in checks if name not in left_out]


def run(name: str, check: Check) -> None:
    """Run the check of a ``ChurnModel``, with 2 customers of each kind for enough where it has no 10."""
    if name not in TOO_FEW_CUSTOMERS:
        check()
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "MIN_ROWS_OF_EACH_CLASS", 2)
        check()


def refusal(check: Check) -> str:
    """The message of a check that fails because it gives too few customers."""
    try:
        check()
    except (DataError, AssertionError) as error:  # the latter, where a check expects another message
        return str(error)
    return ""


def _name(check: Any) -> str:
    return _name(check.func) if isinstance(check, partial) else str(check.__name__)
