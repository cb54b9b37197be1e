"""The table of customers with their ends, also where these stand in a table of their own (`ends`)."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import END, END_KNOWN_AT
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.snapshot.known_rows import KEY, KNOWN, TIME, History

_WHO, _START = "__who__", "__start__"


def customers_of(history: History, as_of: AsOf | None = None) -> ir.Table:
    """The rows of the table of customers, the ends of another table among the columns where the contract has `ends`.

    The end of a customer is his first row in that table that does not lie before his start. It is chosen among the rows
    that count at ``as_of``, so that a row that comes late never takes the place of the one that was known. One who
    comes back is not followed any further.

    Args:
        history: the tables and what they mean.
        as_of: only what had happened and was known then; None for all rows that are known at all, as labels need them.

    Returns:
        The rows as :meth:`History.counted` and :meth:`History.all_rows` give them; with `ends`, `END` and
        `END_KNOWN_AT` as well (local times, null for who has no end).
    """
    home = history.contract.customers
    declared = history.contract.tables[home]
    rows = history.all_rows(home) if as_of is None else history.counted(home, as_of)
    if declared.ends is None:
        return rows
    ends = history.all_rows(declared.ends) if as_of is None else history.counted(declared.ends, as_of)
    first = _first(ends.filter(ends[KNOWN].notnull()), rows.group_by(KEY).agg(**{_START: rows[TIME].min()}))
    return rows.left_join(first, [(KEY, _WHO)]).drop(_WHO)


def _first(ends: ir.Table, starts: ir.Table) -> ir.Table:
    """The first end of each customer that does not lie before his start."""
    dated = ends.select(**{_WHO: ends[KEY], END: ends[TIME], END_KNOWN_AT: ends[KNOWN]})
    both = dated.join(starts, [(_WHO, KEY)])
    both = both.filter(both[END].date() >= both[_START].date())
    order = ibis.window(group_by=_WHO, order_by=[END, END_KNOWN_AT])
    placed = both.mutate(__place__=ibis.row_number().over(order))
    return placed.filter(placed["__place__"] == 0).select(_WHO, END, END_KNOWN_AT)
