"""The counts of a run are kept and go with it, and those of another run of its date do not count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from churn_mlops.store import Store, migrate_store, open_store
from churn_mlops.store.database.schema import FEATURE_COUNTS, RUNS
from churn_mlops.store.scoring.feature_counts import feature_counts_of
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import Run, latest_run, retain
from tests.store.builders import NEXT, batches, run

COUNTS = {"tenure": [1, 0, 2], "plan = ß": [3, 0]}


def published(store: Store, counts: dict[str, list[int]] | None = COUNTS, later: int = 0) -> Run:
    new = replace(run(), started_at=run().started_at + timedelta(seconds=later))
    return publish(store, new, batches(3), feature_counts=counts)


def test_a_date_has_the_counts_of_its_last_run(store: Store) -> None:
    assert feature_counts_of(store, published(store)) == COUNTS
    assert feature_counts_of(store, published(store, {"tenure": [0, 3, 0]}, later=1)) == {"tenure": [0, 3, 0]}
    for counts in (None, {}):
        assert feature_counts_of(store, published(store, counts, later=2)) == {}


def test_counts_do_not_count_where_the_release_before_scored_the_date_again(store: Store) -> None:
    published(store)
    with store.writing("score again without counts") as connection:
        connection.execute(update(RUNS).values(started_at=run().started_at + timedelta(days=1)))
    again = latest_run(store)
    assert again is not None
    assert feature_counts_of(store, again) == {}


def test_counts_are_deleted_by_age_with_the_predictions(store: Store) -> None:
    found = published(store)
    assert retain(store, NEXT) == [found.as_of]
    assert feature_counts_of(store, found) == {}


def test_a_store_of_the_release_before_keeps_its_runs(address: str) -> None:
    with open_store(address) as store:
        found = published(store)
    migrate_store(address, "0011")
    migrate_store(address)
    with open_store(address) as store:
        assert latest_run(store) == found
        assert feature_counts_of(store, found) == {}
        assert feature_counts_of(store, published(store)) == COUNTS


@pytest.mark.parametrize("alien", ["4", [1, 2, 3], "null", {"tenure": None, "plan = ß": 4}, {"tenure": "123"}])
def test_counts_that_something_else_wrote_otherwise_do_not_count(store: Store, alien: object) -> None:
    found = published(store)
    with store.writing("write something else") as connection:
        connection.execute(update(FEATURE_COUNTS).values(counts=alien))
    assert feature_counts_of(store, found) == {}


def test_only_whole_numbers_of_customers_count(store: Store) -> None:
    found = published(store)
    cells = {"sound": [1, 0, 2], "negative": [4, -1], "text": ["3"], "share": [0.5], "truth": [True], "huge": [10**400]}
    with store.writing("write something else") as connection:
        connection.execute(update(FEATURE_COUNTS).values(counts=cells))
    assert feature_counts_of(store, found) == {"sound": [1, 0, 2]}
