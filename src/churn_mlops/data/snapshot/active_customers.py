"""The active customers of an as-of date, by the starts and churn dates that were known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract, Inactivity
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.data.snapshot.churn_dates import end_of, with_churn_dates
from churn_mlops.data.snapshot.known_rows import KEY, TIME, PointInTimeTables

START = "__start__"
"""Name of the column of a customer's first start."""


def active_customers(history: PointInTimeTables, as_of: AsOf) -> ir.Table:
    """One row for each customer who had started and was not known to have churned: `KEY` and `START`.

    A customer of several rows (they came back, or the table is one of purchases) is one customer from the earliest
    start on, until all of their rows have ended. If the label is inactivity, they also had an event recently.
    """
    contract = history.contract
    declared = contract.tables[contract.customers]
    rows = with_churn_dates(history, as_of)
    open_ = ibis.literal(True)
    if declared.end is not None:
        end = end_of(rows, declared)
        known = end if declared.end_known_at is None else time_of(rows, declared.end_known_at, declared)
        open_ = ~(as_of.includes(end) & as_of.includes(known)).fill_null(False)
    spells = rows.select(**{KEY: rows[KEY], START: rows[TIME]}, open=open_.ifelse(1, 0))
    customers = history.of_each_customer(spells, **{START: spells[START].min(), "open": spells.open.max()})
    active = customers.filter(customers[KEY].notnull(), customers.open == 1).drop("open")
    inactive = None if contract.label is None else contract.label.inactive
    return active if inactive is None else _recently_active(active, history, inactive, as_of)


def count_active(tables: Mapping[str, ir.Table], contract: HistoryContract, day: date) -> int:
    """How many customers are active at the end of ``day``; ``tables`` as for a snapshot."""
    active = active_customers(PointInTimeTables(tables, contract, None), AsOf(day))
    return int(as_arrow(active.aggregate(customers=active.count())).to_pylist()[0]["customers"])


def _recently_active(customers: ir.Table, history: PointInTimeTables, inactive: Inactivity, as_of: AsOf) -> ir.Table:
    events = history.rows_known_at(inactive.events, as_of)
    seen = events.filter(as_of.within(events[TIME], inactive.days)).select(KEY).distinct()
    return customers.semi_join(seen, KEY)
