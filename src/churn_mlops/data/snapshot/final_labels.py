"""The labels of one date without the features, from which the outcomes of published predictions are recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis.expr.types as ir

from churn_mlops.data.contract import CHURNED, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.snapshot.active_customers import active_customers
from churn_mlops.data.snapshot.known_rows import KEY, PointInTimeTables
from churn_mlops.data.snapshot.labels import churn_labels


def labels_of(tables: Mapping[str, ir.Table], contract: HistoryContract, day: date) -> ir.Table:
    """Customers active on ``day``, by what the tables hold now, and `CHURNED` ("yes", "no", null) of each."""
    history = PointInTimeTables(tables, contract, None)
    rows, found = active_customers(history, AsOf(day)), churn_labels(history, AsOf(day)).rename(customer=KEY)
    joined = rows.left_join(found, rows[KEY] == found["customer"])
    return joined.select(**{contract.customer: as_text(joined[KEY]), CHURNED: joined[CHURNED]})
