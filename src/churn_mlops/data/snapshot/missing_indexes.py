"""The indexes that a database lacks for looking up one customer, each with the statement that makes it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import ibis
import ibis.expr.types as ir
import sqlglot as sg
import sqlglot.expressions as sge

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.snapshot.key_lookup import Key, is_indexed, keys_of
from churn_mlops.data.snapshot.known_rows import PointInTimeTables
from churn_mlops.data.sources.files import identifier, quoted
from churn_mlops.data.sources.plain_types import plain_columns

MANY_ROWS = {"postgres": 10_000, "duckdb": 5_000_000}
"""Rows of a table, by engine, up to which it needs no index: a server makes one in its copy of a DuckDB, in seconds."""
_LITERAL = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True)
class MissingIndex:
    """A table that is read as a whole for each customer.

    Args:
        table: name of the table in the database.
        column: by which its rows are looked up.
        rows: how many there are, by the engine's own estimate.
        statement: SQL that makes the index; None for a view, which cannot have one.
    """

    table: str
    column: str
    rows: int
    statement: str | None


def missing_indexes(
    tables: Mapping[str, ir.Table], contract: HistoryContract | DataContract, name: str = ""
) -> list[MissingIndex]:
    """The indexes that the statement for one customer would use if they were there.

    Args:
        tables: of a history, by their keys in the contract; of a flat table, itself under any key.
        contract: what they mean.
        name: of the flat table in the database.

    Returns:
        One for each larger table of a PostgreSQL or a DuckDB without one; none for other sources.
    """
    connection = next(iter(tables.values())).get_backend()
    if connection.name not in MANY_ROWS:
        return []
    find = _of_postgres if connection.name == "postgres" else _of_duckdb
    found = {
        (one.table, one.column): one
        for key, value in _keys(tables, contract, name)
        for one in find(connection, key, value)
    }
    return [one for one in found.values() if one.rows > MANY_ROWS[connection.name]]


def _keys(
    tables: Mapping[str, ir.Table], contract: HistoryContract | DataContract, name: str
) -> Iterator[tuple[Key, ir.Column]]:
    """Each column by which rows are looked up, and the value of it that the statement compares."""
    if isinstance(contract, DataContract):
        ((key, table),) = tables.items()
        column = ibis.table(table.schema(), name=name)[str(contract.customer)]
        yield Key(key, name, str(contract.customer)), column if column.type().is_integer() else as_text(column)
        return
    history = PointInTimeTables(tables, contract)
    for one in keys_of(contract):
        column = ibis.table(tables[one.table].schema(), name=one.name)[one.column]
        yield one, history.looked_up_by(one.table, column)


def _of_duckdb(connection: ibis.BaseBackend, key: Key, _value: ir.Column) -> Iterator[MissingIndex]:
    statement = f"SELECT estimated_size FROM duckdb_tables() WHERE table_name = {quoted(key.name)}"  # noqa: S608 quoted
    for (rows,) in connection.raw_sql(statement).fetchall():  # none of a view
        if not key.links and not is_indexed(connection, key):
            index = identifier(f"{key.name} by {key.column}")
            made = f"CREATE INDEX {index} ON {identifier(key.name)} ({identifier(key.column)})"
            yield MissingIndex(key.name, key.column, rows, made)


def _of_postgres(connection: ibis.BaseBackend, key: Key, value: ir.Column) -> Iterator[MissingIndex]:
    table, sql = identifier(key.name), _expression(connection, key, value)
    sought = "1" if value.type().is_integer() else "'a'"
    rows = _plan(connection, f"SELECT 1 FROM {table}")[0]["Plan"]["Plan Rows"]  # noqa: S608 a quoted name
    with connection.raw_sql("SET enable_seqscan = off"):  # small tables too show whether an index would serve
        plan = str(_plan(connection, f"SELECT 1 FROM {table} WHERE {sql} = {sought}"))  # noqa: S608 of our own making
    with connection.raw_sql("RESET enable_seqscan"):
        pass
    if "Index Cond" not in plan or "Seq Scan" in plan:
        made = f"CREATE INDEX ON {table} ({sql if value.type().is_integer() else f'({sql})'})"
        yield MissingIndex(key.name, key.column, rows, made if _is_table(connection, key.name) else None)


def _plan(connection: ibis.BaseBackend, statement: str) -> Any:
    with connection.raw_sql(f"EXPLAIN (FORMAT JSON) {statement}") as cursor:
        return cursor.fetchone()[0]


def _is_table(connection: ibis.BaseBackend, name: str) -> bool:
    kind = f"SELECT relkind FROM pg_class WHERE relname = {quoted(name)} AND pg_table_is_visible(oid)"  # noqa: S608 quoted
    with connection.raw_sql(kind) as cursor:
        return cursor.fetchone()[0] in ("r", "p", "m")


def _expression(connection: ibis.BaseBackend, key: Key, value: ir.Column) -> str:
    """The SQL of ``value``, of the columns of the table itself."""
    columns = {one.name: one.sql for one in plain_columns(connection, key.name)}

    def of_table(node: sge.Expression) -> sge.Expression:
        column = columns[node.name] if isinstance(node, sge.Column) else None
        return node if column is None else cast(sge.Expression, sg.parse_one(column, dialect="postgres"))

    statement = cast(sge.Select, connection.compiler.to_sqlglot(value.name("key").as_table()))
    sql = statement.selects[0].unalias().transform(of_table).sql(dialect="postgres")
    return _LITERAL.sub(_readable, sql)


def _readable(literal: re.Match[str]) -> str:
    """A literal of PostgreSQL without invisible signs."""
    text = literal[0]
    if text.isascii() and text.isprintable():
        return text
    signs = (
        sign if sign.isascii() and sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text.replace("\\", "\\\\")
    )
    return "E" + "".join(signs)
