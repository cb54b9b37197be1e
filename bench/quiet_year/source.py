"""The demo company's database as of each morning: what was loaded by midnight, and no row that was recorded later."""

from __future__ import annotations

import os
import time
from datetime import date
from pathlib import Path

import duckdb

from churn_mlops.data.demo_company import write_company
from churn_mlops.data.demo_company.months import shift_month

MONTHS_BEFORE, MONTHS = 12, 32
"""Of the history before the year, and of all: eight months before its end a competitor enters, after this year."""
_LOADED = "date_trunc('day', make_timestamp(epoch_us(get_current_timestamp())))"
_RECORDED = {
    "plans": "recorded_at", "payments": "recorded_at", "usage": "loaded_at", "tickets": "recorded_at",
    "cancellations": "recorded_at", "offers": "recorded_at",
}  # fmt: skip


def write_source(folder: Path, customers: int, seed: int, first: date) -> Path:
    """Write the company of a year that begins on ``first``, the first day of a month, into ``folder``."""
    assert shift_month(MONTHS) == MONTHS_BEFORE + 12
    end = (first.year * 12 + first.month - 1) + MONTHS - MONTHS_BEFORE
    last = date.fromordinal(date(end // 12, end % 12 + 1, 1).toordinal() - 1)
    found = write_company(folder, customers, MONTHS, seed, last)
    with duckdb.connect(found.database) as connection:
        for table, recorded in _RECORDED.items():
            _hide(connection, table, "*", f"{recorded} < {_LOADED}")
        ended = f"churn_recorded_at < {_LOADED}"
        columns = ", ".join(
            f"CASE WHEN {ended} THEN {name} END AS {name}"
            for name in ("churn_date", "churn_recorded_at", "churn_reason")
        )
        _hide(connection, "customers", f"customer_id, signup_date, {columns}", f"signup_date < {_LOADED}")
    return found.database


def _hide(connection: duckdb.DuckDBPyConnection, table: str, columns: str, loaded: str) -> None:
    connection.execute(f"ALTER TABLE {table} RENAME TO all_{table}")
    # All names are this module's own.
    connection.execute(f"CREATE VIEW {table} AS SELECT {columns} FROM all_{table} WHERE {loaded}")  # noqa: S608


def load(database: Path) -> None:
    """What changes of the file where the night's rows are loaded: the time by which the product knows a version."""
    if database.exists():
        at = time.time() - 10
        os.utime(database, (at, at))
