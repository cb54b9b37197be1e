"""Results of expressions as Arrow, from any engine."""

from __future__ import annotations

import ibis.expr.types as ir
import pyarrow as pa


def as_arrow(rows: ir.Table) -> pa.Table:
    """The rows of an expression, computed by its engine."""
    connection = rows.get_backend()
    if is_read_directly(rows):
        return rows_of_duckdb(rows, connection.compile(rows))
    if connection.name != "pyspark":
        return rows.to_pyarrow()
    # Ibis would take the way through pandas, which makes floats of whole columns of nulls.
    return connection._session.sql(connection.compile(rows)).toArrow()


def is_read_directly(rows: ir.Table) -> bool:
    """Whether :func:`rows_of_duckdb` reads the rows: they are DuckDB's, and each column has a type."""
    return bool(rows.get_backend().name == "duckdb") and not any(kind.is_null() for kind in rows.schema().types)


def rows_of_duckdb(rows: ir.Table, statement: str) -> pa.Table:
    """The rows of ``statement`` with the types of ``rows``, which it reads, at other parameters or at the same.

    Ibis would import pandas: 40 MB in a server, which needs it for nothing else.
    """
    connection = rows.get_backend()
    connection._run_pre_execute_hooks(rows)  # its tables in memory are there
    return rows.__pyarrow_result__(connection.con.sql(statement).to_arrow_table())
