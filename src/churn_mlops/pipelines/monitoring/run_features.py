"""Drift by feature of a run: what it counted, against the training rows of its bundle."""

from __future__ import annotations

import math

from churn_mlops.models.bundle import Bundle
from churn_mlops.monitoring import Measurement, feature_drift
from churn_mlops.store import Store
from churn_mlops.store.scoring.feature_counts import feature_counts_of
from churn_mlops.store.scoring.runs import Run


def drift_of_features(store: Store, run: Run, bundle: Bundle) -> list[Measurement]:
    """The drift of each feature; none where the run kept no counts.

    Args:
        store: the store.
        run: the run.
        bundle: the model that scored it.

    Raises:
        StoreError: the store fails.
    """
    counts = feature_counts_of(store, run)
    rows = bundle.training.get("rows", math.inf)
    if bundle.history is not None:  # each customer stands in several rows, which are no draws of their own
        rows = min(rows, max(run.customers, 1))
    return feature_drift(bundle.reference["features"], counts, rows)
