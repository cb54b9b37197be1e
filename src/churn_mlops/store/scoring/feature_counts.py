"""How the values of the customers of a run are spread over the steps and levels of the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import FEATURE_COUNTS
from churn_mlops.store.scoring.runs import Run

MOST = 2**53
"""Up to here a float is exact."""


def put_feature_counts(
    connection: Connection, run_id: int, started_at: datetime, counts: Mapping[str, Sequence[int]]
) -> None:
    """Write the counts of a run in place of those that its date had; none where ``counts`` is empty."""
    connection.execute(delete(FEATURE_COUNTS).where(FEATURE_COUNTS.c.run_id == run_id))
    if counts:
        values = {"run_id": run_id, "started_at": started_at, "counts": dict(counts)}
        connection.execute(insert(FEATURE_COUNTS).values(values))


def feature_counts_of(store: Store, run: Run) -> dict[str, list[int]]:
    """By feature, the customers of ``run`` in each cell of the reference of its bundle; empty where none were kept.

    A program of the release before keeps none. If it scores a date again, the counts of the run before stay. They do
    not count, because that run began at another time. A row that something else wrote in another form does not count.

    Raises:
        StoreError: the store fails.
    """
    this = (FEATURE_COUNTS.c.run_id == run.id, FEATURE_COUNTS.c.started_at == run.started_at)
    with store.reading("read the spread of the features") as connection:
        found = connection.scalar(select(FEATURE_COUNTS.c.counts).where(*this))
    return {name: one for name, one in found.items() if _is_counts(one)} if isinstance(found, dict) else {}


def _is_counts(found: object) -> bool:
    return isinstance(found, list) and all(type(one) is int and 0 <= one <= MOST for one in found)
