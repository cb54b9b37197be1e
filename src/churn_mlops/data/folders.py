"""Every table of a folder or a database, opened on one connection so that they can be joined."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.common.exceptions import IbisError

from churn_mlops.data.addresses import scrubbed, shown
from churn_mlops.data.csv_files import open_csv
from churn_mlops.data.files import check_file, is_duckdb, quoted
from churn_mlops.data.sources import DELIMITED, SQLITE, ending_of, first_line, memory_connection
from churn_mlops.data.sqlite_files import open_sqlite, sqlite_tables
from churn_mlops.errors import SourceError

_ENDINGS = DELIMITED | {".parquet"}
_FILE_SCHEMES = ("duckdb", "sqlite")


def open_every_table(address: str) -> dict[str, ir.Table]:
    """The tables at ``address``, by name: of a file its stem, of a database the table's name.

    Args:
        address: a folder of CSV and Parquet files, a file as of :func:`churn_mlops.data.sources.open_table`, or the
            address of a database.

    Raises:
        SourceError: it cannot be read, or holds no table; with what to do.
    """
    scheme, separator, rest = address.partition("://")
    if separator and scheme not in _FILE_SCHEMES:
        return _of_a_database(address)
    path = Path(f"/{rest.lstrip('/')}" if rest.startswith("/") else rest) if separator else Path(address).expanduser()
    if path.is_dir():
        return _of_files(files_in(path))
    check_file(path)
    ending = ending_of(path)
    if scheme == "duckdb" or ending in {".duckdb", ".ddb"} or (ending in SQLITE and is_duckdb(path)):
        return _of_duckdb(path)
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
    for file in files:
        check_file(file)
        if ending_of(file) == ".parquet":
            _load_parquet(file, connection)
        else:
            open_csv(file, connection)
        connection.raw_sql(f"ALTER TABLE rows RENAME TO {_name(stem_of(file))}")
    return {stem_of(file): connection.table(stem_of(file)) for file in files}


def _load_parquet(file: Path, connection: ibis.BaseBackend) -> None:
    try:
        # The engine would take the signs of a pattern in a path for one; a list of one file is read the same way.
        if any(sign in str(file) for sign in "*?["):
            raise SourceError(f"{file}: rename it, without *, ? and [ in its path")
        connection.raw_sql(f"CREATE TABLE rows AS SELECT * FROM read_parquet({quoted(os.fspath(file))})")  # noqa: S608 quoted
    except duckdb.Error as error:
        raise SourceError(f"{file} is not a whole Parquet file ({first_line(error)}): write it again") from None


def _of_duckdb(path: Path) -> dict[str, ir.Table]:
    try:
        connection = ibis.duckdb.connect(
            str(path), read_only=True, autoinstall_known_extensions=False, autoload_known_extensions=False
        )
        found = connection.raw_sql(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() ORDER BY table_name"
        ).fetchall()
        return _none_missing(str(path), {row[0]: connection.table(row[0]) for row in found})
    except (duckdb.Error, IbisError, RuntimeError) as error:
        raise SourceError(
            f"{path} cannot be opened as a DuckDB database ({first_line(error)}): close the program that writes to it"
        ) from None


def _of_sqlite(path: Path) -> dict[str, ir.Table]:
    connection = memory_connection()
    names = sqlite_tables(path)
    for name in names:
        open_sqlite(path, name, connection)
        connection.raw_sql(f"ALTER TABLE rows RENAME TO {_name(name)}")
    return _none_missing(str(path), {name: connection.table(name) for name in names})


def _of_a_database(address: str) -> dict[str, ir.Table]:
    where = shown(address)
    try:
        connection = ibis.connect(address)
        return _none_missing(where, {name: connection.table(name) for name in sorted(connection.list_tables())})
    except SourceError:
        raise
    except Exception as error:  # every driver has its own family of errors, and none of them is ours to import
        said = scrubbed(first_line(error), address)
        raise SourceError(f"{where} cannot be read ({said}): check address, host, user and password") from None


def _none_missing(where: str, tables: dict[str, ir.Table]) -> dict[str, ir.Table]:
    if not tables:
        raise SourceError(f"{where} holds no table: check the address, and the schema that the user sees")
    return tables


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
