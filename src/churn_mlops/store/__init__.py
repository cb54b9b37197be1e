"""The operational store: what was published, and what became of it; SQLite by default, PostgreSQL in production."""

from churn_mlops.errors import StoreError
from churn_mlops.store.database.database import Store, open_store

__all__ = ["Store", "StoreError", "open_store"]
