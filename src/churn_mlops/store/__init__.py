"""The operational store: what was published, and what became of it; SQLite by default, PostgreSQL in production."""

from churn_mlops.store.live_models import (
    LiveChangedError,
    StoredBundle,
    StoredPeriod,
    add_live,
    current_period,
    stored_bundle,
    stored_periods,
)
from churn_mlops.store.locks import HeldLock, scoring_lock
from churn_mlops.store.moving import copy_store
from churn_mlops.store.opening import Store, is_made, open_store
from churn_mlops.store.outcomes import Change, Labels, Recorded, ScoredOutcomes, due, record, scored_outcomes
from churn_mlops.store.predictions import Prediction, Predictions, prediction_batches, prediction_of, predictions
from churn_mlops.store.publishing import publish
from churn_mlops.store.runs import NewRun, Run, dates, latest_run, record_delivery, retain, run_of

__all__ = [
    "Change",
    "HeldLock",
    "Labels",
    "LiveChangedError",
    "NewRun",
    "Prediction",
    "Predictions",
    "Recorded",
    "Run",
    "ScoredOutcomes",
    "Store",
    "StoredBundle",
    "StoredPeriod",
    "add_live",
    "copy_store",
    "current_period",
    "dates",
    "due",
    "is_made",
    "latest_run",
    "open_store",
    "prediction_batches",
    "prediction_of",
    "predictions",
    "publish",
    "record",
    "record_delivery",
    "retain",
    "run_of",
    "scored_outcomes",
    "scoring_lock",
    "stored_bundle",
    "stored_periods",
]
