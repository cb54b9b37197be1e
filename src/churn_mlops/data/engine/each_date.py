"""The rows of an expression for many as-of dates. DuckDB gets a statement for each date, all compiled as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from churn_mlops.data.engine.arrow import as_arrow, is_read_directly, rows_of_duckdb
from churn_mlops.data.engine.as_of import AnyAsOf, AsOf
from churn_mlops.data.engine.prepared import prepared


def read_each(rows_of: Callable[[AsOf], ir.Table], dates: Sequence[AsOf]) -> pa.Table:
    """The rows of ``rows_of`` for each of ``dates``, one below the other, in no order.

    To compile a statement takes longer than to run it on some thousand customers. A statement for each date holds the
    groups of one date in memory, where their union holds those of all. Other engines get the union, so that all rows
    are those of one state of the database.

    Args:
        rows_of: the expression of an as-of date. Its columns do not depend on the date.
        dates: one or more.
    """
    first = rows_of(dates[0])
    if len(dates) == 1:
        return as_arrow(first)
    if not is_read_directly(first):
        return as_arrow(ibis.union(first, *map(rows_of, dates[1:])))
    any_date = rows_of(AnyAsOf())
    statement = prepared(any_date)
    texts = (statement.with_days({name: day.value_of(name) for name in statement.names}) for day in dates)
    return pa.concat_tables(rows_of_duckdb(any_date, text) for text in texts)
