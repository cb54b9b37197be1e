"""Ends of customers that stand in a table of their own: the first of each becomes a column of the customers."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from churn_mlops.data.cells import as_text
from churn_mlops.data.history import END, END_KNOWN_AT, HistoryContract
from churn_mlops.data.times import time_of


def with_ends(tables: Mapping[str, ir.Table], contract: HistoryContract) -> dict[str, ir.Table]:
    """``tables`` with the ends of the customers among their columns, where the contract declares ``ends``.

    The end of a customer is his first row in that table that does not lie before his start; when it was known is the
    known time of that row. One who comes back is not followed any further.

    Args:
        tables: each table of the contract under its key, its columns as in the database.
        contract: which table holds the ends.
    """
    home = contract.customers
    declared = contract.tables[home]
    if declared.ends is None:
        return dict(tables)
    customers, ends = tables[home], contract.tables[declared.ends]
    rows = tables[declared.ends]
    who = ends.customer or contract.customer
    if ends.through is not None:
        link = ends.through
        middle = tables[link.table]
        named = contract.tables[link.table].customer or contract.customer
        keys = middle.select(__key__=as_text(middle[link.key]), __who__=as_text(middle[named]))
        rows = rows.mutate(__link__=as_text(rows[link.column])).join(keys, [("__link__", "__key__")])
        who = "__who__"
    for column, values in ends.where.items():
        rows = rows.filter(as_text(rows[column]).isin(values))
    own = declared.customer or contract.customer
    starts = customers.group_by(__customer__=as_text(customers[own])).agg(
        __start__=time_of(customers, declared.time, declared).min()
    )
    dated = rows.select(
        __who__=as_text(rows[who]),
        __at__=time_of(rows, ends.time, ends),
        __known__=time_of(rows, ends.known, ends),
    )
    both = dated.join(starts, dated["__who__"] == starts["__customer__"])
    both = both.filter(both["__at__"].date() >= both["__start__"].date())
    order = ibis.window(group_by="__customer__", order_by=["__at__", "__known__"])
    first = both.mutate(__place__=ibis.row_number().over(order))
    first = first.filter(first["__place__"] == 0)
    first = first.select("__customer__", **{END: first["__at__"], END_KNOWN_AT: first["__known__"]})
    keyed = customers.mutate(__key__=as_text(customers[own]))
    joined = keyed.left_join(first, [("__key__", "__customer__")])
    return {**tables, home: joined.select(*customers.columns, END, END_KNOWN_AT)}
