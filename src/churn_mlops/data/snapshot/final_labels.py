"""The labels of one date, without the features: what the maturing of published predictions reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis.expr.types as ir

from churn_mlops.data.contract import LEFT, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.snapshot.active_customers import active_customers
from churn_mlops.data.snapshot.known_rows import KEY, History
from churn_mlops.data.snapshot.labels import left


def labels_of(tables: Mapping[str, ir.Table], contract: HistoryContract, day: date) -> ir.Table:
    """The customers who were active on ``day``, as the tables know it now, and `LEFT` ("yes", "no", null) of each."""
    history = History(tables, contract, None)
    rows, found = active_customers(history, AsOf(day)), left(history, day).rename(who=KEY)
    joined = rows.left_join(found, rows[KEY] == found["who"])
    return joined.select(**{contract.customer: as_text(joined[KEY]), LEFT: joined[LEFT]})
