"""Where a table comes from: a file or a database, opened read-only as an Ibis table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.common.exceptions import IbisError

from churn_mlops.data.sources.csv_reader import open_csv
from churn_mlops.data.sources.files import check_file, chosen_table, identifier, is_duckdb, literal_path, quoted
from churn_mlops.data.sources.spark import is_spark
from churn_mlops.data.sources.sqlite_reader import open_sqlite
from churn_mlops.database_urls import scrubbed, shown
from churn_mlops.errors import SourceError

_KNOWN = (
    "known are .csv, .tsv, .txt (also .gz), .parquet, .duckdb, .ddb, .db, .sqlite, or an address such as postgres://"
)
_FILE_SCHEMES = frozenset({"duckdb", "sqlite"})
DELIMITED = frozenset({".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"})
_OF_ENGINES = frozenset({("duckdb", "Error"), ("psycopg", "Error")})
# A value that cannot be turned, and, in an engine of our own, a query that is wrong.
_NOT_OF_READING = frozenset({("duckdb", "DataError"), ("psycopg", "DataError"), ("duckdb", "ProgrammingError")})
SQLITE = frozenset({".db", ".sqlite", ".sqlite3"})


def open_table(address: str, table: str | None = None) -> ir.Table:
    """Open the table at ``address``: a file, or a database with its ``table``.

    Delimited files and SQLite are loaded into an in-memory DuckDB table of texts, in their row order, so that every
    fault of theirs shows here and not in a later query; the others are read where they are. Nothing is written.

    Args:
        address: path of a ``.csv``, ``.tsv``, ``.txt`` (also ``.gz``), ``.parquet``, ``.duckdb``, ``.ddb``, ``.db`` or
            ``.sqlite`` file, or an Ibis address such as ``postgres://user@host/database``.
        table: name of the table in a database; may be left out where there is only one.

    Raises:
        SourceError: naming the address, the line where there is one, and what to do.
    """
    scheme, separator, rest = address.partition("://")
    if separator and scheme in _FILE_SCHEMES:
        return _open_file_address(file_path(rest), scheme, table)
    if separator:
        return _open_database(address, table)
    path = Path(address).expanduser()
    check_file(path)
    ending = ending_of(path)
    if ending in DELIMITED:
        rows = open_csv(path, memory_connection())
        if rows.count().to_pyarrow().as_py() == 0:
            raise SourceError(f"{path} has a header but no rows: write the customers into it, one a line")
        return rows
    if ending == ".parquet":
        return open_parquet(path, memory_connection())
    if ending in {".duckdb", ".ddb"}:
        return _open_duckdb(path, table)
    if ending in SQLITE:
        return _open_duckdb(path, table) if is_duckdb(path) else open_sqlite(path, table, memory_connection())
    raise SourceError(f"{path}: what kind of file this is cannot be told from {path.suffix or 'its name'!r}; {_KNOWN}")


def _open_file_address(path: Path, scheme: str, table: str | None) -> ir.Table:
    """A database file given as an address: opened as the file it is, for the driver would make one at a wrong path."""
    check_file(path)
    return _open_duckdb(path, table) if scheme == "duckdb" else open_sqlite(path, table, memory_connection())


def file_path(rest: str) -> Path:
    """The path in the address of a database file, of which ``rest`` is what follows ``://``."""
    return Path(f"/{rest.lstrip('/')}" if rest.startswith("/") else rest)


def ending_of(path: Path) -> str:
    """The ending that says what kind of file ``path`` is, such as ``.csv`` or ``.csv.gz``."""
    ending = path.suffix.lower()
    return Path(path.stem).suffix.lower() + ending if ending == ".gz" else ending


def memory_connection() -> ibis.BaseBackend:
    """A fresh engine in memory that fetches nothing from anywhere."""
    return ibis.duckdb.connect(autoinstall_known_extensions=False, autoload_known_extensions=False)


def open_parquet(path: Path, connection: ibis.BaseBackend, name: str = "rows") -> ir.Table:
    """The Parquet file at ``path`` as the view ``name`` of ``connection``; every cell is read once, as a trial.

    Raises:
        SourceError: it is not a whole Parquet file.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise SourceError(f"{path} is empty: write it again as Parquet")
        with literal_path(path) as literal:
            # A literal path that is not the file's own is gone after this block, so the rows are taken along.
            kind = "VIEW" if literal == str(path) else "TABLE"
            connection.raw_sql(
                f"CREATE {kind} {identifier(name)} AS SELECT * FROM read_parquet({quoted(literal)})"  # noqa: S608 both are quoted
            )
        table = connection.table(name)
        # The footer can be whole while the rows are not, and it answers a count: so every cell is read once.
        table.aggregate([table[name].hash().max().name(f"c{i}") for i, name in enumerate(table.columns)]).to_pyarrow()
    except (duckdb.Error, pa.ArrowException, IbisError) as error:
        raise SourceError(f"{path} is not a whole Parquet file ({_first_line(error)}): write it again") from None
    return table


def _open_duckdb(path: Path, table: str | None) -> ir.Table:
    connection = connect_duckdb(path)
    return connection.table(chosen_table(str(path), table_names(connection), table))


def connect_duckdb(path: Path) -> ibis.BaseBackend:
    """The DuckDB database at ``path``, opened read-only.

    Raises:
        SourceError: it is none, or another program writes to it.
    """
    try:
        return ibis.duckdb.connect(
            str(path), read_only=True, autoinstall_known_extensions=False, autoload_known_extensions=False
        )
    except (duckdb.Error, IbisError, RuntimeError) as error:
        raise SourceError(
            f"{path} cannot be opened as a DuckDB database ({_first_line(error)}): close the program that writes "
            "to it, or export the table as Parquet"
        ) from None


def table_names(connection: ibis.BaseBackend) -> list[str]:
    """Names of the tables and views that ``connection`` sees, sorted."""
    if connection.name != "duckdb":
        return sorted(connection.list_tables())
    # Not `list_tables`: that of Ibis 12 calls what DuckDB 2 no longer has.
    found = connection.raw_sql("SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()")
    return sorted(row[0] for row in found.fetchall())


def _open_database(address: str, table: str | None) -> ir.Table:
    if is_spark(address):
        raise SourceError(
            "one flat table is not read from Spark, which serves a contract with a history (docs/scale.md): give a "
            "file or a database"
        )
    connection = connect_database(address)
    with _explained(address):
        return connection.table(chosen_table(shown(address), table_names(connection), table))


def connect_database(address: str) -> ibis.BaseBackend:
    """A connection to the database at ``address``; of PostgreSQL a schema may follow: ``postgres://host/crm/sales``.

    Raises:
        SourceError: it cannot be reached or opened, or has no such schema; the message holds no password.
    """
    with _explained(address):
        connection = ibis.connect(address)
        if connection.name == "postgres" and connection.current_database is None:
            connection.disconnect()
            raise SourceError(
                f"{shown(address)} leads to a schema that is not there, or may not be read: write "
                "postgres://user@host/database/schema, or leave the schema out"
            )
        return connection


@contextmanager
def read_whole(address: str | None) -> Iterator[None]:
    """Tell as an error of ours that a source fails while it is read: it was there when it was opened.

    What an engine says of a value is not told, since it quotes the value; such an error goes on as it is.

    Raises:
        SourceError: a file was damaged or cut off, a server went away, or memory or disk ran out.
    """
    try:
        yield
    except Exception as error:
        if not _fails_to_read(error):
            raise
        said = scrubbed(_first_line(error), address or "")
        where = "the source" if address is None else shown(address) if "://" in address else address
        raise SourceError(
            f"{where} could not be read to its end ({said}): see that it is there, whole, and left alone while it is "
            "read; then run again"
        ) from None


def _fails_to_read(error: BaseException) -> bool:
    """Every engine has a family of errors of its own, named as Python's database interface (PEP 249) names them."""
    families = {(kind.__module__.partition(".")[0].strip("_"), kind.__name__) for kind in type(error).__mro__}
    return not families & _NOT_OF_READING and bool(families & _OF_ENGINES)


@contextmanager
def _explained(address: str) -> Iterator[None]:
    """A driver's error as one of ours, without what the address holds in secret."""
    where = shown(address)
    try:
        yield
    except SourceError:
        raise
    except (ImportError, ValueError, IbisError, OSError, RuntimeError, AttributeError) as error:
        if "missing dependencies" in str(error):
            driver = address.split("://", 1)[0]
            raise SourceError(f"{where} needs a driver: pip install 'ibis-framework[{driver}]'") from None
        raise SourceError(f"{where} cannot be opened ({scrubbed(_first_line(error), address)}); {_KNOWN}") from None
    except Exception as error:  # every driver has its own family of errors, and none of them is ours to import
        said = scrubbed(_first_line(error), address)
        raise SourceError(f"{where} cannot be reached ({said}): check host, user and password") from None


def _first_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error).split("\n")[0]).strip() or type(error).__name__
