"""The same snapshot, row for row and bit for bit, on every engine that it is made for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from operator import itemgetter
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from churn_mlops.data.contract import AS_OF, CHURNED, HistoryContract, NormalForm
from churn_mlops.data.contract.number_format import NumberFormat
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.cell_values import text_to_number
from churn_mlops.data.engine.normal_forms import normal_form
from churn_mlops.data.engine.timestamps import local_time
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.history_tables import tables_of
from tests.companies.panel import panel
from tests.data.histories import on_duckdb, on_postgres, on_spark
from tests.data.telecom import CONTRACT, telecom

DATES = (date(2024, 3, 30), date(2024, 5, 1))
TABLES = telecom(120, seed=3)


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="the test on Spark needs pyspark")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
        "spark.driver.memory": "1g",
        # A query of this size on so few rows is planned and interpreted sooner than it is compiled.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }
    builder = sql.SparkSession.builder.master("local[1]").appName("snapshot")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = builder.config(map=settings).getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="module")
def expected() -> pa.Table:
    return read_history(on_duckdb(TABLES, CONTRACT), CONTRACT, DATES, label=True)


def test_the_example_has_something_in_every_column(expected: pa.Table) -> None:
    for name in expected.column_names:
        assert len(expected[name].drop_null().unique()) >= 2, name
    assert expected[CHURNED].null_count > 0


def test_postgres_gives_the_rows_of_duckdb(expected: pa.Table, postgres: str) -> None:
    tables = on_postgres(TABLES, CONTRACT, postgres)
    found = read_history(tables, CONTRACT, DATES, label=True)
    tables["customers"].get_backend().disconnect()
    assert_same(found, expected)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # PySpark does not say yet that it works with pandas 3
def test_spark_gives_the_rows_of_duckdb(expected: pa.Table, spark: Any) -> None:
    found = read_history(on_spark(TABLES, CONTRACT, spark), CONTRACT, DATES[:1], label=True)
    assert_same(found, expected.filter(pc.field(AS_OF) == DATES[0]))


PANEL = HistoryContract.from_dict(
    {
        "name": "policies",
        "customer": "member_id",
        "tables": {
            "customers": {"table": "policies", "start": "period_start", "ends": "left"},
            "policies": {"valid_from": "period_start"},
            "rows": {"table": "policies", "event_time": "period_start"},
            "left": {"table": "policies", "event_time": "period_start", "where": {"leaves": ["1"]}},
        },
        "features": {
            "plan": {"last": "policies.plan", "levels": ["basic", "plus"]},
            "calls": {"last": "policies.calls"},
            "rows_so_far": {"count": "rows"},
            "spend": {"mean": "rows.spend", "days": 93},
            "joined": {"age_of": "policies.joined_on", "unit": "months"},
        },
        "label": {"event": "customers.end", "horizon_days": 31},
    }
)
SPELLS = HistoryContract.from_dict(
    {
        "name": "subscriptions",
        "customer": "member_id",
        "tables": {
            "customers": {"table": "subscriptions", "start": "began", "end": "ended"},
            "started": {"table": "subscriptions", "event_time": "began"},
            "ended": {"table": "subscriptions", "event_time": "ended"},
        },
        "features": {
            "tenure": {"age_of": "customers.start", "unit": "months"},
            "so_far": {"count": "started"},
            "have_ended": {"count": "ended"},
            "since_start": {"since_last": "started"},
            "since_end": {"since_last": "ended", "required": False},
        },
        "label": {"event": "customers.end", "horizon_days": 60},
    }
)
ODD = HistoryContract.from_dict(
    {
        "name": "odd",
        "customer": "id",
        "tables": {"people": {"start": "since", "end": "until"}, "visits": {"event_time": "seen"}},
        "features": {"visits": {"count": "visits"}, "days": {"age_of": "people.start", "unit": "days"}},
    }
)


@pytest.fixture(params=["duckdb", "postgres"])
def written(request: pytest.FixtureRequest) -> Iterator[Callable[[str, str], Any]]:
    """Gives a connection to a database whose rows are written in SQL."""
    duckdb = request.param == "duckdb"
    connection = ibis.duckdb.connect() if duckdb else ibis.connect(request.getfixturevalue("postgres"))

    def made(people: str, visits: str) -> Any:
        for statement in (
            "CREATE TABLE people (id text, since timestamp, until date)",
            f"INSERT INTO people VALUES {people}",
            "CREATE TABLE visits (id text, seen text)",
            f"INSERT INTO visits VALUES {visits}",
        ):
            connection.raw_sql(statement).close() if not duckdb else connection.raw_sql(statement)
        if not duckdb:
            connection.con.commit()
        return connection

    yield made
    connection.disconnect()


@pytest.fixture
def odd(written: Callable[[str, str], Any]) -> Callable[..., dict[str, tuple[float, float]]]:
    """Gives visits and days of each customer on 1 February 2024, of rows written in SQL."""

    def found(people: str, visits: str, customer: str | None = None) -> dict[str, tuple[float, float]]:
        tables = tables_of(written(people, visits), ODD)
        rows = read_history(tables, ODD, [date(2024, 2, 1)], customer=customer).to_pylist()
        return {row["id"]: (row["visits"], row["days"]) for row in rows}

    return found


def test_decimals_beyond_microseconds_are_cut_and_never_make_the_next_day(odd: Any) -> None:
    visits = "('a', '2024-02-01 23:59:59.9999999'), ('a', '2024-02-01T23:59:59.999999999Z'), ('a', '2024-02-02')"
    assert odd("('a', '2024-01-01', NULL)", visits) == {"a": (2.0, 31.0)}


def test_an_infinite_time_is_none(odd: Any) -> None:
    people = "('a', '2024-01-01', 'infinity'), ('b', '-infinity', NULL), ('c', 'infinity', NULL)"
    assert odd(people, "('a', 'infinity')") == {"a": (0.0, 31.0)}


def test_a_time_that_its_zone_moves_beyond_the_calendar_is_none(written: Any) -> None:
    east, west = (ODD.model_copy(update={"time_zone": zone}) for zone in ("Europe/Berlin", "America/New_York"))
    visits = "('a', '9999-12-31T23:59:59Z'), ('a', '2024-01-05'), ('a', '9999-12-31 23:59:59')"
    connection = written("('a', '2024-01-01', '9999-12-31')", visits)
    for contract in (east, west):
        assert last_day(tables_of(connection, contract), contract) == date(2024, 1, 4)


def test_outer_blanks_of_a_key_do_not_matter_and_a_blank_key_is_no_customer(odd: Any) -> None:
    people = (
        "(' a', '2024-01-01', NULL), ('a', '2024-01-02', NULL), ('  ', '2024-01-01', NULL), ('', '2024-01-01', NULL)"
    )
    visits = "('a', '2024-01-05'), ('a ', '2024-01-05'), (' ', '2024-01-05')"
    assert odd(people, visits) == {"a": (2.0, 31.0)}


def test_one_customer_is_found_whatever_blanks_are_around_their_key(odd: Any) -> None:
    people = "(' a', '2024-01-01', NULL), ('b', '2024-01-02', NULL)"
    assert odd(people, "('a', '2024-01-05')", customer="a ") == {"a": (1.0, 31.0)}


@pytest.fixture(scope="module", params=["panel", "spells"])
def single(request: pytest.FixtureRequest) -> tuple[dict[str, pa.Table], HistoryContract]:
    """One table in a shape that `churn init` takes for a history, and its contract."""
    contract = PANEL if request.param == "panel" else SPELLS
    frame = panel(60, 14) if request.param == "panel" else _spells()
    return {contract.name: pa.Table.from_pandas(frame, preserve_index=False)}, contract


def _spells() -> pd.DataFrame:
    """Rows with a start and an end; some customers come back, some ends lie ahead."""
    frame = panel(60, 14).groupby(["member_id", "plan"], as_index=False).period_start.agg(["min", "max"])
    frame["max"] = [None if row % 3 == 0 else day for row, day in enumerate(frame["max"])]
    again = frame[frame["max"].notna()].head(20).copy()
    again["min"] = [day + timedelta(days=30 * (row % 3)) for row, day in enumerate(again["max"])]
    again["max"] = None
    return pd.concat([frame, again], ignore_index=True).rename(columns={"min": "began", "max": "ended"})


SINGLE_DATES = (date(2023, 7, 15), date(2023, 12, 31))


def test_one_table_gives_the_same_rows_on_postgres(single: Any, postgres: str) -> None:
    tables, contract = single
    expected = read_history(on_duckdb(tables, contract), contract, SINGLE_DATES, label=True)
    assert set(expected[CHURNED].to_pylist()) == {"yes", "no"}
    on_server = on_postgres(tables, contract, postgres)
    found = read_history(on_server, contract, SINGLE_DATES, label=True)
    on_server[contract.customers].get_backend().disconnect()
    assert_same(found, expected)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # as above
def test_one_table_gives_the_same_rows_on_spark(single: Any, spark: Any) -> None:
    tables, contract = single
    expected = read_history(on_duckdb(tables, contract), contract, SINGLE_DATES[:1], label=True)
    assert_same(read_history(on_spark(tables, contract, spark), contract, SINGLE_DATES[:1], label=True), expected)


def assert_same(found: pa.Table, expected: pa.Table) -> None:
    assert found.schema == expected.schema
    for name in expected.column_names:
        pairs = zip(found[name].to_pylist(), expected[name].to_pylist(), strict=True)
        assert [pair for pair in pairs if repr(pair[0]) != repr(pair[1])] == [], name


NAMES = [
    "405",
    "405.0",
    "0000405",
    "0",
    "00.00",
    "4.05",
    "Ab-12",
    "{AB12}",
    "--",
    "001Ab00000aBcDeEA1",
    "001Ab00000aBcDe",
]
_LOWER = ["001ab00000abcdeea1", "001ab00000abcde"]
FORMS: dict[NormalForm, list[str]] = {
    "whole_number": ["405", "405", "405", "0", "0", "4.05", *NAMES[6:]],
    "lower_case": [name.lower() for name in NAMES],
    "letters_and_digits": ["405", "4050", "0000405", "0", "0000", "405", "ab12", "ab12", "--", *_LOWER],
    "salesforce_15": [*NAMES[:9], "001Ab00000aBcDe", "001Ab00000aBcDe"],
}


def _forms(names: ir.Table) -> dict[str, list[str]]:
    made = names.select(place=names.place, **{form: normal_form(names.name, form) for form in FORMS})
    return {form: [row[form] for row in sorted(as_arrow(made).to_pylist(), key=itemgetter("place"))] for form in FORMS}


@pytest.mark.parametrize("engine", ["duckdb", "postgres"])
def test_a_key_has_one_normal_form_on_every_engine(engine: str, request: pytest.FixtureRequest) -> None:
    connection = ibis.duckdb.connect() if engine == "duckdb" else ibis.connect(request.getfixturevalue("postgres"))
    names = connection.create_table("names", pa.table({"place": range(len(NAMES)), "name": NAMES}), temp=True)
    assert _forms(names) == FORMS
    connection.disconnect()


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_key_has_the_same_normal_form_on_spark(spark: Any) -> None:
    spark.createDataFrame(list(enumerate(NAMES)), "place int, name string").createOrReplaceTempView("names")
    assert _forms(ibis.pyspark.connect(spark).table("names")) == FORMS


WRITTEN = {"1.234,50 EUR": 1234.5, "EUR -7": -7.0, "$ 12": 12.0, "(3)": None, "1,5": 1.5}


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_spark_reads_the_numbers_of_a_format_and_the_times_of_a_zone(spark: Any) -> None:
    spark.createDataFrame([(text,) for text in WRITTEN], "text string").createOrReplaceTempView("written")
    table = ibis.pyspark.connect(spark).table("written")
    number = text_to_number(table.text, NumberFormat(decimal=",", thousands=".", around=("EUR", "$")))
    rows = as_arrow(table.select(table.text, number.name("number"))).to_pylist()
    assert {row["text"]: row["number"] for row in rows} == WRITTEN
    day = ibis.literal("2024-02-01T23:59:59.999999999+02:00").cast("string")
    (row,) = as_arrow(table.limit(1).select(local_time(day).cast("string").name("at"))).to_pylist()
    assert row["at"].endswith(":59:59.999999")
