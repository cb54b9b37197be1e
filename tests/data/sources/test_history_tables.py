"""The tables of a history, opened from files and databases of every kind."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_mlops.data.contract import AS_OF, LEFT, HistoryContract
from churn_mlops.data.snapshot.labels import training_dates
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_every_table
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import ContractError, SourceError

DAY = date(2024, 5, 1)
DECLARED: dict[str, Any] = {
    "name": "shop",
    "customer": "id",
    "time_zone": "Europe/Berlin",
    "tables": {
        "customers": {"table": "people", "start": "since", "end": "until"},
        "visits": {"event_time": "at", "where": {"kind": "web"}},
    },
    "features": {"visits": {"count": "visits"}, "spent": {"sum": "visits.spent"}},
    "label": {"event": "customers.end", "horizon_days": 30, "lead_days": 2, "reporting_delay_days": 3},
}
CONTRACT = HistoryContract.from_dict(DECLARED)
PEOPLE = "id,since,until\n1,2024-01-01,\n2,2024-01-01,2024-02-01\n3,2024-01-01,soon\n"
VISITS = (
    "id;at;kind;spent\n1;2024-05-01T21:59:59Z;web;1.5\n1;2024-05-01T22:00:00Z;web;4\n1;2024-04-01;shop;2\n3;;web;1\n"
)
EXPECTED = [
    {"id": "1", AS_OF: DAY, "visits": 1.0, "spent": 1.5},
    {"id": "3", AS_OF: DAY, "visits": 0.0, "spent": 0.0},
]


def test_a_folder_of_files_is_a_database(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    (tmp_path / "visits.txt.gz").write_bytes(gzip.compress(VISITS.encode()))
    (tmp_path / "notes.md").write_text("no table")
    assert read_history(open_tables(str(tmp_path), CONTRACT), CONTRACT, [DAY]).to_pylist() == EXPECTED


def test_files_of_several_kinds_join(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    pq.write_table(_visits(), tmp_path / "visits.parquet")
    assert read_history(open_tables(str(tmp_path), CONTRACT), CONTRACT, [DAY]).to_pylist() == EXPECTED


def test_one_file_is_every_table_that_is_called_like_it(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(VISITS)
    tables = {"customers": {"table": "visits", "start": "at"}, "visits": {"event_time": "at"}}
    contract = HistoryContract.from_dict({**DECLARED, "label": None, "tables": tables})
    found = read_history(open_tables(str(path), contract), contract, [DAY]).to_pylist()
    assert found == [{"id": "1", AS_OF: DAY, "visits": 2.0, "spent": 3.5}]


def test_times_are_read_in_their_declared_format_and_in_the_zone_that_they_name(tmp_path: Path) -> None:
    people = "id;since;until\n1;20240101;\n2;20240101;01.02.2024\n3;20240101;31.02.2024\n"
    visits = VISITS.replace("2024-05-01T21:59:59Z", "01/05/2024 23:59:59+0200").replace(
        "2024-05-01T22:00:00Z", "01/05/2024 22:00:00Z"
    )
    (tmp_path / "people.csv").write_text(people)
    (tmp_path / "visits.csv").write_text(visits)
    tables = {
        "customers": DECLARED["tables"]["customers"] | {"formats": {"since": "%Y%m%d", "until": "%d.%m.%Y"}},
        "visits": DECLARED["tables"]["visits"] | {"formats": {"at": "%d/%m/%Y %H:%M:%S%z"}},
    }
    contract = HistoryContract.from_dict({**DECLARED, "tables": tables})
    assert read_history(open_tables(str(tmp_path), contract), contract, [DAY]).to_pylist() == EXPECTED
    pq.write_table(
        pa.table({"id": [1, 2, 3], "since": [20240101] * 3, "until": [None, "01.02.2024", ""]}),
        tmp_path / "people.parquet",
    )
    (tmp_path / "people.csv").unlink()
    assert read_history(open_tables(str(tmp_path), contract), contract, [DAY]).to_pylist() == EXPECTED


def test_ends_of_another_table_are_a_column_of_the_customers(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("id,since\n1,2024-01-01\n2,2024-01-01\n3,2024-01-01\n")
    (tmp_path / "visits.csv").write_text(VISITS)
    (tmp_path / "goodbyes.csv").write_text("id,said\n2,2024-02-01\n2,2024-03-01\n3,2023-12-01\n1,2024-05-20\n")
    tables = {
        **DECLARED["tables"],
        "customers": {"table": "people", "start": "since", "ends": "goodbyes"},
        "goodbyes": {"event_time": "said"},
    }
    contract = HistoryContract.from_dict({**DECLARED, "tables": tables})
    found = read_history(open_tables(str(tmp_path), contract), contract, [DAY], label=True).to_pylist()
    assert found == [row | {LEFT: "yes" if row["id"] == "1" else "no"} for row in EXPECTED]


@pytest.mark.parametrize("ending", ["sqlite", "db"])
def test_a_sqlite_file_is_read_as_texts(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"shop.{ending}"
    with closing(sqlite3.connect(path)) as connection, connection:
        for name, text, separator in (("people", PEOPLE, ","), ("visits", VISITS, ";")):
            header, *rows = [line.split(separator) for line in text.splitlines()]
            connection.execute(f"CREATE TABLE {name} ({', '.join(header)})")
            connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(header))})", rows)
    for address in (str(path), f"sqlite://{path}"):
        assert read_history(open_tables(address, CONTRACT), CONTRACT, [DAY]).to_pylist() == EXPECTED


def test_a_duckdb_file_is_read_where_it_is(tmp_path: Path) -> None:
    path = _duckdb(tmp_path / "shop.duckdb", {"people": _people(), "visits": _visits()})
    for address in (str(path), f"duckdb://{path}"):
        assert read_history(open_tables(address, CONTRACT), CONTRACT, [DAY]).to_pylist() == EXPECTED


def test_a_postgres_address_is_read_where_it_is(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE people (id integer, since date, until date)")
        connection.execute("INSERT INTO people VALUES (1, '2024-01-01', NULL), (3, '2024-01-01', NULL)")
        connection.execute("CREATE TABLE visits (id bigint, at timestamptz, kind text, spent numeric)")
        connection.execute("INSERT INTO visits VALUES (1, '2024-05-01T21:59:59Z', ' web ', 1.5)")
        connection.execute("INSERT INTO visits VALUES (1, '2024-05-01T22:00:00Z', 'web', 4)")
    tables = open_tables(postgres, CONTRACT)
    found = read_history(tables, CONTRACT, [DAY]).to_pylist()
    tables["visits"].get_backend().disconnect()
    assert found == EXPECTED


def test_a_schema_of_postgres_follows_the_database(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.people (id integer)")
        connection.execute("CREATE TABLE elsewhere (id integer)")
    address = urlsplit(postgres)
    tables = open_every_table(address._replace(path=f"{address.path}/crm").geturl())
    tables["people"].get_backend().disconnect()
    assert list(tables) == ["people"]
    with pytest.raises(SourceError, match="leads to a schema that is not there"):
        open_every_table(address._replace(path=f"{address.path}/erp").geturl())


def test_the_partitions_of_a_table_are_read_with_it_alone(postgres: str) -> None:
    with psycopg.connect(postgres) as connection:
        connection.execute("CREATE TABLE people (id integer)")
        connection.execute("CREATE TABLE payments (id integer, paid_on date) PARTITION BY RANGE (paid_on)")
        for year in (2023, 2024):
            ends = f"FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
            kind = " PARTITION BY RANGE (paid_on)" if year == 2024 else ""
            connection.execute(f"CREATE TABLE payments_{year} PARTITION OF payments FOR VALUES {ends}{kind}")
        spring = "FROM ('2024-01-01') TO ('2024-06-01')"
        connection.execute(f"CREATE TABLE payments_2024_1 PARTITION OF payments_2024 FOR VALUES {spring}")
        connection.execute("CREATE TABLE visits (id integer)")
        connection.execute("CREATE TABLE visits_2024 () INHERITS (visits)")
    place = resolve(postgres)
    parts = {"payments_2023": "payments", "payments_2024": "payments", "payments_2024_1": "payments"}
    assert place.partitions() == parts | {"visits_2024": "visits"}
    assert "payments_2023" in place.tables()  # a contract may name it
    place.close()
    tables = open_every_table(postgres)
    tables["people"].get_backend().disconnect()
    assert sorted(tables) == ["payments", "people", "visits"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"visits": {"table": "visit", "event_time": "at"}}, SourceError, "no table 'visit'.*nearest: 'visits'"),
        (
            {"visits": {"event_time": "visited_at"}},
            ContractError,
            "no column 'visited_at', a time in.*it has: 'id', 'at'",
        ),
        ({"visits": {"event_time": "at", "customer": "user"}}, ContractError, "no column 'user', the customer"),
        (
            {"visits": {"event_time": "at", "where": {"kinds": "web"}}},
            ContractError,
            "'kinds', named in `where`.*'kind'",
        ),
        ({"visits": {"event_time": "spent"}}, ContractError, "'spent' is of type float64.*make a view"),
        (
            {"visits": {"event_time": "at", "through": {"table": "customers", "column": "id", "key": "ids"}}},
            ContractError,
            "no column 'ids', the key of table 'visits'",
        ),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, change: dict[str, Any], error: type[Exception], message: str) -> None:
    path = _duckdb(tmp_path / "shop.duckdb", {"people": _people(), "visits": _visits()})
    contract = HistoryContract.from_dict({**DECLARED, "tables": {**DECLARED["tables"], **change}})
    with pytest.raises(error, match=message):
        open_tables(str(path), contract)


def test_a_column_of_a_feature_that_is_missing_is_named(tmp_path: Path) -> None:
    path = _duckdb(tmp_path / "shop.duckdb", {"people": _people(), "visits": _visits()})
    contract = HistoryContract.from_dict({**DECLARED, "features": {"spent": {"sum": "visits.spend"}}})
    with pytest.raises(ContractError, match=r"table 'visits' of .* no column 'spend', feature 'spent'.*'spent'"):
        open_tables(str(path), contract)


def test_addresses_that_hold_no_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(PEOPLE)
    with pytest.raises(SourceError, match="holds one table, 'people', and the contract 'shop' reads visits: give"):
        open_tables(str(tmp_path / "people.csv"), CONTRACT)
    with pytest.raises(SourceError, match="there is no file"):
        open_tables(str(tmp_path / "people.duckdb"), CONTRACT)
    with pytest.raises(SourceError, match="no table 'visits'"):
        open_tables(str(tmp_path), CONTRACT)
    (tmp_path / "people.tsv").write_text(PEOPLE)
    with pytest.raises(SourceError, match=r"people.csv and .*people.tsv are both called 'people'"):
        open_tables(str(tmp_path), CONTRACT)


def test_a_label_is_final_when_all_its_days_lie_in_the_past() -> None:
    assert training_dates(CONTRACT, DAY, date(2024, 6, 5), 1, 1) == []
    assert training_dates(CONTRACT, DAY, date(2024, 6, 6), 1, 1) == [DAY]


def test_training_dates_are_the_newest_whose_label_is_final() -> None:
    last = date(2024, 6, 6)
    assert training_dates(CONTRACT, date(2024, 4, 1), last, 14, 99) == [date(2024, 4, 3), date(2024, 4, 17), DAY]
    assert training_dates(CONTRACT, date(2024, 4, 3), last, 14, 2) == [date(2024, 4, 17), DAY]
    assert training_dates(CONTRACT, DAY, last, 14, 99) == [DAY]
    assert training_dates(CONTRACT, date(2024, 5, 2), last, 14, 99) == []
    with pytest.raises(ValueError, match="give 1 or more"):
        training_dates(CONTRACT, DAY, last, 0, 1)


def _people() -> pa.Table:
    since = [date(2024, 1, 1)] * 3
    return pa.table({"id": [1, 2, 3], "since": since, "until": pa.array([None, date(2024, 2, 1), None], pa.date32())})


def _visits() -> pa.Table:
    rows = [line.split(";") for line in VISITS.splitlines()[1:]]
    return pa.table(
        {
            "id": [row[0] for row in rows],  # texts, where the customers have numbers
            "at": [row[1] for row in rows],
            "kind": [row[2] for row in rows],
            "spent": [float(row[3]) for row in rows],
        }
    )


def _duckdb(path: Path, tables: Mapping[str, pa.Table]) -> Path:
    with duckdb.connect(str(path)) as connection:
        for name, table in tables.items():
            connection.register("incoming", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
    return path
