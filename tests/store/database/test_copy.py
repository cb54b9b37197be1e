"""The content of a store can be moved to the other database and back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from churn_mlops.errors import StoreError, StoreVersionError
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.copy import copy_store
from churn_mlops.store.database.migrate import VERSION
from churn_mlops.store.database.schema import METADATA
from churn_mlops.store.job_records import job_records, record_job
from churn_mlops.store.scoring.outcomes import Labels, record_labels
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run
from tests.store.builders import DAY, NEXT, NOW, batches, run
from tests.store.conftest import Addresses, PostgresServer, new_store


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.reading("look") as connection:
        return {
            table.name: list(map(tuple, connection.execute(select(table).order_by(*table.primary_key.columns))))
            for table in METADATA.sorted_tables
        }


def test_all_tables_are_the_same_there_and_back_again(server: PostgresServer, tmp_path: Path) -> None:
    with (
        open_store(f"sqlite:///{tmp_path}/old.db") as old,
        open_store(new_store(server)) as new,
        open_store(f"sqlite:///{tmp_path}/back.db") as back,
    ):
        publish(old, run(), batches(1200))
        record_labels(old, DAY, [Labels(["C000001", "C000002"], [True, None])], NOW)
        record_labels(old, DAY, [Labels(["C000001", "C000002"], [False, None])], NOW + timedelta(days=1))
        copied = {table: rows for table, rows in copy_store(old, new).items() if rows}
        assert copied == {"scoring_runs": 1, "predictions": 1200, "outcomes": 2, "outcome_changes": 1}
        copy_store(new, back)
        assert everything(old) == everything(new) == everything(back)
        assert publish(new, run(NEXT), batches(2)).id == 2


def test_a_record_of_a_job_that_found_nothing_stops_no_copy(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/a.db") as a, open_store(f"sqlite:///{tmp_path}/b.db") as b:
        record_job(a, "score", NOW, NOW, has_succeeded=True)
        known = job_records(a)
        for name in ("score", "backup"):
            record_job(b, name, NOW, NOW, has_succeeded=False)
        assert copy_store(a, b)["job_records"] == 1
        assert job_records(b) == known


def test_a_store_is_copied_into_an_empty_one_only(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/a.db") as a, open_store(f"sqlite:///{tmp_path}/b.db") as b:
        publish(a, run(), batches(2))
        publish(b, run(NEXT), batches(3))
        before = everything(b)
        with pytest.raises(StoreError, match=r"b\.db holds rows in \w+ already: take an empty one, or .* --replace"):
            copy_store(a, b)
        assert everything(b) == before


def test_tables_of_a_newer_release_are_not_copied_without_what_is_new_in_them(addresses: Addresses) -> None:
    with open_store(addresses()) as newer, open_store(addresses()) as own:
        publish(own, run(), batches(3))
        with newer.writing("look as a newer version left it") as connection:
            connection.execute(update(VERSION).values(version_num="9999"))
        for old, new in ((newer, own), (own, newer)):
            with pytest.raises(StoreVersionError, match=r"of revision 9999, .* with the version that made them"):
                copy_store(old, new, replace=True)
        assert latest_run(own) is not None
