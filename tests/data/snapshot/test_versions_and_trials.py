"""A table of customers as billing systems keep it: several versions of a row, and trials before the start."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest

from churn_mlops.data.contract import CHURNED, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.snapshot.active_customers import active_customers
from churn_mlops.data.snapshot.known_rows import KEY, PointInTimeTables
from churn_mlops.data.snapshot.labels import churn_labels
from churn_mlops.errors import ContractError
from tests.data.histories import on_duckdb, on_postgres

_TIME = pa.timestamp("us")
SCHEMA = pa.schema(
    [
        ("customer", pa.string()),
        ("id", pa.string()),
        ("version", pa.int64()),
        ("state", pa.string()),
        ("start", _TIME),
        ("trial", _TIME),
        ("end", _TIME),
    ]
)
JANUARY, MARCH, MAY = datetime(2024, 1, 1), datetime(2024, 3, 1), datetime(2024, 5, 1)
DECLARED = {"start": "start", "end": "end"}


def contract(**declared: Any) -> HistoryContract:
    return HistoryContract.from_dict(
        {
            "name": "billing",
            "customer": "customer",
            "tables": {"customers": {**DECLARED, **declared}},
            "label": {"event": "customers.end", "horizon_days": 60},
            "features": {"tenure": {"age_of": "customers.start", "unit": "days"}},
        }
    )


def row(customer: str, version: int = 1, **values: Any) -> dict[str, Any]:
    known = {"customer": customer, "id": customer, "version": version, "state": "active", "start": JANUARY}
    return {"trial": None, "end": None, **known, **values}


def active(rows: list[dict[str, Any]], meant: HistoryContract, day: date, address: str | None = None) -> list[str]:
    table = {"customers": pa.Table.from_pylist(rows, SCHEMA)}
    tables = on_duckdb(table, meant) if address is None else on_postgres(table, meant, address)
    found = active_customers(PointInTimeTables(tables, meant), AsOf(day)).to_pyarrow()
    tables["customers"].get_backend().disconnect()
    return sorted(found[KEY].to_pylist())


VERSIONS = {"versions": {"key": "id", "by": "version"}}
TWICE = [row("a", 1), row("a", 2, end=MARCH), row("b", 1), row("b", 2)]


def test_the_newest_version_of_a_row_says_when_it_ended() -> None:
    assert active(TWICE, contract(), date(2024, 4, 1)) == ["a", "b"]  # an older version has no end, and so stays open
    assert active(TWICE, contract(**VERSIONS), date(2024, 4, 1)) == ["b"]
    assert active(TWICE, contract(**VERSIONS), date(2024, 2, 1)) == ["a", "b"]


def test_numbers_of_versions_may_be_texts() -> None:
    rows = [row("a", version) for version in (9, 8)] + [row("a", 10, end=MARCH)]
    meant = contract(**VERSIONS)
    table = pa.Table.from_pylist(rows, SCHEMA)
    text = table.set_column(2, "version", table["version"].cast(pa.string()))
    history = PointInTimeTables(on_duckdb({"customers": text}, meant), meant)
    assert active_customers(history, AsOf(date(2024, 4, 1))).to_pyarrow().num_rows == 0


def test_the_newest_version_decides_before_where_is_asked() -> None:
    rows = [row("a", 1), row("a", 2, state="deleted"), row("b")]
    meant = contract(**VERSIONS, where={"state": ["active"]})
    assert active(rows, meant, date(2024, 4, 1)) == ["b"]  # the older version of a deleted row is gone, too


def test_a_customer_begins_after_the_trial_and_one_who_never_paid_never_does() -> None:
    rows = [row("a", trial=MARCH), row("b", trial=MARCH, end=MARCH), row("c"), row("d", trial=datetime(2023, 12, 1))]
    meant = contract(trial_end="trial")
    assert active(rows, meant, date(2024, 2, 1)) == ["c", "d"]
    assert active(rows, meant, date(2024, 4, 1)) == ["a", "c", "d"]


def test_the_label_counts_the_newest_version_and_no_trial() -> None:
    rows = [*TWICE, row("c", trial=MAY, end=MARCH)]
    meant = contract(**VERSIONS, trial_end="trial")
    tables = on_duckdb({"customers": pa.Table.from_pylist(rows, SCHEMA)}, meant)
    found = churn_labels(PointInTimeTables(tables, meant), AsOf(date(2024, 2, 1))).to_pyarrow().to_pylist()
    assert {one[KEY]: one[CHURNED] for one in found} == {"a": "yes", "b": "no"}


def test_the_only_customer_of_a_request_is_read_alike() -> None:
    meant = contract(**VERSIONS, trial_end="trial")
    rows = [*TWICE, row("c", trial=MAY)]
    history = PointInTimeTables(on_duckdb({"customers": pa.Table.from_pylist(rows, SCHEMA)}, meant), meant)
    found = {}
    for name in "abc":
        one = history.of_customer(history.key_value(name))
        found[name] = active_customers(one, AsOf(date(2024, 4, 1))).to_pyarrow().num_rows
    assert found == {"a": 0, "b": 1, "c": 0}


def test_postgres_reads_versions_and_trials_alike(postgres: str) -> None:
    rows = [*TWICE, row("c", trial=MARCH)]
    meant = contract(**VERSIONS, trial_end="trial")
    assert active(rows, meant, date(2024, 2, 1), postgres) == ["a", "b"]


def test_a_trial_belongs_to_customers_and_a_version_needs_both_columns() -> None:
    with pytest.raises(ContractError, match="trial_end"):
        HistoryContract.from_dict(
            {
                "name": "billing",
                "customer": "customer",
                "tables": {"customers": DECLARED, "visits": {"event_time": "at", "trial_end": "end"}},
                "features": {"visits": {"count": "visits"}},
            }
        )
    with pytest.raises(ContractError, match="by"):
        contract(versions={"key": "id"})
