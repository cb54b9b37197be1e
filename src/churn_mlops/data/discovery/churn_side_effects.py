"""Columns of a table with one row a customer that a churn event writes: they separate customers who have left.

Such a row is changed in place, so what the leaving writes into it would stand there on every date of the past, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
import numpy as np

from churn_mlops.data.contract import Label
from churn_mlops.data.discovery.label_candidates import named
from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.leakage.univariate import LEAST, PURE_LOOK, set_for_churners, suspects
from churn_mlops.data.profiling.sample import Sample, take_sample
from churn_mlops.data.profiling.table_profile import ColumnProfile

_ENDED = "__ended__"
_LEFT = Label(column=_ENDED, positive="yes", negative="no")


def marked_by_leaving(role: Role, table_roles: TableRoles, columns: Sequence[ColumnProfile]) -> dict[str, str]:
    """The columns among ``columns`` that give away who has left, each with what shows it.

    Args:
        role: a table with one row for each customer.
        table_roles: the tables, which say who has left; nothing is found where they do not.
        columns: of that table.
    """
    held = [column for column in columns if column.kind != "other" and column.present and column.distinct]
    left = _who_left(table_roles)
    if left is None or not held:
        return {}
    rows = with_owner(role, table_roles)
    joined = rows.left_join(left, rows[OWNER] == left["__left__"])
    marked = joined.mutate(**{_ENDED: ibis.ifelse(joined["__left__"].notnull(), "yes", "no")})
    counts = marked.aggregate(all=marked.count(), left=(marked[_ENDED] == "yes").sum()).to_pyarrow().to_pylist()[0]
    gone = int(counts["left"] or 0)
    sample = take_sample(marked, held, _LEFT, (int(counts["all"]) - gone, gone))
    if min(np.bincount(sample.label, minlength=2)) < LEAST:
        return {}
    found = {one.column: one.message for one in suspects(held, sample) if one.sure}
    return found | {column.name: why for column in held if (why := _set_for_churners(column, sample)) is not None}


def _set_for_churners(column: ColumnProfile, sample: Sample) -> str | None:
    share = set_for_churners(sample.values[column.name], sample)
    return f"is set for customers who have left only, {share:.1%} of them" if share >= PURE_LOOK else None


def _who_left(table_roles: TableRoles) -> ir.Table | None:
    """The customers who have left, each once, as ``__left__``; None if no table holds an end."""
    home = table_roles.customers
    end = home.times.end
    if end is not None:
        rows = home.look.table.select(__left__=home.look.text(str(home.customer)), end=home.look.time(end))
        each = rows.group_by("__left__").agg(open=rows.end.isnull().any())
        return each.filter(~each.open, each["__left__"].notnull()).select("__left__")
    tables = [named(ends, table_roles).select(__left__="who") for ends in table_roles.of("ends")]
    return ibis.union(*tables, distinct=True) if len(tables) > 1 else tables[0].distinct() if tables else None
