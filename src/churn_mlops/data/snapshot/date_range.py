"""The date range of a history: its first and its last day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.data.snapshot.churn_dates import recorded_end
from churn_mlops.data.snapshot.data_clock import newest_time, timestamp_of, value_of
from churn_mlops.errors import DataError


def first_day(tables: Mapping[str, ir.Table], contract: HistoryContract) -> date:
    """The day of the first customer's start.

    Raises:
        DataError: no customer has a start.
    """
    name = contract.customers
    started = timestamp_of(time_of(tables[name], contract.tables[name].time, contract.tables[name]).min())
    if started is None:
        raise DataError(f"table {name!r} has no customer with a start: check `start` in the contract")
    return date(started.year, started.month, started.day)


def newest_row(tables: Mapping[str, ir.Table], contract: HistoryContract, today: date | None = None) -> date:
    """The day of the newest row.

    Attributes without a recorded time do not count, for they may hold from a later day on. Rows that are dated after
    ``today``, such as appointments, do not count either, nor those that :func:`newest_time` takes for planned.

    Raises:
        DataError: no table has a row with such a time.
    """
    times = {_source(contract, name): _until(time, today) for name, time in _recorded_times(tables, contract).items()}
    home = contract.tables[contract.customers]
    ends = None
    if home.end is not None and home.ends is None:
        ends = _until(_read(recorded_end(tables[contract.customers], home)), today)
    last = newest_time(times, ends, _source(contract, contract.customers))
    if last is None:
        before = "" if today is None else f" up to {today}"
        raise DataError(f"no table of {contract.name!r} has a row with a time{before}: is the source empty?")
    return date(last.year, last.month, last.day)


def last_day(tables: Mapping[str, ir.Table], contract: HistoryContract, today: date | None = None) -> date:
    """The last complete day, by :func:`complete_day`.

    Raises:
        DataError: as :func:`newest_row`.
    """
    return complete_day(newest_row(tables, contract, today), contract)


def complete_day(newest: date, contract: HistoryContract) -> date:
    """The last complete day, where the newest row is of ``newest``: the day before, which may be loaded in part.

    In a panel it is that day itself, for the rows of a period are loaded together: one column dates all rows, and what
    changes about customers stands in them.
    """
    home = contract.tables[contract.customers]
    dated = [name for name in contract.tables if name != home.ends]
    one = {_source(contract, name) for name in dated}
    is_open = home.end is None or home.ends is not None
    is_panel = is_open and len(one) == 1 and any(contract.tables[name].kind == "attributes" for name in dated)
    return newest if is_panel else newest - timedelta(days=1)


def rows_between(tables: Mapping[str, ir.Table], contract: HistoryContract, day: date, today: date) -> dict[str, int]:
    """How many rows of each table are dated after ``day``, up to ``today``; tables without such rows are left out."""
    times = {name: _until(time, today) for name, time in _recorded_times(tables, contract).items()}
    found = {name: value_of((~AsOf(day).includes(time)).sum()) for name, time in times.items()}
    return {name: rows for name, rows in found.items() if rows}


def rows_after(tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> dict[str, int]:
    """How many rows of each table are dated or recorded after ``today``; tables without such rows are left out."""
    counts = {name: (~AsOf(today).includes(time)).sum() for name, time in _recorded_times(tables, contract).items()}
    found = {name: value_of(count) for name, count in counts.items()}
    return {name: rows for name, rows in found.items() if rows}


def _recorded_times(tables: Mapping[str, ir.Table], contract: HistoryContract) -> dict[str, ir.TimestampValue]:
    """When each row of a table was recorded; without attributes that do not say."""
    return {
        name: _read(time_of(tables[name], declared.known, declared))
        for name, declared in contract.tables.items()
        if declared.kind != "attributes" or declared.known_at is not None
    }


def _read(time: ir.TimestampValue) -> ir.TimestampValue:
    """``time`` from a selection of its own, for a statement to hold the reading of a text once."""
    return time.name("time").as_table()["time"]


def _source(contract: HistoryContract, name: str) -> str:
    """The column that the times of a table are read from: two keys may stand for the same column."""
    declared = contract.tables[name]
    return f"{declared.table or name}.{declared.known}"


def _until(time: ir.TimestampValue, today: date | None) -> ir.TimestampValue:
    return time if today is None else ibis.ifelse(AsOf(today).includes(time), time, ibis.null("timestamp"))
