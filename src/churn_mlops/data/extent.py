"""From when to when a history runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import ibis.expr.types as ir

from churn_mlops.data.arrow import as_arrow
from churn_mlops.data.history import HistoryContract
from churn_mlops.data.times import time_of
from churn_mlops.errors import DataError


def first_day(tables: Mapping[str, ir.Table], contract: HistoryContract) -> date:
    """The day of the first customer's start.

    Raises:
        DataError: no customer has a start.
    """
    name = contract.customers
    started = _one(time_of(tables[name], contract.tables[name].time, contract.tables[name]).min())
    if started is None:
        raise DataError(f"table {name!r} has no customer with a start: check `start` in the contract")
    return date(started.year, started.month, started.day)


def last_day(tables: Mapping[str, ir.Table], contract: HistoryContract) -> date:
    """The last complete day: the one before the day of the last row that the database learnt of.

    Attributes without a known time do not count, for they may say what holds from a later day on.

    Raises:
        DataError: no table has a row with a time.
    """
    known = {
        name: declared.known
        for name, declared in contract.tables.items()
        if declared.kind != "attributes" or declared.known_at is not None
    }
    newest = [time_of(tables[name], column, contract.tables[name]).max() for name, column in known.items()]
    latest = [_one(one) for one in newest]
    moments = [moment for moment in latest if moment is not None]
    if not moments:
        raise DataError(f"no table of {contract.name!r} has a row with a time: is the source empty?")
    last = max(moments)
    return date(last.year, last.month, last.day) - timedelta(days=1)


def _one(moment: ir.TimestampScalar) -> datetime | None:
    found: datetime | None = as_arrow(moment.name("moment").as_table())["moment"][0].as_py()
    # Spark tells some moments with the time zone of its session, which is the contract's.
    return None if found is None else found.replace(tzinfo=None)
