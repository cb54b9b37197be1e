"""Times as numbers that are counted from 1970: they are read, on every engine, or asked about."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import ibis
import pytest

from churn_mlops.data.contract import HistoryTable
from churn_mlops.data.contract.time_format import UNIX_UNITS
from churn_mlops.data.engine.timestamps import parsed_time
from churn_mlops.data.proposal.flat_proposal import propose
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import open_tables
from churn_mlops.data.sources.open import open_every_table, open_table

Tables = Mapping[str, tuple[str, Sequence[tuple[object, ...]]]]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[ibis.BaseBackend]:
    """An engine whose session is in Berlin."""
    if request.param == "duckdb":
        connection = ibis.duckdb.connect()
        connection.raw_sql("SET TimeZone = 'Europe/Berlin'")
    else:
        connection = ibis.connect(request.getfixturevalue("postgres_server"))
        connection.raw_sql("SET SESSION TIME ZONE 'Europe/Berlin'").close()
        connection.con.commit()
    yield connection
    connection.disconnect()


@pytest.mark.parametrize(
    ("cell", "kind", "unit", "read"),
    [
        ("1714514399", "int64", "unix_seconds", datetime(2024, 4, 30, 23, 59, 59)),
        ("1714514399999", "int64", "unix_milliseconds", datetime(2024, 4, 30, 23, 59, 59, 999000)),
        ("1714514399999999", "int64", "unix_microseconds", datetime(2024, 4, 30, 23, 59, 59, 999999)),
        ("1714514399999999999", "int64", "unix_nanoseconds", datetime(2024, 4, 30, 23, 59, 59, 999999)),
        ("'1714514399999999999'", "string", "unix_nanoseconds", datetime(2024, 4, 30, 23, 59, 59, 999999)),
        ("'1714514399.9999999'", "string", "unix_seconds", datetime(2024, 4, 30, 23, 59, 59, 999999)),
        ("' 1714514400 '", "string", "unix_seconds", datetime(2024, 5, 1)),
        (
            "CAST(1714514399.5 AS double precision)",
            "float64",
            "unix_seconds",
            datetime(2024, 4, 30, 23, 59, 59, 500000),
        ),
        ("CAST(1714514399.5 AS numeric(12, 1))", "decimal", "unix_seconds", datetime(2024, 4, 30, 23, 59, 59, 500000)),
        ("-1", "int64", "unix_seconds", None),
        ("9223372036854775807", "int64", "unix_seconds", None),
        ("'9999999999999999999'", "string", "unix_nanoseconds", None),
        ("CAST('infinity' AS double precision)", "float64", "unix_seconds", None),
        ("'soon'", "string", "unix_seconds", None),
    ],
)
def test_a_number_is_read_as_the_local_time_that_it_counts_to(
    engine: ibis.BaseBackend, cell: str, kind: str, unit: str, read: datetime | None
) -> None:
    rows = engine.sql(f"SELECT {cell} AS n", schema=ibis.schema({"n": kind}))
    assert rows.select(at=parsed_time(rows.n, unit)).to_pyarrow()["at"].to_pylist() == [read]


def test_a_contract_takes_every_unit() -> None:
    for unit in UNIX_UNITS:
        assert HistoryTable(event_time="ts", formats={"ts": unit}).formats == {"ts": unit}


def _counted(day: date, hour: int, per_second: int) -> int:
    return int(datetime(day.year, day.month, day.day, hour, tzinfo=UTC).timestamp()) * per_second


def _write(folder: Path, kind: str, tables: Tables) -> str:
    """The ``tables``, each a header and its rows, as CSV files or in a SQLite database."""
    folder.mkdir()
    if kind == "csv":
        for name, (header, rows) in tables.items():
            lines = [",".join(map(str, row)) for row in rows]
            (folder / f"{name}.csv").write_text("\n".join([header, *lines]))
        return str(folder)
    with closing(sqlite3.connect(folder / "shop.sqlite")) as connection:
        for name, (header, rows) in tables.items():
            connection.execute(
                f"CREATE TABLE {name} ({', '.join(f'{column} INTEGER' for column in header.split(','))})"
            )
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        connection.commit()
    return str(folder / "shop.sqlite")


@pytest.mark.parametrize("kind", ["csv", "sqlite"])
@pytest.mark.parametrize("unit", ["unix_seconds", "unix_milliseconds"])
def test_times_of_events_and_of_sign_up_may_be_counted_from_1970(tmp_path: Path, kind: str, unit: str) -> None:
    per_second = UNIX_UNITS[unit]
    people = [(row, _counted(date(2024, 1, 1 + row % 28), 12, per_second), row % 3) for row in range(60)]
    visits = [(row % 60, _counted(date(2024, 3, 1 + row % 30), 23, per_second), row % 7) for row in range(300)]
    tables = {"customers": ("customer_id,registration,size", people), "visits": ("customer_id,ts,pages", visits)}
    address = _write(tmp_path / "shop", kind, tables)
    proposal = propose_history(open_every_table(address), name="shop")
    declared = proposal.contract.tables
    assert (declared["customers"].start, declared["visits"].event_time) == ("registration", "ts")
    assert declared["customers"].formats == {"registration": unit}
    assert declared["visits"].formats == {"ts": unit}
    said = {one.column: one.message for one in proposal.findings if one.kind == "unix_times"}
    assert said["visits.ts"] == (
        f"holds numbers that are {unit} from 2024-03-01 to 2024-03-30, counted from 1970 in UTC: it is read so"
    )
    contract = proposal.contract.model_copy(update={"time_zone": "Europe/Berlin"})
    rows = read_history(open_tables(address, contract), contract, [date(2024, 3, 1)]).to_pylist()
    # 23:00 of UTC on 1 March is 2 March in Berlin.
    assert {row["visits_30d"] for row in rows} == {0.0}
    rows = read_history(open_tables(address, contract), contract, [date(2024, 3, 2)]).to_pylist()
    assert sum(row["visits_30d"] for row in rows) == 10


def test_seconds_under_a_name_that_does_not_speak_of_a_time_are_asked_about(tmp_path: Path) -> None:
    people = [(row, f"2024-01-{1 + row % 28:02}", 1_600_000_000 + 86_400 * (row * 7 % 60)) for row in range(60)]
    visits = [(row % 60, f"2024-03-{1 + row % 30:02}") for row in range(300)]
    tables: Tables = {"customers": ("customer_id,signed_up,stamp", people), "visits": ("customer_id,day", visits)}
    proposal = propose_history(open_every_table(_write(tmp_path / "shop", "csv", tables)), name="shop")
    (asked,) = [one for one in proposal.findings if one.kind == "unix_times"]
    assert asked.column == "customers.stamp"
    assert "may hold numbers that are unix_seconds from 2020-09-13 to 2020-11-11" in asked.message
    assert "`formats: {stamp: unix_seconds}`" in asked.message


def test_an_identifier_or_a_phone_number_of_ten_digits_is_no_time(tmp_path: Path) -> None:
    people = [(1_600_000_000 + row * 17, 1_700_000_000 + row * 977, f"2024-01-{1 + row % 28:02}") for row in range(60)]
    visits = [(1_600_000_000 + row % 60 * 17, f"2024-03-{1 + row % 30:02}") for row in range(300)]
    tables: Tables = {"customers": ("customer_id,phone,signed_up", people), "visits": ("customer_id,day", visits)}
    proposal = propose_history(open_every_table(_write(tmp_path / "shop", "csv", tables)), name="shop")
    assert not [one for one in proposal.findings if one.kind == "unix_times"]
    assert proposal.contract.tables["customers"].start == "signed_up"


def test_a_time_counted_from_1970_is_a_date_in_a_flat_table(tmp_path: Path) -> None:
    lines = [f"{row},{1_600_000_000 + row * 977},{row % 9}" for row in range(60)]
    (tmp_path / "shop.csv").write_text("\n".join(["customer_id,created,visits", *lines]))
    contract = propose(open_table(str(tmp_path / "shop.csv")), name="shop", customer="customer_id").contract
    assert contract.set_aside["created"].reason == "date"
