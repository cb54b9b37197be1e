"""SQLite files: their cells are read as texts, since SQLite keeps any value in any column, whatever its type."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from churn_mlops.data.sources.files import identifier
from churn_mlops.data.sources.formats.cell_texts import BATCH_ROWS, text_array
from churn_mlops.errors import SourceError


def open_sqlite(path: Path, connection: ibis.BaseBackend, name: str) -> ir.Table:
    """Load the table ``name`` into ``connection`` as a table of texts, in the order of its rows.

    Raises:
        SourceError: it is no SQLite database, or has no such table.
    """
    with _cursor(path, name) as cursor:
        batches = iter(lambda: cursor.fetchmany(BATCH_ROWS), [])
        return _load_texts([item[0] for item in cursor.description], batches, connection, name)


def sqlite_columns(path: Path, table: str) -> list[str]:
    """Names of the columns of ``table``; no row is read.

    Raises:
        SourceError: as :func:`open_sqlite`.
    """
    with _cursor(path, table) as cursor:
        return [item[0] for item in cursor.description]


def sqlite_tables(path: Path) -> list[str]:
    """Names of the tables and views of the database, sorted.

    Raises:
        SourceError: it is no SQLite database.
    """
    with _opened(path) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
        return [row[0] for row in found]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, check_same_thread=False)) as connection:
            yield connection
    except (sqlite3.Error, duckdb.Error) as error:
        raise SourceError(f"{path} cannot be opened as a SQLite database ({error}): check that it is one") from None


@contextmanager
def _cursor(path: Path, table: str) -> Iterator[sqlite3.Cursor]:
    with _opened(path) as connection:
        yield connection.execute(f"SELECT * FROM {identifier(table)}")  # noqa: S608 a quoted name


def _load_texts(
    columns: list[str], batches: Iterable[list[tuple[Any, ...]]], connection: ibis.BaseBackend, table: str
) -> ir.Table:
    schema = pa.schema([(name, pa.string()) for name in columns])

    def arrow() -> Iterable[pa.RecordBatch]:
        for rows in batches:
            columns_of_rows = zip(*rows, strict=True)
            yield pa.record_batch([text_array(column) for column in columns_of_rows], schema=schema)

    view = f"{table} of SQLite"  # while both are there, they need two names
    connection.con.register(view, pa.RecordBatchReader.from_batches(schema, arrow()))
    connection.raw_sql(f"CREATE TABLE {identifier(table)} AS SELECT * FROM {identifier(view)}")  # noqa: S608 both are quoted
    connection.con.unregister(view)
    return connection.table(table)
