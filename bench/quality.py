"""Quality of each model type on the public Telco file: 3 x 5-fold stratified cross-validation.

Everything is fitted inside the training folds with default settings; the folds that report choose nothing.

    python -m bench.quality [MODEL_TYPE ...]
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from empulse.metrics import empc_score
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import RepeatedStratifiedKFold

from churn_mlops.data import load_csv
from churn_mlops.models import MODEL_TYPES, ChurnModel

EIGHT = [
    "tenure",
    "MonthlyCharges",
    "TotalCharges",
    "Contract",
    "PaymentMethod",
    "InternetService",
    "TechSupport",
    "OnlineSecurity",
]


def data_folder() -> Path:
    """Where the public test data lies: ``$CHURN_DATA``, or beside the project."""
    return Path(os.environ.get("CHURN_DATA", Path(__file__).parents[2] / "shared" / "data"))


def measure(model_type: str, features: list[str] | None = None) -> dict[str, float]:
    """Means over the 15 folds: AUC, log loss, EMPC (currency units a customer), seconds a fit."""
    customers = load_csv(data_folder() / "telco" / "telco.csv")
    left = (customers["Churn"] == "Yes").to_numpy().astype(int)
    inputs = customers[features] if features else customers.drop(columns=["customerID", "Churn"])
    folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=3, random_state=20261123)
    results = []
    for train, test in folds.split(inputs, left):
        start = time.perf_counter()
        model = ChurnModel(model_type, seed=1).fit(inputs.iloc[train], left[train])
        seconds = time.perf_counter() - start
        scores = model.predict_proba(inputs.iloc[test])[:, 1]
        results.append(
            {
                "auc": roc_auc_score(left[test], scores),
                "log_loss": log_loss(left[test], scores),
                "empc": empc_score(left[test], scores, alpha=6, beta=14, clv=200, incentive_cost=10, contact_cost=1),
                "observed_over_expected": left[test].mean() / scores.mean(),
                "seconds": seconds,
            }
        )
    return {name: float(np.mean([result[name] for result in results])) for name in results[0]}


def main(model_types: list[str]) -> None:
    """Print one line of JSON for each model type and set of features."""
    for model_type in model_types or MODEL_TYPES:
        for name, features in (("19 features", None), ("8 features", EIGHT)):
            print(json.dumps({"model_type": model_type, "features": name, **measure(model_type, features)}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
