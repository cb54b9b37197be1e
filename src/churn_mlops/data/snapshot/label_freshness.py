"""Whether the table that tells who left is loaded as far as the others: where it stops, everybody seems to stay.

Of a table of ends that has had no new row for days, nobody can say whether it is loaded no more or nobody left. What is
usual decides: the longest time between two days with such a row, in the year before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.data.snapshot.known_rows import matches

_ALLOWED = 1.5
"""Times the longest gap: a new longest one comes by chance about yearly, one by half as much about once in ten."""
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Lag:
    """How far the table that tells who left is behind.

    Args:
        table: its key in the contract.
        until: day of its newest row.
        newest: day of the newest row of any table.
        usual_days: the longest time between two of its days with a row, in the year before ``until``.
    """

    table: str
    until: date
    newest: date
    usual_days: int


def lag_of_ends(tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> Lag | None:
    """How far the table that tells who left is behind the others, None where by no more than chance brings.

    That table is the one of `ends`, of the events of `inactive`, or that of the customers with their `end`, which is
    known to be loaded as long as new customers come.

    Args:
        tables: each table of the contract by its key.
        contract: what they mean.
        today: rows that are dated later do not count.

    Raises:
        DataError: no table has a row with a time.
    """
    if contract.label is None:
        return None
    name = _telling(contract)
    days = sorted({day for times in _times(tables[name], contract, name) for day in _days(times, AsOf(today))})
    gaps = [(after - before).days for before, after in pairwise(days) if after >= days[-1] - _YEAR]
    if not gaps:
        return None
    newest = last_day(tables, contract, today) + timedelta(days=1)
    behind = (newest - days[-1]).days
    return Lag(name, days[-1], newest, max(gaps)) if behind > _ALLOWED * max(gaps) else None


def _telling(contract: HistoryContract) -> str:
    """The table that tells who left."""
    if contract.label is not None and contract.label.inactive is not None:
        return contract.label.inactive.events
    return contract.tables[contract.customers].ends or contract.customers


def _times(table: ir.Table, contract: HistoryContract, name: str) -> Iterator[ir.TimestampColumn]:
    """When its rows were known, and their ends."""
    declared = contract.tables[name]
    rows = table.filter(matches(table, declared.where)) if declared.where else table
    yield time_of(rows, declared.known, declared)
    end = declared.end_known_at or declared.end
    if end is not None and declared.ends is None:
        yield time_of(rows, end, declared)


def _days(times: ir.TimestampColumn, as_of: AsOf) -> list[date]:
    rows = times.name("at").as_table()
    found = rows.filter(as_of.includes(rows["at"])).select(day=rows["at"].date()).distinct()
    days: list[date] = as_arrow(found)["day"].to_pylist()
    return days
