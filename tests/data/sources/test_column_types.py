"""Every type of column of DuckDB and PostgreSQL: what it is taken for, in use or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.proposal.flat_proposal import Proposal, propose
from churn_mlops.data.proposal.history_proposal import propose_history
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import tables_of
from churn_mlops.data.sources.plain_types import with_plain_types
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.data.validation.validate import validate
from churn_mlops.data.validation.validate_history import check_history
from tests.data.sources.column_types import DUCKDB, POSTGRES, POSTGRES_TYPES, ROWS, OfType, created, inserted

_ENDS = ("NULL", "'2024-06-01'")
_CUSTOMERS = [f"'k{row}', '2024-01-{1 + row:02}', {_ENDS[row % 2]}" for row in range(ROWS)]
_VISITS = [f"'v{row}', 'k{row % ROWS}', '2024-03-{1 + row % 28:02} 10:00'" for row in range(2 * ROWS)]
_DAY = date(2024, 4, 30)


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[tuple[ibis.BaseBackend, Mapping[str, OfType]]]:
    """A database with customers and their visits, both with a column of every type of the engine."""
    types = DUCKDB if request.param == "duckdb" else POSTGRES
    statements = [
        *(POSTGRES_TYPES.split(";")[:-1] if request.param == "postgres" else []),
        created("customers", "customer_id varchar(9), signed_up date, ended date", types),
        inserted("customers", _CUSTOMERS, types),
        created("visits", "visit_id varchar(9), customer_id varchar(9), seen timestamp", types),
        inserted("visits", _VISITS, types),
    ]
    if request.param == "duckdb":
        connection = ibis.duckdb.connect()
        for statement in statements:
            connection.raw_sql(statement)
    else:
        from tests.postgres import new_database

        connection = ibis.connect(new_database(request.getfixturevalue("postgres_server")))
        for statement in statements:
            connection.raw_sql(statement).close()
        connection.con.commit()
    yield connection, types
    connection.disconnect()


@pytest.fixture(scope="module")
def flat(engine: tuple[ibis.BaseBackend, Mapping[str, OfType]]) -> tuple[ir.Table, Proposal]:
    table = with_plain_types(engine[0], "customers")
    return table, propose(table, name="flat", customer="customer_id")


def test_init_gives_every_column_its_meaning_or_says_why_it_is_excluded(
    engine: tuple[ibis.BaseBackend, Mapping[str, OfType]], flat: tuple[ir.Table, Proposal]
) -> None:
    contract = flat[1].contract
    found: dict[str, str] = {name: feature.type for name, feature in contract.features.items()}
    found |= {name: why.reason for name, why in contract.set_aside.items()}
    # Some say the same as another column of this table, as each type should.
    repeated = {name for name, reason in found.items() if reason == "duplicate"}
    assert {name for name in repeated if engine[1][name[:-2]].meaning in ("date", "identifier", "type")} == set()
    wanted = {f"{name}_c": one.meaning for name, one in engine[1].items() if f"{name}_c" not in repeated}
    assert {name: found[name] for name in wanted} == wanted


def test_what_is_missing_in_a_column_of_any_type_is_counted(
    engine: tuple[ibis.BaseBackend, Mapping[str, OfType]], flat: tuple[ir.Table, Proposal]
) -> None:
    for name, one in engine[1].items():
        column = flat[1].profile[f"{name}_c"]
        expected = ROWS * one.missing // len(one.values)
        assert column.rows - column.present == expected, name


def test_a_flat_table_is_validated_and_read_whatever_else_stands_in_it(flat: tuple[ir.Table, Proposal]) -> None:
    table, proposal = flat
    problems = validate(table, proposal.contract).problems
    infinite = {one.column for one in proposal.findings if one.kind == "infinite"}
    assert {(problem.column, problem.rule) for problem in problems} == {(name, "infinite") for name in infinite}
    assert read_snapshot(table, proposal.contract).num_rows == ROWS


def test_every_type_can_be_declared_as_a_category(
    engine: tuple[ibis.BaseBackend, Mapping[str, OfType]], flat: tuple[ir.Table, Proposal]
) -> None:
    features = {f"{name}_c": {"type": "category", "levels": ["1", "2"]} for name in engine[1]}
    contract = DataContract.from_dict({"name": "all", "features": features})
    rows = read_snapshot(flat[0], contract)
    for name, one in engine[1].items():
        if one.meaning != "date":  # a time outside the calendar has a text
            assert rows[f"{name}_c"].null_count == ROWS * one.missing // len(one.values), name


def test_a_history_is_proposed_checked_and_read_whatever_stands_in_its_tables(
    engine: tuple[ibis.BaseBackend, Mapping[str, OfType]],
) -> None:
    connection, types = engine
    tables = {name: with_plain_types(connection, name) for name in ("customers", "visits")}
    contract = propose_history(tables, name="shop").contract
    excluded = {name for name, why in contract.set_aside.items() if why.reason == "type"}
    of_no_use = {name for name, one in types.items() if one.meaning == "type"}
    assert excluded == {f"{table}.{name}_c" for table in tables for name in of_no_use}
    opened = tables_of(connection, contract)
    check_history(opened, contract)
    assert read_history(opened, contract, [_DAY], label=contract.label is not None).num_rows > 0


def test_every_type_can_be_a_key_of_a_condition_and_a_category_of_a_history(
    engine: tuple[ibis.BaseBackend, Mapping[str, OfType]],
) -> None:
    connection, types = engine
    features = {f"{name}_c": {"type": "category", "levels": ["1"], "last": f"visits.{name}_c"} for name in types}
    counts = {f"{name}_n": {"count": "visits", "where": {f"{name}_c": ["a"]}} for name in types}
    contract = HistoryContract.from_dict(
        {
            "name": "shop",
            "customer": "customer_id",
            "tables": {"customers": {"start": "signed_up"}, "visits": {"event_time": "seen"}},
            "features": features | counts,
        }
    )
    assert read_history(tables_of(connection, contract), contract, [_DAY]).num_rows == ROWS


def _visits_in_may(connection: ibis.BaseBackend, time_zone: str = "UTC", **visits: object) -> dict[str, float]:
    """The visits of each customer in the 31 days up to 31 May 2024."""
    contract = HistoryContract.from_dict(
        {
            "name": "shop",
            "customer": "id",
            "time_zone": time_zone,
            "tables": {"people": {"start": "since"}, "visits": {"event_time": "seen", **visits}},
            "features": {"visits_31d": {"count": "visits", "days": 31}},
        }
    )
    rows = read_history(tables_of(connection, contract), contract, [date(2024, 5, 31)]).to_pylist()
    return {row["id"]: row["visits_31d"] for row in rows}


@pytest.mark.parametrize("kind", ["TIMESTAMP_NS", "TIMESTAMPTZ_NS"])
def test_nanoseconds_are_cut_and_never_make_the_next_day(kind: str) -> None:
    connection = ibis.duckdb.connect()
    connection.raw_sql("SET TimeZone = 'UTC'")
    connection.raw_sql("CREATE TABLE people AS SELECT 'a' AS id, DATE '1950-01-01' AS since")
    times = (
        "2024-05-31 23:59:59.999999999",
        "2024-06-01",
        "2024-04-30 23:59:59.999999999",
        "1960-01-01 00:00:00.1000009",
    )
    values = ", ".join(f"('a', '{time}')" for time in times)
    connection.raw_sql(f"CREATE TABLE visits (id VARCHAR, seen {kind})")
    connection.raw_sql(f"INSERT INTO visits VALUES {values}")
    assert _visits_in_may(connection) == {"a": 1.0}
    times_read = with_plain_types(connection, "visits").seen.cast("timestamp").name("seen").as_table().to_pyarrow()
    assert datetime(1960, 1, 1, 0, 0, 0, 100000) in times_read["seen"].to_pylist()


def test_a_uuid_joins_its_text_and_a_condition_may_ask_for_a_value_of_an_enumeration(postgres: str) -> None:
    connection = ibis.connect(postgres)
    who = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"
    for statement in (
        "CREATE TYPE channel AS ENUM ('web', 'shop')",
        f"CREATE TABLE people AS SELECT '{who}'::uuid AS id, date '2024-01-01' AS since",
        "CREATE TABLE visits (id text, seen timestamp, channel channel)",
        f"INSERT INTO visits VALUES ('{who}', '2024-05-05', 'web'), ('{who}', '2024-05-06', 'shop')",
    ):
        connection.raw_sql(statement).close()
    connection.con.commit()
    assert _visits_in_may(connection, where={"channel": "web"}) == {who: 1.0}
    assert _visits_in_may(connection, where={"channel": "unheard of"}) == {who: 0.0}
    connection.disconnect()


@pytest.mark.parametrize(
    ("written", "kind", "visits", "asked"),
    [
        ({"org.apache.spark.version": "4.3.0"}, pa.timestamp("us"), 2.0, []),  # by Spark: an instant
        ({}, pa.timestamp("us", "UTC"), 2.0, []),  # by Arrow, which says that it is one
        ({}, pa.timestamp("us"), 1.0, []),  # by Arrow, which says that it has no time zone
        (None, pa.timestamp("us"), 1.0, [("visits", "seen")]),  # a local time, as far as is known
    ],
)
def test_a_parquet_time_of_the_old_type_is_an_instant_where_its_writer_says_so(
    tmp_path: Path, written: dict[str, str] | None, kind: pa.DataType, visits: float, asked: list[tuple[str, str]]
) -> None:
    pq.write_table(pa.table({"id": ["a"], "since": [date(2024, 1, 1)]}), tmp_path / "people.parquet")
    seen = pa.array([datetime(2024, 4, 30, 22), datetime(2024, 4, 30, 23), datetime(2024, 5, 31, 22)], kind)
    rows = pa.table({"id": ["a"] * 3, "seen": seen}).replace_schema_metadata(written)
    pq.write_table(
        rows, tmp_path / "visits.parquet", use_deprecated_int96_timestamps=True, store_schema=written is not None
    )
    place = resolve(str(tmp_path))
    for name in place.tables():
        place.open(name)
    # Midnight in Berlin is 22:00 of UTC: as instants, the first two are of May, and the last is not.
    assert _visits_in_may(place.connection, "Europe/Berlin") == {"a": visits}
    assert place.undecided_times() == asked


@pytest.mark.parametrize("name", ["duckdb", "postgres"])
def test_an_end_at_infinity_has_not_come_and_a_time_outside_the_calendar_is_reported(
    name: str, request: pytest.FixtureRequest
) -> None:
    connection = ibis.duckdb.connect() if name == "duckdb" else ibis.connect(request.getfixturevalue("postgres"))
    people = [
        f"({row}, '2024-01-{1 + row % 28:02}', '{'2024-06-01' if row % 3 == 0 else 'infinity'}')" for row in range(60)
    ]
    early = "0044-03-15 (BC)" if name == "duckdb" else "0044-03-15 BC"
    for statement in (
        "CREATE TABLE customers (customer_id integer, signed_up date, cancelled_on timestamptz)",
        f"INSERT INTO customers VALUES {', '.join(people)}, (99, '{early}', NULL)",
        "CREATE TABLE visits AS SELECT customer_id, timestamp '2024-02-28' AS seen FROM customers",
    ):
        result = connection.raw_sql(statement)
        if name == "postgres":
            result.close()
            connection.con.commit()
    tables = {table: with_plain_types(connection, table) for table in ("customers", "visits")}
    proposal = propose_history(tables, name="shop")
    found = {(one.column, one.rows) for one in proposal.findings if one.kind == "outside_calendar"}
    assert found == {("customers.cancelled_on", 40), ("customers.signed_up", 1)}
    assert proposal.contract.tables["customers"].end == "cancelled_on"
    assert "20 of 61 customers" in str(proposal.choices[0])
    opened = tables_of(connection, proposal.contract)
    problems = [problem for problem in check_history(opened, proposal.contract) if problem.rule == "outside_calendar"]
    assert {problem.severity for problem in problems} == {"warning"}
    assert read_history(opened, proposal.contract, [date(2024, 7, 1)]).num_rows == 40
    connection.disconnect()
