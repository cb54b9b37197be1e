"""Results of expressions as Arrow, from any engine."""

from __future__ import annotations

import ibis.expr.types as ir
import pyarrow as pa


def as_arrow(rows: ir.Table) -> pa.Table:
    """The rows of an expression, computed by its engine."""
    connection = rows.get_backend()
    if connection.name != "pyspark":
        return rows.to_pyarrow()
    # Ibis would take the way through pandas, which makes floats of whole columns of nulls.
    return connection._session.sql(connection.compile(rows)).toArrow()
