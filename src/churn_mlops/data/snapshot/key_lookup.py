"""Tables that are looked up by key, in a DuckDB of our own: an index on each key, whose texts are in normal form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import duckdb
import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.snapshot.known_rows import PointInTimeTables, customer_column
from churn_mlops.data.sources.files import identifier, quoted
from churn_mlops.data.sources.plain_types import with_plain_types

_COPY = "looked up "
_INDEXED = "VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT"
_INDEXES = """
SELECT expressions FROM duckdb_indexes() WHERE table_name = {table}
UNION ALL
SELECT CAST(constraint_column_names AS VARCHAR) FROM duckdb_constraints()
WHERE table_name = {table} AND constraint_type IN ('PRIMARY KEY', 'UNIQUE')
"""


@dataclass(frozen=True)
class Key:
    """A column by which a statement for one customer looks up rows.

    Args:
        table: its key in the contract.
        name: of the table in the database.
        column: of the customer, or of the link to another table.
        links: whether it is of a link. DuckDB joins linked rows without an index.
    """

    table: str
    name: str
    column: str
    links: bool = False


def keys_of(contract: HistoryContract) -> list[Key]:
    """The columns by which the snapshot of one customer looks up the rows of each table."""
    return [
        Key(name, table.table or name, customer_column(contract, table))
        if table.through is None
        else Key(name, table.table or name, table.through.column, links=True)
        for name, table in contract.tables.items()
    ]


def is_indexed(connection: ibis.BaseBackend, key: Key) -> bool:
    """Whether the table of a DuckDB has an index on the column of ``key`` alone."""
    found = connection.raw_sql(_INDEXES.format(table=quoted(key.name))).fetchall()
    return any(row[0].strip("[]").strip("'\"") == key.column for row in found)


def with_key_indexes(
    tables: Mapping[str, ir.Table], contract: HistoryContract
) -> tuple[dict[str, ir.Table], frozenset[tuple[str, str]]]:
    """The tables of the contract, each with an index on its column of customers.

    A view, and a table whose keys are not in normal form, is copied.

    Args:
        tables: by their keys in the contract, on a connection to a DuckDB that may be written.
        contract: what they mean.

    Returns:
        The tables, and the columns of texts in normal form as ``PointInTimeTables`` takes them.
    """
    found, normal = dict(tables), set()
    whole = PointInTimeTables(tables, contract).key_is_whole
    for key in keys_of(contract):
        if key.column in contract.tables[key.table].where:  # whose values may be meant as they are written
            continue
        is_whole = tables[key.table][key.column].type().is_integer() if key.links else whole
        found[key.table] = with_key_index(tables[key.table], key, whole=is_whole)
        normal.add((key.table, key.column))
    return found, frozenset(normal | set(_normal_links(found, contract)))


def with_key_index(table: ir.Table, key: Key, *, whole: bool) -> ir.Table:
    """``table`` with an index on the column of ``key``: whole numbers, or texts as ``as_text`` writes them."""
    connection = table.get_backend()
    if not (_is_plain(connection, key) and _is_normal(table[key.column], whole=whole)):
        name = _COPY + key.table
        rows = table if whole else table.mutate(**{key.column: as_text(table[key.column])})
        connection.raw_sql(f"CREATE TABLE {identifier(name)} AS {connection.compile(rows)}")
        table, key = with_plain_types(connection, name), replace(key, name=name)
    if not key.links and not is_indexed(connection, key):
        index = f"{_COPY}{key.table} by {key.column}"
        with suppress(duckdb.OutOfMemoryException):  # an index that does not fit: rows are found without it
            connection.raw_sql(f"CREATE INDEX {identifier(index)} ON {identifier(key.name)} ({identifier(key.column)})")
    return table


def _normal_links(tables: Mapping[str, ir.Table], contract: HistoryContract) -> Iterator[tuple[str, str]]:
    """The columns in normal form to which links of other tables lead."""
    for table in contract.tables.values():
        through = table.through
        if through is not None and _is_normal(tables[through.table][through.key], whole=False):
            yield through.table, through.key


def _is_plain(connection: ibis.BaseBackend, key: Key) -> bool:
    """Whether the column is one of a table, no view, and of a type that an index serves as it stands."""
    statement = (  # both names are quoted
        "SELECT data_type FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, schema_name, table_name) "  # noqa: S608
        f"WHERE table_name = {quoted(key.name)} AND column_name = {quoted(key.column)}"
    )
    return [row[0] in _INDEXED for row in connection.raw_sql(statement).fetchall()] == [True]


def _is_normal(column: ir.Column, *, whole: bool) -> bool:
    """Whether every cell is a whole number, or else a text as ``as_text`` writes it."""
    if whole or not column.type().is_string():
        return whole
    rows = column.name("key").as_table()
    return not len(as_arrow(rows.filter(~as_text(rows["key"]).identical_to(rows["key"])).limit(1)))
