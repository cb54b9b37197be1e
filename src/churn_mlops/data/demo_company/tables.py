"""The tables of the demo company's database, and how rows get there: as Arrow, a month at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from churn_mlops.data.demo_company.customers import CONTRACT_TYPES, INTERNET_SERVICES, PAYMENT_METHODS, YES_NO
from churn_mlops.data.demo_company.months import days_moved

Columns = Mapping[str, npt.NDArray[Any]]
"""Columns of equal length: days and timestamps as whole numbers, money in cents, levels as their numbers."""

TOPICS = ("billing", "outage", "how_to", "moving")
OUTCOMES = ("accepted", "declined", "no_answer")
STATUSES = ("paid", "failed")
REASONS = ("price", "service", "competitor", "moved", "other", "payment_failure")
FATES = ("stayed", "left", "payment_failure")
KINDS = ("persuadable", "lost_cause", "sure_thing", "driven_away")
_LEVELS: Mapping[str, tuple[str, ...]] = {
    "contract_type": CONTRACT_TYPES,
    "payment_method": PAYMENT_METHODS,
    "internet_service": INTERNET_SERVICES,
    "tech_support": YES_NO,
    "online_security": YES_NO,
    "status": STATUSES,
    "topic": TOPICS,
    "outcome": OUTCOMES,
    "fate": FATES,
    "kind": KINDS,
    "churn_reason": REASONS,
}
_DAY, _TIMESTAMP, _MONEY = "DATE", "TIMESTAMP", "DECIMAL(10,2)"
SCHEMA: Mapping[str, Mapping[str, str]] = {
    "customers": {"signup_date": _DAY, "churn_date": _DAY, "churn_recorded_at": _TIMESTAMP, "churn_reason": "VARCHAR"},
    "plans": {
        "valid_from": _DAY,
        "recorded_at": _TIMESTAMP,
        "contract_type": "VARCHAR",
        "monthly_charges": _MONEY,
        "internet_service": "VARCHAR",
        "tech_support": "VARCHAR",
        "online_security": "VARCHAR",
        "payment_method": "VARCHAR",
        "renews_on": _DAY,
    },
    "payments": {"paid_on": _DAY, "recorded_at": _TIMESTAMP, "amount": _MONEY, "status": "VARCHAR"},
    "usage": {
        "week_ending": _DAY,
        "loaded_at": _TIMESTAMP,
        "logins": "INTEGER",
        "gigabytes": "DOUBLE",
        "call_minutes": "INTEGER",
    },
    "tickets": {"opened_at": _DAY, "recorded_at": _TIMESTAMP, "topic": "VARCHAR", "satisfaction": "INTEGER"},
    "cancellations": {"requested_at": _DAY, "effective_on": _DAY, "recorded_at": _TIMESTAMP},
    "offers": {"offered_on": _DAY, "recorded_at": _TIMESTAMP, "outcome": "VARCHAR"},
}
"""Columns of each table, besides ``customer_id``, and their types. A 0 in a column that may be null is a null."""
_STAGED: Mapping[str, Mapping[str, str]] = {
    "signups": {"signup_date": _DAY},
    "ends": {"churn_date": _DAY, "churn_recorded_at": _TIMESTAMP, "churn_reason": "VARCHAR"},
}
_KNOWN = ("recorded_at", "loaded_at", "churn_recorded_at")
_NULLABLE = ("satisfaction", "renews_on")
_MICROSECONDS_OF_A_DAY = 86_400_000_000


class Database:
    """A new DuckDB file with the seven tables, which takes only rows that were recorded by ``last_day``."""

    def __init__(self, path: Path, last_day: date) -> None:
        self._last_day = last_day
        self._connection = duckdb.connect(str(path), config={"memory_limit": "1GB", "threads": 2})
        self._connection.begin()  # one transaction: a commit after each month's rows would take longer than they do
        for table, columns in {**SCHEMA, **_STAGED}.items():
            typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            temporary = "TEMP " if table in _STAGED else ""
            self._connection.execute(f"CREATE {temporary}TABLE {table} (customer_id VARCHAR, {typed})")

    def add(self, table: str, columns: Columns) -> None:
        """Append rows; those that the company learns of after the last day are left out."""
        rows = arrow(columns, {**SCHEMA, **_STAGED}[table], days_moved(self._last_day))
        known = next((name for name in columns if name in _KNOWN), None)
        only = f" WHERE {known} < TIMESTAMP '{self._last_day + timedelta(days=1)}'" if known else ""
        self._connection.register("rows", rows)
        self._connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows{only}")  # noqa: S608 - our own names
        self._connection.unregister("rows")

    def finish(self) -> None:
        """Make the table of customers, once all rows are there."""
        self._connection.execute(
            "INSERT INTO customers BY NAME SELECT * FROM signups LEFT JOIN ends USING (customer_id) "
            "ORDER BY customer_id"
        )
        self._connection.commit()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def arrow(columns: Columns, types: Mapping[str, str], moved: int) -> pa.Table:
    """Columns as Arrow, dated ``moved`` days later; ``customer_id`` is given by number."""
    arrays = {name: _array(name, values, types.get(name, ""), moved) for name, values in columns.items()}
    return pa.table(arrays)


def _array(name: str, values: npt.NDArray[Any], kind: str, moved: int) -> pa.Array:
    if name == "customer_id":
        digits = pc.utf8_lpad(pa.array(values).cast(pa.string()), 7, "0")
        return pc.binary_join_element_wise("C", digits, "")
    if name in _LEVELS:
        return pa.DictionaryArray.from_arrays(pa.array(values.astype(np.int8)), pa.array(_LEVELS[name]))
    if kind == _DAY:
        mask = values == 0 if name in _NULLABLE else None
        return pa.array((values + moved).astype(np.int32), mask=mask).view(pa.date32())
    if kind == _TIMESTAMP:
        return pa.array(values.astype(np.int64) + moved * _MICROSECONDS_OF_A_DAY).view(pa.timestamp("us"))
    if kind == _MONEY:
        return _money(values)
    return pa.array(values, mask=values == 0 if name in _NULLABLE else None)


def _money(cents: npt.NDArray[Any]) -> pa.Array:
    """Cents as exact decimals: 128-bit whole numbers, of which the upper half is the sign."""
    halves = np.stack([cents.astype(np.int64), np.where(cents < 0, -1, 0)], axis=1)
    buffer = pa.py_buffer(np.ascontiguousarray(halves))
    return pa.Array.from_buffers(pa.decimal128(10, 2), len(cents), [None, buffer])
