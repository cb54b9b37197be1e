"""After an erasure no byte of the customer is left in the files of the store, as far as SQL reaches."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from churn_mlops.store import Store, open_store
from churn_mlops.store.database import vacuum as module
from churn_mlops.store.database.vacuum import vacuum
from churn_mlops.store.erasure import forget
from churn_mlops.store.prediction_log import write_records
from churn_mlops.store.scoring.predictions import prediction_of
from churn_mlops.store.scoring.publishing import publish
from tests.find_customer_bytes import in_files, in_tables
from tests.store.builders import batch, run
from tests.store.conftest import PostgresServer, new_store
from tests.store.planted_customer import BY, KEY, NAME, OTHER, answer, plant


def test_no_byte_of_the_customer_is_left_in_the_file_and_its_log(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        plant(store)
        publish(store, run(), [batch([NAME, OTHER], [0.9, 0.3])])  # once more: what was there before lies in free pages
        assert in_files(tmp_path, NAME) != []
        forget(store, KEY, NAME, by=BY)
        assert in_files(tmp_path, NAME) != []
        vacuumed = vacuum(store)
        assert (vacuumed.whole, in_files(tmp_path, NAME)) == (True, [])
        assert prediction_of(store, OTHER) is not None


def test_a_reader_in_the_way_is_reported_and_the_next_vacuum_succeeds(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store, open_store(address) as other:
        plant(store)
        with other.reading("read for long") as connection:
            connection.execute(text("SELECT count(*) FROM predictions")).scalar()
            forget(store, KEY, NAME, by=BY)
            vacuumed = vacuum(store, patience_ms=50)
            assert (vacuumed.whole, "a reader was at work" in vacuumed.said) == (False, True)
            assert "churn forget --again" in vacuumed.said
        assert vacuum(store).whole
        assert in_files(tmp_path, NAME) == []


def test_no_byte_of_the_customer_is_left_in_the_rewritten_tables_of_a_server(server: PostgresServer) -> None:
    with open_store(new_store(server)) as store:
        plant(store)
        publish(store, run(), [batch([NAME, OTHER], [0.9, 0.3])])
        server.psql("CHECKPOINT;")
        with store.reading("look where it lies") as connection:
            oid = connection.scalar(text("SELECT oid FROM pg_database WHERE datname = current_database()"))
        base = Path(server.pgdata) / "base" / str(oid)
        assert in_files(base, NAME) != []
        forget(store, KEY, NAME, by=BY)
        assert vacuum(store, rewrite=True).whole
        server.psql("CHECKPOINT;")
        assert (in_files(base, NAME), in_tables(store, NAME)) == ([], [])


def test_a_long_transaction_on_a_server_is_reported(server: PostgresServer) -> None:
    address = new_store(server)
    with open_store(address) as store, open_store(address) as other:
        plant(store)
        with other.reading("read for long") as connection:
            connection.execute(text("SELECT count(*) FROM predictions")).scalar()
            forget(store, KEY, NAME, by=BY)
            vacuumed = vacuum(store, patience_ms=200)
        assert (vacuumed.whole, "1 session kept a transaction open" in vacuumed.said) == (False, True)
        assert vacuum(store).whole


def with_samples(store: Store) -> None:
    """Three records of the customer and nothing else, of which the planner has samples."""
    write_records(store, [answer(id * 32, NAME) for id in "abc"])
    with store.writing("sample the values") as connection:
        connection.execute(text("ANALYZE"))
    assert "pg_stats" in in_tables(store, NAME)


def columns_of(store: Store) -> list[tuple[object, ...]]:
    """Name, type and collation of every column of tables and indexes."""
    query = (
        "SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attcollation::regcollation::text "
        "FROM pg_attribute JOIN pg_class ON attrelid = oid WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2"
    )
    with store.reading("describe the columns") as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_the_planner_keeps_no_sample_of_a_table_that_became_empty(server: PostgresServer) -> None:
    with open_store(new_store(server)) as store:
        with_samples(store)
        before = columns_of(store)
        forget(store, KEY, NAME, by=BY)
        assert vacuum(store).whole
        assert in_tables(store, NAME) == []
        assert columns_of(store) == before


def test_a_sample_that_stays_is_reported(server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for a user who may not change the table."""
    monkeypatch.setattr(
        module, "_STALE_SAMPLES", "SELECT 'answers.customer', 'SELECT no_such_function()' WHERE :name = 'answers'"
    )
    with open_store(new_store(server)) as store:
        with_samples(store)
        forget(store, KEY, NAME, by=BY)
        vacuumed = vacuum(store)
    assert not vacuumed.whole
    assert "still hold samples of answers.customer" in vacuumed.said
