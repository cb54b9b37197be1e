"""The operational store: what was published, and what became of it; SQLite by default, PostgreSQL in production."""

from churn_mlops.errors import StoreError
from churn_mlops.store.database.copy import copy_store
from churn_mlops.store.database.database import Store, migrate_store, open_store
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.predictions import Predictions, prediction_of
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import NewRun, latest_run

# Beside Store, StoreError and open_store: names that pages of version 0.1 import from here, for one release.
__all__ = [
    "NewRun",
    "Predictions",
    "Store",
    "StoreError",
    "copy_store",
    "latest_run",
    "migrate_store",
    "open_store",
    "prediction_of",
    "publish",
    "scoring_lock",
]
