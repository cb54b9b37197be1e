"""The table of customers with their churn dates, also where a table of its own holds these (`ends`)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import END, END_KNOWN_AT, HistoryTable
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.data.snapshot.known_rows import KEY, KNOWN, TIME, PointInTimeTables

_CUSTOMER, _START = "__of__", "__start__"


def with_churn_dates(history: PointInTimeTables, as_of: AsOf | None = None) -> ir.Table:
    """The rows of the table of customers; with `ends`, the churn dates of that table as columns.

    The churn date of a customer is their first row in that table that does not lie before their start. It is chosen
    among the rows known at ``as_of``, so that a row that comes late never replaces the one that was known. A customer
    who comes back is not followed any further.

    Args:
        history: the tables and what they mean.
        as_of: only what had happened and was known then; None for all rows that are known at all, as labels need them.

    Returns:
        The rows as ``rows_known_at`` and ``all_rows`` of ``history`` give them; with `ends`, also `END` and
        `END_KNOWN_AT` (local times, null for a customer without a churn date).
    """
    home = history.contract.customers
    declared = history.contract.tables[home]
    rows = history.all_rows(home) if as_of is None else history.rows_known_at(home, as_of)
    if declared.ends is None:
        return rows
    ends = history.all_rows(declared.ends) if as_of is None else history.rows_known_at(declared.ends, as_of)
    first = _first(ends.filter(ends[KNOWN].notnull()), rows.group_by(KEY).agg(**{_START: rows[TIME].min()}))
    return rows.left_join(first, [(KEY, _CUSTOMER)]).drop(_CUSTOMER)


def end_of(rows: ir.Table, declared: HistoryTable) -> ir.TimestampValue:
    """The churn date of each row of the table of customers; null for a day that stands for none, such as 9999-12-31."""
    return without_sentinels(time_of(rows, str(declared.end), declared))


def recorded_end(rows: ir.Table, declared: HistoryTable) -> ir.TimestampValue:
    """When the churn date of each row was recorded; null where there is none."""
    end = end_of(rows, declared)
    if declared.end_known_at is None:
        return end
    return ibis.ifelse(end.notnull(), time_of(rows, declared.end_known_at, declared), ibis.null("timestamp"))


def _first(ends: ir.Table, starts: ir.Table) -> ir.Table:
    """The first churn date of each customer that does not lie before their start."""
    dated = ends.select(**{_CUSTOMER: ends[KEY], END: ends[TIME], END_KNOWN_AT: ends[KNOWN]})
    both = dated.join(starts, [(_CUSTOMER, KEY)])
    both = both.filter(both[END].date() >= both[_START].date())
    order = ibis.window(group_by=_CUSTOMER, order_by=[END, END_KNOWN_AT])
    placed = both.mutate(__place__=ibis.row_number().over(order))
    return placed.filter(placed["__place__"] == 0).select(_CUSTOMER, END, END_KNOWN_AT)
