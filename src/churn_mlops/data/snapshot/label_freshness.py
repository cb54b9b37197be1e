"""Label freshness: whether the table of churn dates is loaded as far as the others. If not, no one seems to churn.

A table of churn dates may have no new row for days because it is no longer loaded, or because no customer churned.
The usual gap decides: the longest time between two days with such a row, in the year before.
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
from churn_mlops.data.snapshot.churn_dates import recorded_end
from churn_mlops.data.snapshot.known_rows import kept_rows

_ALLOWED = 1.5
"""Times the longest gap: a new longest one comes by chance about yearly, one by half as much about once in ten."""
_YEAR = timedelta(days=365)


@dataclass(frozen=True)
class StaleLabels:
    """A table of churn dates that is behind the others.

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


def stale_labels(
    tables: Mapping[str, ir.Table], contract: HistoryContract, today: date, newest: date
) -> StaleLabels | None:
    """The table of churn dates, where it is further behind the others than chance brings; None where it is not.

    That table is the one of `ends`, that of the events of `inactive`, or that of the customers with their `end`; the
    latter is loaded as long as new customers come.

    Args:
        tables: each table of the contract by its key.
        contract: what they mean.
        today: rows that are dated later do not count.
        newest: the day of the newest row of any table, as ``newest_row`` finds it.
    """
    if contract.label is None:
        return None
    name = _churn_table(contract)
    days = sorted({day for times in _times(tables[name], contract, name) for day in _days(times, AsOf(today))})
    gaps = [(after - before).days for before, after in pairwise(days) if after >= days[-1] - _YEAR]
    if not gaps:
        return None
    behind = (newest - days[-1]).days
    return StaleLabels(name, days[-1], newest, max(gaps)) if behind > _ALLOWED * max(gaps) else None


def _churn_table(contract: HistoryContract) -> str:
    """The table that shows which customers churned."""
    if contract.label is not None and contract.label.inactive is not None:
        return contract.label.inactive.events
    return contract.tables[contract.customers].ends or contract.customers


def _times(table: ir.Table, contract: HistoryContract, name: str) -> Iterator[ir.TimestampColumn]:
    """When its rows were recorded, and their churn dates."""
    declared = contract.tables[name]
    rows = kept_rows(table, declared)
    yield time_of(rows, declared.known, declared)
    if declared.end is not None and declared.ends is None:
        yield recorded_end(rows, declared)


def _days(times: ir.TimestampColumn, as_of: AsOf) -> list[date]:
    rows = times.name("at").as_table()
    found = rows.filter(as_of.includes(rows["at"])).select(day=rows["at"].date()).distinct()
    days: list[date] = as_arrow(found)["day"].to_pylist()
    return days
