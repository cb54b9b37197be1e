"""A source that stays open for single customers: what it keeps, what it notices, and what it leaves behind."""

from __future__ import annotations

import os
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import psycopg
import pytest

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.sources import file_place
from churn_mlops.errors import SourceError
from churn_mlops.models.bundle import Bundle
from churn_mlops.pipelines.scoring import kept_source
from churn_mlops.pipelines.scoring.single_customer import CustomerReader

LONG_AGO = 1_700_000_000
NOW = datetime(2024, 6, 1, tzinfo=UTC)
CONTRACT = HistoryContract.from_dict(
    {
        "name": "visits",
        "customer": "id",
        "tables": {"people": {"start": "since"}, "visits": {"event_time": "seen"}},
        "features": {"visits": {"count": "visits"}, "days": {"age_of": "people.start", "unit": "days"}},
    }
)
ROWS = """
CREATE TABLE people (id text, since date);
INSERT INTO people VALUES ('a', '2024-01-01'), ('b', '2024-01-01');
CREATE TABLE visits (id text, seen timestamp);
INSERT INTO visits VALUES ('a', '2024-02-01 10:00'), ('a', '2024-03-01'), ('b', '2024-03-02');
"""


def bundle_of(contract: HistoryContract) -> Bundle:
    return cast(Bundle, SimpleNamespace(contract=contract.flat(), history=contract))


BUNDLE = bundle_of(CONTRACT)


def reader_of(address: str | Path, **more: Any) -> CustomerReader:
    settings = Settings.model_validate({"source": {"url": str(address), "as_of": "latest"}})
    return CustomerReader(settings, **more)


def read(reader: CustomerReader, customer: str = "a", bundle: Bundle = BUNDLE) -> tuple[float, date]:
    row = reader.read(customer, bundle, now=NOW)
    assert row is not None
    return row.values["visits"], row.as_of


@pytest.fixture
def database(tmp_path: Path) -> Path:
    file = tmp_path / "company.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(ROWS)
    os.utime(file, (LONG_AGO, LONG_AGO))
    return file


@pytest.fixture
def server(postgres: str) -> str:
    with psycopg.connect(postgres) as connection:
        connection.execute(ROWS)
    return postgres


def test_rows_that_duckdb_keeps_in_its_log_count_and_are_noticed(database: Path) -> None:
    log = database.with_name(f"{database.name}.wal")
    with closing(reader_of(database)) as reader:
        assert read(reader) == (2.0, date(2024, 3, 1))
        with duckdb.connect(str(database)) as connection:
            connection.execute("PRAGMA disable_checkpoint_on_shutdown")
            connection.execute("INSERT INTO visits VALUES ('a', '2024-03-01 12:00'), ('b', '2024-03-04')")
        assert log.exists()
        for file in (database, log):
            os.utime(file, (LONG_AGO, LONG_AGO))
        assert read(reader) == (3.0, date(2024, 3, 3))


def test_the_copy_of_a_duckdb_file_leaves_nothing_that_a_killed_server_would_leave(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with closing(reader_of(database)) as reader:
        for _ in range(2):
            assert read(reader) == (2.0, date(2024, 3, 1))
            assert list(folder.iterdir()) == []


def test_rows_that_are_dated_ahead_count_when_their_day_comes(database: Path) -> None:
    with duckdb.connect(str(database)) as connection:
        connection.execute("INSERT INTO visits VALUES ('a', '2024-06-02'), ('b', '2024-06-02'), ('b', '2024-05-30')")
        connection.execute("INSERT INTO people VALUES ('c', '2024-06-02')")
    os.utime(database, (LONG_AGO, LONG_AGO))
    with closing(reader_of(database)) as reader:
        assert read(reader) == (2.0, date(2024, 5, 29))
        row = reader.read("a", BUNDLE, now=NOW + timedelta(days=2))
        assert row is not None
        assert (row.values["visits"], row.as_of) == (2.0, date(2024, 6, 1))


def test_a_duckdb_file_that_another_program_writes_is_refused(database: Path) -> None:
    held = duckdb.connect(str(database))
    with closing(held), closing(reader_of(database)) as reader, pytest.raises(SourceError, match="that writes to it"):
        read(reader)


def test_a_table_that_comes_and_goes_in_a_folder_is_noticed(tmp_path: Path) -> None:
    people, visits = tmp_path / "people.csv", tmp_path / "visits.csv"

    def write(file: Path, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        os.utime(file, (LONG_AGO, LONG_AGO))

    write(people, "id,since\na,2024-01-01\nb,2024-01-01\n")
    with closing(reader_of(tmp_path)) as reader:
        with pytest.raises(SourceError, match="no table 'visits'"):
            read(reader)
        write(visits, "id,seen\na,2024-02-01 10:00\nb,2024-03-02\n")
        assert read(reader) == (1.0, date(2024, 3, 1))
        write(visits, "id,seen\na,2024-02-01 10:00\nb,2024-03-02\n a,2024-02-01\n")
        assert read(reader) == (2.0, date(2024, 3, 1))
        visits.unlink()
        with pytest.raises(SourceError, match="no table 'visits'"):
            read(reader)


def test_the_statement_is_compiled_once_for_a_contract(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    prepare = kept_source.prepare_snapshot

    def counted(*given: Any) -> Any:
        compiled.append(given)
        return prepare(*given)

    monkeypatch.setattr(kept_source, "prepare_snapshot", counted)
    with closing(reader_of(database)) as reader:
        for bundle in (BUNDLE, BUNDLE, bundle_of(CONTRACT.model_copy(deep=True))):
            assert read(reader, "b", bundle) == (0.0, date(2024, 3, 1))
        with duckdb.connect(str(database)) as connection:
            connection.execute("INSERT INTO visits VALUES ('b', '2024-03-01')")
        os.utime(database, (LONG_AGO, LONG_AGO + 1))
        assert read(reader, "b") == (1.0, date(2024, 3, 1))  # of other rows in the same tables
        assert len(compiled) == 1
        other = CONTRACT.model_copy(update={"features": {"visits": CONTRACT.features["visits"]}})
        row = reader.read("b", bundle_of(other), now=NOW)
        assert row is not None
        assert row.values == {"visits": 1.0}
        assert len(compiled) == 2


def test_several_threads_read_at_once_on_connections_of_their_own(server: str) -> None:
    with closing(reader_of(server)) as reader, ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda place: read(reader, "ab"[place % 2])[0], range(40)))
        assert found == [2.0, 0.0] * 20
        with psycopg.connect(server) as connection:
            ((sessions,),) = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert sessions <= 2


def test_new_rows_of_a_server_count_at_once_and_its_last_day_is_renewed_beside(server: str) -> None:
    with closing(reader_of(server, renew_seconds=0)) as reader, closing(reader_of(server)) as young:
        assert read(reader) == read(young) == (2.0, date(2024, 3, 1))
        with psycopg.connect(server) as connection:
            connection.execute("INSERT INTO visits VALUES ('a', '2024-03-01 09:00'), ('b', '2024-04-02')")
        assert read(reader) == (3.0, date(2024, 3, 1))
        for thread in threading.enumerate():
            if thread.name == "renew-source":
                thread.join()
        assert read(reader) == (3.0, date(2024, 4, 1))
        assert read(young) == (3.0, date(2024, 3, 1))
        for thread in threading.enumerate():
            if thread.name == "renew-source":
                thread.join()


def test_what_is_known_of_a_server_is_looked_up_again_before_it_is_too_old(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(reader_of(server)) as reader:
        assert read(reader) == (2.0, date(2024, 3, 1))
        with psycopg.connect(server) as connection:
            connection.execute("INSERT INTO visits VALUES ('b', '2024-04-02')")
        assert reader._kept is not None
        monkeypatch.setattr(reader._kept, "opened_at", reader._kept.opened_at - 601)
        assert read(reader) == (2.0, date(2024, 4, 1))


def test_a_column_that_changed_its_type_is_read_as_it_is_now(server: str) -> None:
    with closing(reader_of(server)) as reader:
        assert read(reader) == (2.0, date(2024, 3, 1))
        with psycopg.connect(server) as connection:
            connection.execute("ALTER TABLE visits ALTER seen TYPE text; UPDATE visits SET id = ' a ' WHERE id = 'a'")
        assert read(reader) == (2.0, date(2024, 3, 1))
        assert reader.read("nobody", BUNDLE, now=NOW) is None


def test_of_a_large_file_no_copy_is_kept(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"  # where a copy could be made, there is none
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(file_place, "LARGEST_COPY", 1000)
    with closing(reader_of(database)) as reader:
        assert read(reader) == (2.0, date(2024, 3, 1))
        assert reader._kept is None


@pytest.mark.parametrize(("as_of", "days"), [("2024-05-31", 30.0), ("today", 31.0)])
def test_days_of_a_flat_table_are_counted_to_the_day_of_its_rows(tmp_path: Path, as_of: str, days: float) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id,seen\na,01.05.2024\nb,\n", encoding="utf-8")
    os.utime(file, (LONG_AGO, LONG_AGO))
    contract = DataContract.from_dict(
        {
            "name": "people",
            "customer": "id",
            "formats": {"seen": "%d.%m.%Y"},
            "features": {"days": {"type": "number", "since": "seen"}},
        }
    )
    flat = cast(Bundle, SimpleNamespace(contract=contract, history=None))
    settings = Settings.model_validate({"source": {"url": str(file), "as_of": as_of}})
    with closing(CustomerReader(settings)) as reader:
        for customer, expected in (("a", days), ("b", None), ("a", days)):
            row = reader.read(customer, flat, now=NOW)
            assert row is not None
            assert row.values == {"days": expected}
