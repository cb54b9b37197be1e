"""The date range of a history: its first and its last day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.errors import DataError


def first_day(tables: Mapping[str, ir.Table], contract: HistoryContract) -> date:
    """The day of the first customer's start.

    Raises:
        DataError: no customer has a start.
    """
    name = contract.customers
    started = _timestamp(time_of(tables[name], contract.tables[name].time, contract.tables[name]).min())
    if started is None:
        raise DataError(f"table {name!r} has no customer with a start: check `start` in the contract")
    return date(started.year, started.month, started.day)


def last_day(tables: Mapping[str, ir.Table], contract: HistoryContract, today: date | None = None) -> date:
    """The last complete day: the day before that of the newest row.

    Attributes without a recorded time do not count, for they may hold from a later day on. Rows that are dated after
    ``today``, such as appointments, do not count either.

    Raises:
        DataError: no table has a row with such a time.
    """
    times = _recorded_times(tables, contract).values()
    newest = [time.max() if today is None else time.max(where=AsOf(today).includes(time)) for time in times]
    found = [time for time in map(_timestamp, newest) if time is not None]
    if not found:
        until = "" if today is None else f" up to {today}"
        raise DataError(f"no table of {contract.name!r} has a row with a time{until}: is the source empty?")
    last = max(found)
    return date(last.year, last.month, last.day) - timedelta(days=1)


def rows_after(tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> dict[str, int]:
    """How many rows of each table are dated or recorded after ``today``; tables without such rows are left out."""
    counts = {name: (~AsOf(today).includes(time)).sum() for name, time in _recorded_times(tables, contract).items()}
    found = {name: _one(count) for name, count in counts.items()}
    return {name: rows for name, rows in found.items() if rows}


def _recorded_times(tables: Mapping[str, ir.Table], contract: HistoryContract) -> dict[str, ir.TimestampValue]:
    """When each row of a table was recorded; without attributes that do not say."""
    return {
        name: time_of(tables[name], declared.known, declared)
        for name, declared in contract.tables.items()
        if declared.kind != "attributes" or declared.known_at is not None
    }


def _one(value: ir.Scalar) -> Any:
    return as_arrow(value.name("value").as_table())["value"][0].as_py()


def _timestamp(value: ir.Scalar) -> datetime | None:
    found: datetime | None = _one(value)
    # Spark gives some timestamps the time zone of its session, which is the contract's.
    return None if found is None else found.replace(tzinfo=None)
