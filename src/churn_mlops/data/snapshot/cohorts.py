"""The month in which each active customer started, from which cohorts are made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.snapshot.active_customers import START, active_customers
from churn_mlops.data.snapshot.known_rows import KEY, PointInTimeTables


def start_months(tables: Mapping[str, ir.Table], contract: HistoryContract, day: date) -> dict[str, tuple[int, int]]:
    """Year and month of the first start of each customer who was active on ``day``, by customer ID.

    Args:
        tables: of the history, by their keys in the contract.
        contract: what they mean.
        day: an as-of date.
    """
    rows = active_customers(PointInTimeTables(tables, contract, None), AsOf(day))
    start = rows[START]
    months = rows.filter(start.notnull()).select(customer=as_text(rows[KEY]), year=start.year(), month=start.month())
    found = as_arrow(months)
    columns = (found.column(name).to_pylist() for name in ("customer", "year", "month"))
    return {customer: (int(year), int(month)) for customer, year, month in zip(*columns, strict=True)}
