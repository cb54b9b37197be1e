"""Delimited text, read strictly: every cell as text, in the order of the file, or an error that names file and line.

The engine's own guessing is switched off. It skips first lines that look odd, rewrites names and invents headers,
and a file that is read wrongly without an error is worse than one that is refused.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb
import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.files import identifier, literal_path, quoted
from churn_mlops.errors import SourceError

DELIMITERS = (",", ";", "\t", "|")
_HEAD_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 22
_WIDE_BOMS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def open_csv(path: Path, connection: ibis.BaseBackend, name: str = "rows") -> ir.Table:
    """Load the delimited file at ``path`` into ``connection`` as the table ``name`` of texts.

    Raises:
        SourceError: the file is not UTF-8 text, has no proper header, or a line does not fit the header.
    """
    delimiter, header = csv_header(path)
    packed = "gzip" if path.suffix.lower() == ".gz" else "none"
    try:
        with literal_path(path) as literal:
            connection.raw_sql(_load_statement(literal, name, header, delimiter, packed))
    except duckdb.Error as error:
        raise SourceError(_explained(path, str(error), len(header))) from None
    return connection.table(name)


def csv_header(path: Path) -> tuple[str, list[str]]:
    """The separator and the column names of the delimited file at ``path``, all of whose bytes are checked to be text.

    Raises:
        SourceError: the file is not UTF-8 text, or has no proper header.
    """
    return _header(path, _check_text(path))


def csv_columns(path: Path, _table: str) -> list[str]:
    """The column names of the delimited file at ``path``, from its beginning alone.

    Raises:
        SourceError: as :func:`csv_header`, for what the beginning shows.
    """
    return _header(path, _check_text(path, whole=False))[1]


def _load_statement(path: str, table: str, header: list[str], delimiter: str, packed: str) -> str:
    # Names and the path are quoted, the delimiter is one of ours: a prepared statement cannot take them.
    spec = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in header)
    return (
        f"CREATE TABLE {identifier(table)} AS SELECT * FROM read_csv({quoted(path)}, "  # noqa: S608 both are quoted
        f"columns={{{spec}}}, auto_detect=false, "
        f"header=true, skip=0, delim={quoted(delimiter)}, quote='\"', escape='\"', comment='', strict_mode=true, "
        "null_padding=false, ignore_errors=false, nullstr='', allow_quoted_nulls=true, "
        f"compression='{packed}', max_line_size=16777216)"
    )


def _open(path: Path) -> IO[bytes]:
    # Both give bytes; gzip's own types do not say that "rb" does.
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


def _check_text(path: Path, *, whole: bool = True) -> str:
    """Read ``path``, or its beginning, as UTF-8 without keeping it, and return its beginning."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    head = b""
    line = 1
    try:
        with _open(path) as file:
            while chunk := file.read(_CHUNK_BYTES):
                if not head:
                    head = chunk[:_HEAD_BYTES]
                    _refuse_wide(path, head)
                if b"\0" in chunk:
                    line += chunk[: chunk.index(b"\0")].count(b"\n")
                    raise SourceError(
                        f"{path}, line {line}: a NUL byte; this is not a text file, export it again as CSV in UTF-8"
                    )
                _decode(path, decoder, chunk, line)
                line += chunk.count(b"\n")
                if not whole:
                    break
            else:
                _decode(path, decoder, b"", line, final=True)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise SourceError(f"{path} is not a whole gzip file: pack it again, or give the file unpacked") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    if not head.removeprefix(codecs.BOM_UTF8).strip():
        raise SourceError(f"{path} is empty: it needs a header line and one row per customer")
    return head.removeprefix(codecs.BOM_UTF8).decode("utf-8", errors="ignore")


def _refuse_wide(path: Path, head: bytes) -> None:
    if head.startswith(_WIDE_BOMS):
        raise SourceError(
            f"{path} is written in UTF-16 or UTF-32: save it as UTF-8 (`iconv -f UTF-16 -t UTF-8 {path.name}`)"
        )


def _decode(path: Path, decoder: codecs.IncrementalDecoder, chunk: bytes, line: int, final: bool = False) -> None:
    held = decoder.getstate()[0]
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        data = held + chunk
        line += data[: error.start].count(b"\n")
        raise SourceError(
            f"{path}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8 text. If the file is Latin-1 or "
            f"Windows-1252, convert it first: `iconv -f WINDOWS-1252 -t UTF-8 {path.name}`"
        ) from None


def _header(path: Path, head: str) -> tuple[str, list[str]]:
    """Delimiter and column names: the delimiter that cuts the first lines into the most, and equally many, cells."""
    whole = head if len(head) < _HEAD_BYTES // 4 else head[: head.rfind("\n") + 1] or head
    best: tuple[float, int, str, list[str]] = (0.0, 0, "", [])
    for rank, delimiter in enumerate(DELIMITERS):
        try:
            rows = [row for row in islice(csv.reader(io.StringIO(whole, newline=""), delimiter=delimiter), 50) if row]
        except csv.Error:
            continue
        if rows and len(rows[0]) > 1:
            alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
            best = max(best, (alike * len(rows[0]), -rank, delimiter, rows[0]))
    if not best[3]:
        raise SourceError(f"{path}, line 1: only one column; columns are separated by a comma, semicolon, tab or '|'")
    # pandas writes its index as a first column without a name.
    names = [name if name.strip() else f"column_{place}" for place, name in enumerate(best[3], start=1)]
    _check_names(path, names)
    return best[2], names


def _check_names(path: Path, names: list[str]) -> None:
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name.lower() in seen:
            raise SourceError(
                f"{path}, line 1: columns {seen[name.lower()]} and {place} are both called {name!r}"
                " (capitals do not make names different); rename or remove one"
            )
        seen[name.lower()] = place


def _explained(path: Path, message: str, columns: int) -> str:
    """The engine's error in our words: the file, the line, the fault and the remedy."""
    found = re.search(r"Line: (\d+)", message)
    where = f"{path}, line {found[1]}" if found else str(path)
    cells = re.search(r"Found: (\d+)", message)
    if cells:
        return (
            f"{where}: {cells[1]} cells where the header has {columns}; put the missing or extra cell right, and "
            "put quotes around a text that holds the separator"
        )
    if "new_line" in message or "newline" in message.lower() or "carriage return" in message.lower():
        return (
            f"{where}: line ends are of several kinds, or a quotation mark is left open; give every line the same end"
        )
    if "quote" in message.lower():
        return (
            f"{where}: a quotation mark is opened and not closed, or text follows a closing one; "
            "inside a quoted text, write it twice"
        )
    first = re.sub(r"\s+", " ", message.split("\n")[0]).strip()
    if "Original Line" in message or "CSV Error" in first:
        first = re.sub(r"CSV Error on Line: \d+", "", first).strip() or "the line cannot be read as CSV"
    return f"{where}: {first}; export the file again as plain CSV in UTF-8"
