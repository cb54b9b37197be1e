"""Rows that equal another in everything but the customer, counted inside the engine."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import Label
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.typed_table import label_value
from churn_mlops.data.profiling.copy_rule import WEIGHT_OF_ALL, are_copies


def copied_rows(table: ir.Table, features: Sequence[str], finest: str, label: Label) -> int:
    """How many rows with a label are copies of an earlier one, by ``features`` and label; 0 where they look alike.

    Args:
        table: one row for each customer.
        features: columns to compare.
        finest: the one of the most values.
        label: the label.
    """
    places = {name: f"feature{place}" for place, name in enumerate(features)}  # no name of a feature is in the way
    left = label_value(table[label.column], label)
    rows = table.select(left=left, **{place: table[name] for name, place in places.items()})
    rows = rows.filter(rows["left"].notnull())
    equal = rows.group_by(list(places.values())).agg(n=lambda t: t.count(), k=lambda t: t["left"].sum())
    nearly = ibis.window(group_by=[place for name, place in places.items() if name != finest])
    equal = equal.mutate(near_n=equal.n.sum().over(nearly) - equal.n, near_k=equal.k.sum().over(nearly) - equal.k)
    equal = equal.mutate(all_n=equal.n.sum().over(ibis.window()), all_k=equal.k.sum().over(ibis.window()))
    rate = (equal.near_k + WEIGHT_OF_ALL * equal.all_k / equal.all_n) / (equal.near_n + WEIGHT_OF_ALL)
    likely = ibis.ifelse(equal.n > 1, 1 - rate**equal.n - (1 - rate) ** equal.n, 0.0)
    counts = equal.aggregate(
        repeated=(equal.n - 1).sum(), mixed=((equal.k > 0) & (equal.k < equal.n)).sum(), expected=likely.sum()
    )
    found = as_arrow(counts).to_pylist()[0]
    repeated, mixed = int(found["repeated"] or 0), int(found["mixed"] or 0)
    return repeated - mixed if are_copies(repeated, mixed, float(found["expected"] or 0.0)) else 0
