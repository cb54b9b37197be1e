"""DuckDB files: read where they are, by a connection to the file itself."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.common.exceptions import IbisError

from churn_mlops.data.sources.database import bounded, first_line, own_engine, table_names
from churn_mlops.data.sources.files import quoted
from churn_mlops.data.sources.plain_types import with_plain_types
from churn_mlops.errors import SourceError


def connect_duckdb(path: Path) -> ibis.BaseBackend:
    """The DuckDB database at ``path``, opened read-only.

    Raises:
        SourceError: it is none, or another program writes to it.
    """
    try:
        return own_engine(str(path), read_only=True)
    except (duckdb.Error, IbisError, RuntimeError) as error:
        raise SourceError(
            f"{path} cannot be opened as a DuckDB database ({first_line(error)}): close the program that writes "
            "to it, or export the table as Parquet"
        ) from None


def connect_copy(path: Path, folder: Path) -> ibis.BaseBackend:
    """A copy in ``folder`` of the DuckDB database at ``path``; it may be written to.

    While it is made, no other program can write the database.

    Raises:
        SourceError: as :func:`connect_duckdb`, or there is no room for the copy.
    """
    copy = folder / path.name
    with _connected(path):
        try:
            for ending in ("", ".wal"):
                if (source := path.with_name(path.name + ending)).exists():
                    shutil.copyfile(source, copy.with_name(copy.name + ending))
        except OSError as error:
            raise SourceError(f"{path} cannot be copied to {folder} ({error.strerror}): make room there") from None
    return bounded(own_engine(str(copy)))


def reopen_read_only(connection: ibis.BaseBackend, copy: Path) -> None:
    """Open the database at ``copy`` again, to which ``connection`` leads; then its file may lose its name."""
    ((zone,),) = connection.raw_sql("SELECT current_setting('TimeZone')").fetchall()
    connection.raw_sql("CHECKPOINT")
    connection.disconnect()
    connection.con = own_engine(str(copy), read_only=True).con
    bounded(connection).raw_sql(f"SET TimeZone = {quoted(zone)}")


def open_duckdb(_path: Path, connection: ibis.BaseBackend, name: str) -> ir.Table:
    """The table ``name`` of the database to which ``connection`` leads, its columns of plain types."""
    return with_plain_types(connection, name)


def duckdb_columns(path: Path, table: str) -> list[str]:
    """Names of the columns of ``table``; no row is read.

    Raises:
        SourceError: as :func:`connect_duckdb`.
    """
    with _connected(path) as connection:
        return list(with_plain_types(connection, table).columns)


def duckdb_tables(path: Path) -> list[str]:
    """Names of the tables and views of the database, sorted.

    Raises:
        SourceError: as :func:`connect_duckdb`.
    """
    with _connected(path) as connection:
        return table_names(connection)


def is_duckdb(path: Path) -> bool:
    """Whether the file at ``path`` is a DuckDB database, whatever its ending."""
    with path.open("rb") as file:
        return file.read(12)[8:12] == b"DUCK"


@contextmanager
def _connected(path: Path) -> Iterator[ibis.BaseBackend]:
    connection = connect_duckdb(path)
    try:
        yield connection
    finally:
        connection.disconnect()
