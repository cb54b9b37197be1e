"""Whether customers of a table are copies of another one, under another ID."""

from __future__ import annotations

import ibis.expr.types as ir

from churn_mlops.data.contract import LABEL, DataContract, Label
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.typed_table import typed
from churn_mlops.data.findings import Problem, copies
from churn_mlops.data.profiling.copied_rows import copied_rows


def find_copied_customers(table: ir.Table, contract: DataContract) -> list[Problem]:
    """The warning that rows are copies of an earlier one, counted in the engine; none where no row has a label.

    Args:
        table: one row for each customer; it keeps its contract.
        contract: what the columns hold.
    """
    features = list(contract.features)
    if contract.label is None or contract.label.column not in table.columns or not features:
        return []
    rows = typed(table, contract)
    distinct = as_arrow(rows.aggregate(**{f"n{place}": rows[name].nunique() for place, name in enumerate(features)}))
    counts = list(distinct.to_pylist()[0].values())
    finest = features[counts.index(max(counts))]
    found = copied_rows(rows, features, finest, Label(column=LABEL, positive="1", negative="0"))
    return [copies(found)] if found else []
