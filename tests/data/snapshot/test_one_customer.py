"""The prepared statement for one customer gives the row of the full snapshot, on both engines, whatever the keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.snapshot.key_lookup import with_key_indexes
from churn_mlops.data.snapshot.one_customer import prepare_snapshot
from churn_mlops.data.snapshot.snapshot import read_history
from tests.data.histories import on_duckdb, on_postgres
from tests.data.snapshot.test_point_in_time import DAY, KEYS, TABLES, as_tables, contracts, rows
from tests.data.telecom import CONTRACT, telecom

Read = Callable[[str, date, datetime], Mapping[str, Any] | None]
TELECOM = telecom(8, seed=5)
LATE = datetime(2024, 5, 1, 12, 30)  # some rows of that day were recorded before, some after
NAMES = ["a", "o'hara", '"q"', "$1", "100%s", "naïve", "007", "7", "1e3", "x y", "--", "Ä" * 40]
CALLED = {
    "name": "called",
    "customer": "id",
    "tables": {"people": {"start": "since"}, "visits": {"event_time": "seen"}},
    "features": {"visits": {"count": "visits"}, "days": {"age_of": "people.start", "unit": "days"}},
}


def reader(tables: Mapping[str, ir.Table], contract: HistoryContract, *, indexed: bool = False) -> Read:
    found, normal = with_key_indexes(tables, contract) if indexed else (tables, frozenset())
    prepared = prepare_snapshot(found, contract, normal)
    read = prepared.on(next(iter(found.values())).get_backend().con)

    def values(customer: str, day: date, known_until: datetime) -> Mapping[str, Any] | None:
        row = read(customer, day, known_until)
        return None if row is None else prepared.values(row)

    return values


def assert_as_in_the_full_snapshot(
    read: Read, tables: Mapping[str, ir.Table], contract: HistoryContract, day: date, until: datetime, names: list[str]
) -> int:
    """How many of the customers ``names`` are active."""
    listed = read_history(tables, contract, [day], known_until=until).to_pylist()
    full = {row[contract.customer]: {name: row[name] for name in contract.features} for row in listed}
    for name in names:
        assert repr(read(name, day, until)) == repr(full.get(name.strip())), name
    return sum(name in full for name in names)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    contracts(),
    st.fixed_dictionaries({name: rows(name) for name in TABLES}),
    st.lists(st.integers(-70, 70), min_size=1, max_size=3),
    st.integers(-100_000, 200_000),
    st.booleans(),
)
def test_any_history_gives_the_row_of_the_full_snapshot_on_any_day(
    contract: HistoryContract, history: dict[str, Any], days: list[int], seconds: int, indexed: bool
) -> None:
    tables = on_duckdb(as_tables(history), contract)
    read = reader(tables, contract, indexed=indexed)
    for after in days:  # of one statement
        day = DAY + timedelta(days=after)
        until = datetime.combine(day, datetime.min.time()) + timedelta(seconds=seconds)
        assert_as_in_the_full_snapshot(read, tables, contract, day, until, [*KEYS, "nobody"])


@pytest.fixture(params=["duckdb", "indexed", "postgres"])
def opened(request: pytest.FixtureRequest) -> Iterator[Callable[..., tuple[Mapping[str, ir.Table], Read]]]:
    """Tables on an engine, and the prepared statement on them."""
    connections = []

    def on_engine(held: Mapping[str, pa.Table], contract: HistoryContract) -> tuple[Mapping[str, ir.Table], Read]:
        if request.param == "postgres":
            tables = on_postgres(held, contract, request.getfixturevalue("postgres"))
        else:
            tables = on_duckdb(held, contract)
        connections.append(next(iter(tables.values())).get_backend())
        return tables, reader(tables, contract, indexed=request.param == "indexed")

    yield on_engine
    for connection in connections:
        connection.disconnect()


def test_every_kind_of_feature_late_rows_and_linked_tables(opened: Any) -> None:
    tables, read = opened(TELECOM, CONTRACT)
    names = [f"C-{number}" for number in range(8)]
    for day, until in ((date(2024, 3, 30), LATE), (LATE.date(), LATE)):
        assert assert_as_in_the_full_snapshot(read, tables, CONTRACT, day, until, names) >= 1


@pytest.mark.parametrize("around", ["", " ", "\u2003"])
def test_texts_of_any_form_are_keys(opened: Any, around: str) -> None:
    contract = HistoryContract.from_dict(CALLED)
    written = [around + name for name in NAMES] + ["", "  ", None]
    held = {
        "people": pa.table({"id": written, "since": [date(2024, 1, 1)] * len(written)}),
        "visits": pa.table({"id": [f"{name} " for name in NAMES], "seen": [date(2024, 1, 9)] * len(NAMES)}),
    }
    tables, read = opened(held, contract)
    asked = [*NAMES, *(f"\t{name} " for name in NAMES), "", " ", "A", "07", "o''hara", "'; DROP TABLE people; --"]
    found = assert_as_in_the_full_snapshot(read, tables, contract, date(2024, 2, 1), LATE, asked)
    assert found == len(NAMES)
    assert read("007", date(2024, 2, 1), LATE) == {"visits": 1.0, "days": 31.0}


@pytest.mark.parametrize("kinds", [(pa.int64(), pa.int64()), (pa.int32(), pa.int64()), (pa.int32(), pa.string())])
def test_whole_numbers_are_keys_and_other_spellings_of_them_are_not(
    opened: Any, kinds: tuple[pa.DataType, pa.DataType]
) -> None:
    contract = HistoryContract.from_dict(CALLED)
    numbers = pa.array([7, 12, -3, 2**31 - 1])
    held = {
        "people": pa.table({"id": numbers.cast(kinds[0]), "since": [date(2024, 1, 1)] * 4}),
        "visits": pa.table({"id": numbers.cast(kinds[1]), "seen": [date(2024, 1, 9)] * 4}),
    }
    tables, read = opened(held, contract)
    asked = ["7", "12", "-3", str(2**31 - 1), "07", "7.0", "+7", "seven", "", str(2**40), "9" * 30]
    assert assert_as_in_the_full_snapshot(read, tables, contract, date(2024, 2, 1), LATE, asked) == 4


def test_rows_are_looked_up_by_the_index_of_each_table() -> None:
    tables, normal = with_key_indexes(on_duckdb(TELECOM, CONTRACT), CONTRACT)
    prepared = prepare_snapshot(tables, CONTRACT, normal)
    given = [{"customer": "C-1", "day": DAY}.get(name, datetime(2024, 1, 1)) for name in prepared.statement.names]
    connection = tables["customers"].get_backend().con
    plan = connection.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {prepared.statement.sql}", given).fetchall()[0][1]
    scans = {(scan["Table"].split(".")[-1].strip('"'), scan["Type"]) for scan in _scans(json.loads(plan))}
    own = {name for name, table in CONTRACT.tables.items() if table.through is None}
    assert scans == {*((name, "Index Scan") for name in own), ("payments", "Sequential Scan")}  # these are linked


def test_the_rows_of_one_customer_are_gathered_without_groups() -> None:
    assert "GROUP BY" not in prepare_snapshot(on_duckdb(TELECOM, CONTRACT), CONTRACT).statement.sql


def _scans(node: Any) -> Iterator[dict[str, str]]:
    """The scans of tables in a plan of DuckDB."""
    if isinstance(node, dict):
        if "Table" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for one in node:
            yield from _scans(one)


def test_a_table_is_copied_only_where_its_keys_are_not_in_normal_form() -> None:
    contract = HistoryContract.from_dict(CALLED)
    day = [date(2024, 1, 1)]
    held = {"people": pa.table({"id": ["a"], "since": day}), "visits": pa.table({"id": [" a"], "seen": day})}
    tables = on_duckdb(held, contract)
    found, normal = with_key_indexes(tables, contract)
    assert normal == {("people", "id"), ("visits", "id")}
    assert found["people"].equals(tables["people"])
    assert found["visits"].to_pyarrow().to_pylist() == [{"id": "a", "seen": day[0]}]
