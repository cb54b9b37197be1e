"""Histories for tests: tables as Arrow, written to the engines that a snapshot runs on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ibis
import ibis.expr.types as ir
import psycopg
import pyarrow as pa

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.sources.history_tables import tables_of

Tables = Mapping[str, pa.Table]
_OF_POSTGRES = {
    "string": "text",
    "large_string": "text",
    "int64": "bigint",
    "int32": "integer",
    "double": "float8",
    "bool": "boolean",
}


def on_duckdb(tables: Tables, contract: HistoryContract) -> dict[str, ir.Table]:
    """The tables in a DuckDB of their own."""
    connection = ibis.duckdb.connect()
    for name, table in tables.items():
        connection.con.register("incoming", table)
        connection.con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM incoming')
        connection.con.unregister("incoming")
    return tables_of(connection, contract)


def on_postgres(tables: Tables, contract: HistoryContract, address: str) -> dict[str, ir.Table]:
    """The tables in the empty PostgreSQL database at ``address``."""
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        for name, table in tables.items():
            columns = ", ".join(f'"{field.name}" {_postgres_type(field.type)}' for field in table.schema)
            cursor.execute(f'CREATE TABLE "{name}" ({columns})')
            marks = ", ".join(["%s"] * table.num_columns)
            cursor.executemany(
                f'INSERT INTO "{name}" VALUES ({marks})', [tuple(row.values()) for row in table.to_pylist()]
            )
    return tables_of(ibis.connect(address), contract)


def on_spark(tables: Tables, contract: HistoryContract, session: Any) -> dict[str, ir.Table]:
    """The tables as views of the Spark ``session``."""
    connection = ibis.pyspark.connect(session)
    for name, table in tables.items():
        session.createDataFrame(table).createOrReplaceTempView(name)
    return tables_of(connection, contract)


def _postgres_type(kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz is None else "timestamptz"
    if pa.types.is_decimal(kind):
        return f"numeric({kind.precision}, {kind.scale})"
    return _OF_POSTGRES.get(str(kind), "date")
