"""Results of expressions as Arrow, from any engine."""

from __future__ import annotations

import ibis.expr.types as ir
import pyarrow as pa


def as_arrow(rows: ir.Table) -> pa.Table:
    """The rows of an expression, computed by its engine."""
    connection = rows.get_backend()
    if connection.name == "duckdb" and not any(kind.is_null() for kind in rows.schema().types):
        # Ibis would import pandas: 40 MB in a server, which needs it for nothing else.
        return rows.__pyarrow_result__(connection._to_duckdb_relation(rows).to_arrow_table())
    if connection.name != "pyspark":
        return rows.to_pyarrow()
    # Ibis would take the way through pandas, which makes floats of whole columns of nulls.
    return connection._session.sql(connection.compile(rows)).toArrow()
