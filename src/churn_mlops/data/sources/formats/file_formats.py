"""The file formats of sources: CSV, Parquet, JSON, workbooks, DuckDB and SQLite.

A new file type is an entry of ``FILE_FORMATS`` and a module beside this one that reads such files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.database import connection_for
from churn_mlops.data.sources.formats.arrow_reader import convert_arrow, convert_orc
from churn_mlops.data.sources.formats.avro_reader import convert_avro
from churn_mlops.data.sources.formats.converted import (
    Convert,
    Remark,
    converted_columns,
    converted_remarks,
    converted_tables,
    open_converted,
)
from churn_mlops.data.sources.formats.csv_reader import csv_columns, csv_remarks, is_guessed, open_csv
from churn_mlops.data.sources.formats.duckdb_reader import (
    connect_duckdb,
    duckdb_columns,
    duckdb_tables,
    is_duckdb,
    open_duckdb,
)
from churn_mlops.data.sources.formats.html_reader import convert_page, starts_as_page
from churn_mlops.data.sources.formats.json_reader import json_columns, open_json
from churn_mlops.data.sources.formats.parquet_reader import open_parquet, parquet_columns, undecided_times
from churn_mlops.data.sources.formats.sqlite_reader import open_sqlite, sqlite_columns, sqlite_tables
from churn_mlops.data.sources.formats.statistics_reader import READERS, convert_statistics
from churn_mlops.data.sources.formats.workbook_reader import convert_workbook
from churn_mlops.errors import SourceError


@dataclass(frozen=True)
class FileFormat:
    """How the files of one format are read.

    Args:
        endings: of the files' names, in lower case.
        open: makes a table of the file at a path a table of a connection, under the same name.
        columns: names of the columns of a table of the file at a path; reads no rows.
        tables: names of the tables of the file at a path; None where a file is one table, called like the file.
        connect: opens the connection for the file at a path; None where the tables are loaded into memory, so that
            files of several formats can be joined.
        empty: what is wrong with a file that is a table without rows; None where that is no fault.
        guesses_encoding: whether nothing says how the letters of the file at a path are written; None if that is plain.
        undecided_times: names of the columns of times of which the file at a path does not say whether they are in UTC.
        remarks: what is noticed while a table of the file at a path is read; None where that is nothing.
        in_folders: whether a file of several tables may be one table of its folder, where it holds one.
    """

    endings: tuple[str, ...]
    open: Callable[[Path, ibis.BaseBackend, str], ir.Table]
    columns: Callable[[Path, str], list[str]]
    tables: Callable[[Path], list[str]] | None = None
    connect: Callable[[Path], ibis.BaseBackend] | None = None
    empty: str | None = None
    undecided_times: Callable[[Path, str], list[str]] | None = None
    guesses_encoding: Callable[[Path], bool] | None = None
    remarks: Callable[[Path, str], list[Remark]] | None = None
    in_folders: bool = False

    def tables_of(self, path: Path) -> list[str]:
        """Names of the tables of the file at ``path``.

        Raises:
            SourceError: the file is not of this format.
        """
        return [name_of(path)] if self.tables is None else self.tables(path)

    def connection_to(self, path: Path) -> ibis.BaseBackend:
        """The connection whose tables those of the file at ``path`` become.

        Raises:
            SourceError: the file is not of this format.
        """
        return connection_for(path.stat().st_size) if self.connect is None else self.connect(path)


def _converted(endings: tuple[str, ...], convert: Convert, *, several: bool = False) -> FileFormat:
    """A format whose files are converted, and hold one table, or ``several``."""
    return FileFormat(
        endings,
        partial(open_converted, convert),
        partial(converted_columns, convert),
        partial(converted_tables, convert) if several else None,
        remarks=partial(converted_remarks, convert),
        in_folders=several,
    )


def _in_folders(one: FileFormat) -> bool:
    return one.tables is None or one.in_folders


DUCKDB = FileFormat((".duckdb", ".ddb"), open_duckdb, duckdb_columns, duckdb_tables, connect=connect_duckdb)
SQLITE = FileFormat((".sqlite", ".db", ".sqlite3"), open_sqlite, sqlite_columns, sqlite_tables)
DELIMITED = FileFormat(
    (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"),
    open_csv,
    csv_columns,
    empty="has a header but no rows: write the customers into it, one a line",
    guesses_encoding=is_guessed,
    remarks=csv_remarks,
)
WORKBOOK = _converted((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"), convert_workbook, several=True)
PAGE = _converted((".html", ".htm"), convert_page)
_HEAD_BYTES = 4096
FILE_FORMATS = (
    DELIMITED,
    FileFormat((".parquet",), open_parquet, parquet_columns, undecided_times=undecided_times),
    FileFormat((".jsonl", ".ndjson", ".json"), open_json, json_columns),
    WORKBOOK,
    PAGE,
    _converted(tuple(READERS), convert_statistics),
    _converted((".feather", ".arrow"), convert_arrow),
    _converted((".orc",), convert_orc),
    _converted((".avro",), convert_avro),
    DUCKDB,
    SQLITE,
)
ZIP = ".zip"
"""The ending of files that hold others; see ``zip_place.py``."""
_NOT_READ = {
    (
        ".rda",
        ".rdata",
        ".rds",
    ): "a file of R: save its table there with write.csv(table, 'customers.csv')",
    (
        ".pkl",
        ".pickle",
        ".joblib",
    ): "a pickle of Python, which can run a program when it is opened: "
    "save its table there with frame.to_parquet('customers.parquet')",
    (".arff",): "a file of Weka: save it there as CSV",
    (".h5", ".hdf5", ".npz", ".npy"): "a file of arrays: save its table as Parquet or CSV",
    (".mdb", ".accdb"): "a database of Access: export its tables as CSV or Excel files into one folder",
    (".numbers",): "a sheet of Numbers: export it as .xlsx or .csv",
    (".gz", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tgz"): "packed: unpack it, or pack it as .zip",
    (".xml", ".pdf", ".doc", ".docx"): "no table: export the table behind it as .csv or .xlsx",
}
"""The kinds of files that are not read, and how their tables get into a file that is."""
_RATHER_DESCRIBED = (".json", ".html", ".htm")
"""In a folder, such a file is rather a description of the tables than one of them."""
_BY_ENDING = {ending: one for one in FILE_FORMATS for ending in one.endings}
ENDINGS = ", ".join([*_BY_ENDING, ZIP])
"""The endings of all files that can be read, for error messages."""
ONE_TABLE_ENDINGS = ", ".join(
    ending for ending, one in _BY_ENDING.items() if _in_folders(one) and ending not in _RATHER_DESCRIBED
)
"""The endings of the files of a folder that are one table each, for error messages."""


def format_of(path: Path, ending: str | None = None) -> FileFormat:
    """The format of the file at ``path``.

    Args:
        path: of a file that can be opened.
        ending: counts instead of that of the file's name.

    Raises:
        SourceError: the ending is none of a format.
    """
    found = _BY_ENDING.get(ending or ending_of(path))
    if found is None:
        known = next((what for endings, what in _NOT_READ.items() if path.suffix.lower() in endings), None)
        if known is not None and ending is None:
            raise SourceError(f"{path} is {known}")
        shown = repr(path.suffix) if path.suffix else "its name"
        raise SourceError(
            f"{path}: what kind of file this is does not show in {shown}; known are {ENDINGS}, "
            "or an address such as postgres://"
        )
    # Both call their files `.db`.
    if found is SQLITE and is_duckdb(path):
        return DUCKDB
    if found is DELIMITED:
        _refuse_workbook(path)
    return _of_content(path) if found is WORKBOOK else found


def _refuse_workbook(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(4)
    if head == b"PK\x03\x04":
        raise SourceError(f"{path} is a workbook or a .zip, whatever its name: call it .xlsx, or .zip")


def _of_content(path: Path) -> FileFormat:
    """The format of a file that is called like a workbook: many systems give this name to other files.

    Raises:
        SourceError: it is a workbook of XML, which is not read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if starts_as_page(head):
        return PAGE
    if b"urn:schemas-microsoft-com:office:spreadsheet" in head:
        raise SourceError(f"{path} is a workbook of XML of 2003: open it in a spreadsheet and save it as .xlsx")
    is_workbook = head.startswith((b"PK", b"\xd0\xcf\x11\xe0", b"\x09\x08")) or path.suffix.lower() != ".xls"
    return WORKBOOK if is_workbook or not head else DELIMITED


def is_one_table(path: Path) -> bool:
    """Whether the file at ``path`` is one of the tables of its folder, by the ending of its name."""
    found = _BY_ENDING.get(ending_of(path))
    return found is not None and _in_folders(found) and ending_of(path) not in _RATHER_DESCRIBED


def name_of(path: Path) -> str:
    """The name of the table that the file at ``path`` is: that of the file, without its ending."""
    return path.name[: -len(ending_of(path))]


def ending_of(path: Path) -> str:
    """The ending that says what format the file at ``path`` has, such as ``.csv`` or ``.csv.gz``."""
    ending = path.suffix.lower()
    return Path(path.stem).suffix.lower() + ending if ending == ".gz" else ending
