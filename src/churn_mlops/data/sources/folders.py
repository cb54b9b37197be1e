"""Every table of a folder or a database, opened on one connection so that they can be joined."""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.csv_reader import open_csv
from churn_mlops.data.sources.files import check_file, is_duckdb
from churn_mlops.data.sources.open import (
    DELIMITED,
    SQLITE,
    connect_database,
    connect_duckdb,
    ending_of,
    file_path,
    memory_connection,
    open_parquet,
    table_names,
)
from churn_mlops.data.sources.sqlite_reader import open_sqlite, sqlite_tables
from churn_mlops.database_urls import shown
from churn_mlops.errors import SourceError

_ENDINGS = DELIMITED | {".parquet"}
_FILE_SCHEMES = ("duckdb", "sqlite")


def open_every_table(address: str) -> dict[str, ir.Table]:
    """The tables at ``address``, by name: of a file its stem, of a database the table's name.

    Args:
        address: a folder of CSV and Parquet files, a file as of :func:`~churn_mlops.data.sources.open.open_table`,
            or the address of a database.

    Raises:
        SourceError: it cannot be read, or holds no table; with what to do.
    """
    scheme, separator, rest = address.partition("://")
    if separator and scheme not in _FILE_SCHEMES:
        return _of_connection(connect_database(address), shown(address))
    path = file_path(rest) if separator else Path(address).expanduser()
    if path.is_dir():
        return _of_files(files_in(path))
    check_file(path)
    ending = ending_of(path)
    if scheme == "duckdb" or ending in {".duckdb", ".ddb"} or (ending in SQLITE and is_duckdb(path)):
        return _of_connection(connect_duckdb(path), str(path))
    return _of_sqlite(path) if ending in SQLITE or (separator and scheme == "sqlite") else _of_files([path])


def holds_tables(address: str) -> bool:
    """Whether ``address`` is of what may hold several tables: a folder or a database, not a file of one table."""
    if "://" in address:
        return True
    path = Path(address).expanduser()
    return path.is_dir() or ending_of(path) in SQLITE | {".duckdb", ".ddb"}


def files_in(folder: Path) -> list[Path]:
    """The tables among the files of ``folder``, by name; hidden files are none.

    Raises:
        SourceError: there is none, two have one name, or the folder may not be read.
    """
    try:
        files = sorted(
            file
            for file in folder.iterdir()
            if ending_of(file) in _ENDINGS and not file.name.startswith(".") and file.is_file()
        )
    except OSError as error:
        raise SourceError(f"the folder {folder} cannot be read: {error.strerror or error}") from None
    if not files:
        raise SourceError(f"the folder {folder} holds no table: give one with .csv, .tsv, .txt or .parquet files in it")
    seen: dict[str, Path] = {}
    for file in files:
        name = stem_of(file).lower()
        if name in seen:
            raise SourceError(f"{seen[name]} and {file} are both called {stem_of(file)!r}: rename or move one of them")
        seen[name] = file
    return files


def stem_of(path: Path) -> str:
    """Name of the table in the file at ``path``: ``sales.csv.gz`` is "sales"."""
    return path.name[: -len(ending_of(path))]


def _of_files(files: list[Path]) -> dict[str, ir.Table]:
    connection = memory_connection()
    found = {}
    for file in files:
        check_file(file)
        open_one = open_parquet if ending_of(file) == ".parquet" else open_csv
        found[stem_of(file)] = open_one(file, connection, stem_of(file))
    return found


def _of_sqlite(path: Path) -> dict[str, ir.Table]:
    connection = memory_connection()
    return _some(str(path), {name: open_sqlite(path, name, connection, name) for name in sqlite_tables(path)})


def _of_connection(connection: ibis.BaseBackend, where: str) -> dict[str, ir.Table]:
    return _some(where, {name: connection.table(name) for name in table_names(connection)})


def _some(where: str, tables: dict[str, ir.Table]) -> dict[str, ir.Table]:
    if not tables:
        raise SourceError(f"{where} holds no table: check the address, and the schema that the user sees")
    return tables
