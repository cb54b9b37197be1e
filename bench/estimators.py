"""scikit-learn's own checks over every type of model, with its default settings, and over the FeatureEngineer.

Prints one line for each estimator: the checks that hold, and those that give too few customers for a model, which hold
once 2 of a kind are enough; both are run. Exits with 1 where another check fails, naming it.

    SCIPY_ARRAY_API=1 python -m bench.estimators
"""

from __future__ import annotations

import sys
import time
from typing import Any

from churn_mlops.features import FeatureEngineer
from churn_mlops.models import MODEL_TYPES, ChurnModel
from tests.estimator_checks import TOO_FEW_CUSTOMERS, checks_of, refusal, run


def held(estimator: Any) -> bool:
    """Run every check of ``estimator`` and print what came of it."""
    began, refused, failed = time.perf_counter(), 0, []
    checks = checks_of(estimator)
    for name, check in checks:
        if isinstance(estimator, ChurnModel) and name in TOO_FEW_CUSTOMERS:
            refused += 1
            if f"{TOO_FEW_CUSTOMERS[name]} customers left: a model needs at least 10" not in refusal(check):
                failed.append(f"{name}: not refused")
        try:
            run(name, check)
        except Exception as error:
            failed.append(f"{name}: {type(error).__name__}: {error}")
    seconds = time.perf_counter() - began
    print(
        f"{estimator!r}: {len(checks)} checks, {refused} with too few customers, {len(failed)} failed, {seconds:.0f} s"
    )
    for line in failed:
        print(f"  {line}")
    return not failed


def main() -> None:
    """Check all estimators."""
    estimators = [FeatureEngineer(), *(ChurnModel(model_type) for model_type in MODEL_TYPES)]
    results = [held(estimator) for estimator in estimators]
    sys.exit(not all(results))


if __name__ == "__main__":
    main()
