"""One customer of a flat table: read alone as in the list, from a source that stays open while it does not change."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pandas as pd
import psycopg
import pytest

from churn_mlops.errors import ConfigError, SourceError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.scoring.single_customer import CustomerReader
from tests.companies.small import Company, Rows, write_rows

LONG_AGO = 1_700_000_000


@pytest.fixture
def bundle(company: Company) -> Bundle:
    champion = BundleCache(company.settings.models.folder).champion()
    assert champion is not None
    return champion.bundle


@pytest.fixture
def rows(company: Company) -> Rows:
    return [row | {"tenure": "20"} for row in company.rows()[:3]]


@pytest.fixture
def on_server(postgres: str, company: Company, rows: Rows) -> Iterator[CustomerReader]:
    with psycopg.connect(postgres) as connection:
        _fill(connection, rows)
    with closing(reader_of(company, postgres)) as reader:
        yield reader


def reader_of(company: Company, address: str | Path, idle_seconds: float = 600) -> CustomerReader:
    return CustomerReader(company.with_settings("source", url=str(address)).settings, idle_seconds)


def tenure(reader: CustomerReader, bundle: Bundle, rows: Rows) -> float:
    found = reader.read(rows[0]["customer_id"], bundle)
    assert found is not None
    return float(found.values["tenure"])


def test_a_customer_is_found_by_their_id_and_a_stranger_is_not(company: Company, bundle: Bundle) -> None:
    reader, listed = CustomerReader(company.settings), company.rows()[3]
    row = reader.read(f" {listed['customer_id']} ", bundle)
    assert row is not None
    assert list(row.values) == list(bundle.contract.features)
    assert row.values["tenure"] == float(listed["tenure"])
    assert reader.read("nobody", bundle) is None


@pytest.mark.parametrize("ending", [".xlsx", ".zip"])
def test_a_file_that_is_converted_is_read_again_when_it_changed(
    company: Company, bundle: Bundle, rows: Rows, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"customers{ending}"
    with closing(reader_of(company, path)) as reader:
        for changed in ("20", "31"):
            frame = pd.DataFrame([row | {"tenure": changed} for row in rows])
            if ending == ".zip":
                frame.to_csv(path, index=False)
            else:
                frame.to_excel(path, index=False, engine="xlsxwriter")
            os.utime(path, ns=(0, LONG_AGO * 10**9 + int(changed)))
            assert [tenure(reader, bundle, rows) for _ in range(2)] == [float(changed)] * 2


def test_a_customer_who_has_left_by_their_label_is_no_active_one(company: Company, bundle: Bundle) -> None:
    reader, by_label = CustomerReader(company.settings), {row["churned"]: row["customer_id"] for row in company.rows()}
    assert reader.read(by_label["yes"], bundle) is None
    assert reader.read(by_label["no"], bundle) is not None
    assert reader.read(by_label[""], bundle) is not None


def test_a_source_that_lost_the_column_of_the_customer_is_refused_naming_it(
    company: Company, bundle: Bundle, rows: Rows, tmp_path: Path
) -> None:
    renamed = [{"customer": row.pop("customer_id"), **row} for row in rows]
    reader = reader_of(company, write_rows(tmp_path / "renamed.csv", renamed))
    with pytest.raises(SourceError, match="no column 'customer_id', which holds its customer IDs; nearest: 'customer'"):
        reader.read(renamed[0]["customer"], bundle)


def test_without_a_source_the_settings_are_named(company: Company, bundle: Bundle) -> None:
    settings = company.with_settings("source", url=None).settings
    with pytest.raises(ConfigError, match=r"no source is configured.*source\.url"):
        CustomerReader(settings).read("C1", bundle)


def test_a_file_is_loaded_again_when_it_changed_and_only_then(
    company: Company, bundle: Bundle, rows: Rows, tmp_path: Path
) -> None:
    file = write_rows(tmp_path / "customers.csv", rows)
    reader = reader_of(company, file)
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert tenure(reader, bundle, rows) == 20
    write_rows(file, [row | {"tenure": "30"} for row in rows])
    os.utime(file, (LONG_AGO, LONG_AGO))  # of the same size, and by its time unchanged
    assert tenure(reader, bundle, rows) == 20
    os.utime(file, (LONG_AGO, LONG_AGO + 1))
    assert tenure(reader, bundle, rows) == 30


def test_a_file_that_was_written_just_now_is_loaded_again(
    company: Company, bundle: Bundle, rows: Rows, tmp_path: Path
) -> None:
    file = write_rows(tmp_path / "customers.csv", rows)
    reader = reader_of(company, file)
    assert tenure(reader, bundle, rows) == 20
    written = file.stat()
    write_rows(file, [row | {"tenure": "30"} for row in rows])
    os.utime(file, ns=(written.st_atime_ns, written.st_mtime_ns))
    assert tenure(reader, bundle, rows) == 30


def test_a_file_that_goes_and_comes_back_is_noticed(
    company: Company, bundle: Bundle, rows: Rows, tmp_path: Path
) -> None:
    reader = reader_of(company, tmp_path / "customers.csv")
    with pytest.raises(SourceError, match="there is no file"):
        tenure(reader, bundle, rows)
    file = write_rows(tmp_path / "customers.csv", rows)
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert tenure(reader, bundle, rows) == 20
    file.unlink()
    with pytest.raises(SourceError, match="there is no file"):
        tenure(reader, bundle, rows)


def test_a_duckdb_file_can_be_written_between_two_calls(
    company: Company, bundle: Bundle, rows: Rows, tmp_path: Path
) -> None:
    file, text = tmp_path / "customers.duckdb", write_rows(tmp_path / "customers.csv", rows)
    with duckdb.connect(str(file)) as connection:
        connection.execute(f"CREATE TABLE customers AS FROM read_csv('{text}')")
    os.utime(file, (LONG_AGO, LONG_AGO))
    reader = reader_of(company, file)
    assert tenure(reader, bundle, rows) == 20
    with duckdb.connect(str(file)) as connection:
        connection.execute("UPDATE customers SET tenure = 30")
    assert tenure(reader, bundle, rows) == 30


def test_what_a_sqlite_database_keeps_beside_itself_is_noticed(
    company: Company, bundle: Bundle, rows: Rows, tmp_path: Path
) -> None:
    file = tmp_path / "customers.sqlite"
    reader = reader_of(company, file)
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        header = ", ".join(rows[0])
        connection.execute(f"CREATE TABLE customers ({header})")
        connection.executemany(
            f"INSERT INTO customers VALUES ({', '.join('?' * len(rows[0]))})", [list(row.values()) for row in rows]
        )
        connection.commit()
        for path in tmp_path.iterdir():
            os.utime(path, (LONG_AGO, LONG_AGO))
        assert tenure(reader, bundle, rows) == 20
        connection.execute("UPDATE customers SET tenure = 30")
        connection.commit()
        os.utime(file, (LONG_AGO, LONG_AGO))
        assert tenure(reader, bundle, rows) == 30


def test_a_connection_to_a_server_stays_open_and_holds_nothing(
    on_server: CustomerReader, bundle: Bundle, rows: Rows, postgres: str
) -> None:
    assert tenure(on_server, bundle, rows) == 20
    first = _sessions(postgres)
    with psycopg.connect(postgres) as connection:
        connection.execute("SET lock_timeout = '5s'")
        connection.execute("ALTER TABLE customers ADD COLUMN extra text")  # needs that no one else holds the table
        connection.execute("UPDATE customers SET tenure = '30'")
    assert tenure(on_server, bundle, rows) == 30
    assert [state for _, state in first] == ["idle"]
    assert _sessions(postgres) == first


def test_a_connection_that_was_lost_is_made_again_within_the_call(
    on_server: CustomerReader, bundle: Bundle, rows: Rows, postgres: str
) -> None:
    assert tenure(on_server, bundle, rows) == 20
    ((lost, _),) = _sessions(postgres)
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [lost])
    assert tenure(on_server, bundle, rows) == 20
    assert lost not in [process for process, _ in _sessions(postgres)]


def test_a_table_that_was_replaced_is_checked_again(
    on_server: CustomerReader, bundle: Bundle, rows: Rows, postgres: str
) -> None:
    assert tenure(on_server, bundle, rows) == 20
    with psycopg.connect(postgres) as connection:
        connection.execute("ALTER TABLE customers RENAME COLUMN customer_id TO customer")
    with pytest.raises(SourceError, match="no column 'customer_id'"):
        tenure(on_server, bundle, rows)
    with psycopg.connect(postgres) as connection:
        connection.execute("ALTER TABLE customers RENAME COLUMN customer TO customer_id")
    assert tenure(on_server, bundle, rows) == 20


def test_a_connection_that_rested_too_long_is_not_used_again(
    company: Company, bundle: Bundle, rows: Rows, postgres: str
) -> None:
    with psycopg.connect(postgres) as connection:
        _fill(connection, rows)
    with closing(reader_of(company, postgres, idle_seconds=0)) as reader:
        assert tenure(reader, bundle, rows) == 20
        ((first, _),) = _sessions(postgres)
        assert tenure(reader, bundle, rows) == 20
        assert first not in [process for process, _ in _sessions(postgres)]


def _fill(connection: psycopg.Connection, rows: Rows) -> None:
    names = list(rows[0])
    connection.execute(f"CREATE TABLE customers ({', '.join(f'{name} text' for name in names)})")  # type: ignore[arg-type]
    with connection.cursor() as cursor:
        places = ", ".join(["%s"] * len(names))
        cursor.executemany(f"INSERT INTO customers VALUES ({places})", [list(row.values()) for row in rows])  # type: ignore[arg-type]


def _sessions(address: str) -> list[tuple[int, str]]:
    """The other sessions of the database: process and state."""
    query = (
        "SELECT pid, state FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    with psycopg.connect(address) as connection:
        return [(process, state) for process, state in connection.execute(query)]
