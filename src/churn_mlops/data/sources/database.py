"""Databases: how one is connected, which tables it has, and what an error of its driver means."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import ibis
from ibis.common.exceptions import IbisError

from churn_mlops.data.sources.files import quoted
from churn_mlops.database_urls import scrubbed, shown
from churn_mlops.errors import SourceError

KEPT_MEMORY = "1GB"
LARGE_FILES = 128 * 2**20
"""Bytes of files from which on their tables are loaded into a file: memory holds a part of them."""
LOADED_MEMORY = "500MB"
# They decide how rows are found. The others cost more than they save where there are few: 16.5 instead of 13.4 ms.
_OPTIMIZERS = (
    "filter_pushdown",
    "unused_columns",
    "column_lifetime",
    "expression_rewriter",
    "statistics_propagation",
    "join_filter_pushdown",
)
_ENGINE_ERRORS = frozenset({("duckdb", "Error"), ("psycopg", "Error")})
# A value that cannot be converted, and, in an engine of our own, a query that is wrong.
_NOT_READ_ERRORS = frozenset({("duckdb", "DataError"), ("psycopg", "DataError"), ("duckdb", "ProgrammingError")})
_HEIRS = """
SELECT heir.relname, parent.relname FROM pg_inherits
JOIN pg_class heir ON heir.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
JOIN pg_namespace ON pg_namespace.oid = heir.relnamespace AND pg_namespace.oid = parent.relnamespace
WHERE nspname = current_schema() AND heir.relkind IN ('r', 'p', 'f') ORDER BY heir.relname
"""


def memory_connection() -> ibis.BaseBackend:
    """A new engine in memory that downloads nothing."""
    return own_engine(":memory:")


def connection_for(size: int) -> ibis.BaseBackend:
    """A new engine that the tables of files are loaded into.

    From :data:`LARGE_FILES` on they stand in a folder of the system for temporary files, which only this user can read.
    It is removed with the engine, or with the program.

    Args:
        size: of the files together, in bytes.
    """
    if size < LARGE_FILES:
        return memory_connection()
    folder = tempfile.mkdtemp(prefix="churn-")
    connection = own_engine(str(Path(folder) / "tables.duckdb"))
    connection.raw_sql(f"SET memory_limit = {quoted(LOADED_MEMORY)}")
    weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    return connection


def own_engine(database: str, *, read_only: bool = False) -> ibis.BaseBackend:
    """DuckDB on a file or in memory: it downloads nothing, and shows no progress bar in what commands print."""
    connection = ibis.duckdb.connect(
        database, read_only=read_only, autoinstall_known_extensions=False, autoload_known_extensions=False
    )
    with suppress(duckdb.InvalidInputException):  # in a notebook without ipywidgets, which cannot show it either
        connection.raw_sql("SET enable_progress_bar = false")
    return connection


def bounded(connection: ibis.BaseBackend) -> ibis.BaseBackend:
    """A DuckDB of our own that holds at most :data:`KEPT_MEMORY` in memory, the rest in temporary files."""
    folder = Path(tempfile.gettempdir()) / f"churn-{os.getpid()}.tmp"  # DuckDB makes it when it is needed
    connection.raw_sql(f"SET temp_directory = {quoted(str(folder))}")
    connection.raw_sql(f"SET memory_limit = {quoted(KEPT_MEMORY)}")
    return connection


def plan_quickly(connection: ibis.BaseBackend) -> None:
    """Let the DuckDB of ``connection`` plan for statements of few rows, whose plan takes longer than the rest."""
    ((others,),) = connection.raw_sql(
        f"SELECT string_agg(name, ',') FROM duckdb_optimizers() WHERE name NOT IN {_OPTIMIZERS}"  # noqa: S608 our own names
    ).fetchall()
    connection.raw_sql(f"SET disabled_optimizers = {quoted(others)}")
    connection.raw_sql("SET threads = 1")


def connect_database(address: str) -> ibis.BaseBackend:
    """A connection to the database at ``address``; a schema of PostgreSQL may follow: ``postgres://host/crm/sales``.

    Raises:
        SourceError: it cannot be reached or opened, or has no such schema; the message holds no password.
    """
    with translate_errors(address):
        connection = ibis.connect(address)
        if connection.name == "postgres" and connection.current_database is None:
            connection.disconnect()
            raise SourceError(
                f"{shown(address)} leads to a schema that is not there, or may not be read: write "
                "postgres://user@host/database/schema, or leave the schema out"
            )
        return connection


def table_names(connection: ibis.BaseBackend) -> list[str]:
    """Names of the tables and views that ``connection`` sees, sorted."""
    if connection.name != "duckdb":
        return sorted(connection.list_tables())
    # Not `list_tables`: Ibis 12 calls there what DuckDB 2 no longer has.
    found = connection.raw_sql("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
    return sorted(row[0] for row in found.fetchall())


def partitions_in(connection: ibis.BaseBackend) -> dict[str, str]:
    """The tables of PostgreSQL whose rows another table has too, and that table: a partition, or an heir.

    Read besides, their rows would count twice, and one that ends would seem to have ended.
    """
    if connection.name != "postgres":
        return {}
    with connection.raw_sql(_HEIRS) as cursor:
        above = dict(cursor.fetchall())
    connection.con.commit()
    found = {}
    for name, first in above.items():
        while first in above:  # a partition may have partitions itself
            first = above[first]
        found[name] = first
    return found


@contextmanager
def translate_errors(address: str) -> Iterator[None]:
    """Raise a driver's error as one of ours, without what ``address`` holds in secret.

    Raises:
        SourceError: the database cannot be opened or reached.
    """
    where = shown(address)
    try:
        yield
    except SourceError:
        raise
    except (ImportError, ValueError, IbisError, OSError, RuntimeError, AttributeError) as error:
        if "missing dependencies" in str(error):
            driver = address.split("://", 1)[0]
            raise SourceError(f"{where} needs a driver: pip install 'ibis-framework[{driver}]'") from None
        raise SourceError(
            f"{where} cannot be opened ({scrubbed(first_line(error), address)}): write an address such as "
            "postgres://user@host/database, or the path of a file or folder"
        ) from None
    except Exception as error:  # every driver has its own family of errors, and none of them is ours to import
        reason = scrubbed(first_line(error), address)
        raise SourceError(f"{where} cannot be reached ({reason}): check host, user and password") from None


@contextmanager
def read_whole(address: str | None) -> Iterator[None]:
    """Raise a failure while a source is read as an error of ours: the source was there when it was opened.

    An engine's error about a value quotes that value; such an error is not translated.

    Args:
        address: of the source, for the message; None where it has none.

    Raises:
        SourceError: a file was damaged or cut off, a server went away, or memory or disk ran out.
    """
    try:
        yield
    except Exception as error:
        if not _fails_to_read(error):
            raise
        reason = scrubbed(first_line(error), address or "")
        where = "the source" if address is None else shown(address) if "://" in address else address
        raise SourceError(
            f"{where} could not be read to its end ({reason}): see that it is there, whole, and left alone while it is "
            "read; then run again"
        ) from None


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without repeated blanks; its class where it has no text."""
    return re.sub(r"\s+", " ", str(error).split("\n")[0]).strip() or type(error).__name__


def _fails_to_read(error: BaseException) -> bool:
    """Every engine has a family of errors of its own, named as Python's database interface (PEP 249) names them."""
    families = {(kind.__module__.partition(".")[0].strip("_"), kind.__name__) for kind in type(error).__mro__}
    return not families & _NOT_READ_ERRORS and bool(families & _ENGINE_ERRORS)
