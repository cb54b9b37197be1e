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
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb
import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.database import memory_connection
from churn_mlops.data.sources.files import identifier, literal_path, quoted
from churn_mlops.data.sources.formats.converted import Remark, check_names
from churn_mlops.data.sources.formats.kept_copy import room_for_copy
from churn_mlops.data.sources.formats.total_row import may_be_total, without_blank_rows, without_total
from churn_mlops.errors import SourceError

DELIMITERS = (",", ";", "\t", "|")
UTF8, WINDOWS = "utf-8-sig", "cp1252"
_HEAD_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 22
_TAIL_BYTES = 1 << 16
_SEPARATORS = ' \t,;|"'
_LONGEST_LINE = 1 << 24
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LETTER_OF_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_LINE_END = re.compile(r"\r\n|\r|\n")
_SEPARATOR_LINE = re.compile(r"sep=(.)(?:\r\n|\r|\n)", re.IGNORECASE)


@dataclass(frozen=True)
class CsvFormat:
    """How a delimited file is written.

    Args:
        encoding: `utf-8-sig`, `utf-16` or `utf-32` by its mark, or `cp1252` where it is none of them.
        delimiter: between the cells.
        columns: their names.
        skipped: lines before the header, such as the `sep=;` of a spreadsheet.
        head: the text up to the first row, if the engine cannot read it: the header stands below blank lines, or a
            name in it goes over several lines.
    """

    encoding: str
    delimiter: str
    columns: list[str]
    skipped: int
    head: str = ""


def open_csv(path: Path, connection: ibis.BaseBackend, name: str = "rows") -> ir.Table:
    """Load the delimited file at ``path`` into ``connection`` as the table ``name`` of texts.

    Raises:
        SourceError: the file is no text, has no proper header, or a line does not fit the header.
    """
    _load(path, connection, name)
    return connection.table(name)


def csv_remarks(path: Path, name: str) -> list[Remark]:
    """Findings about the delimited file at ``path``: the rows at its end that are totals, or have no value.

    Raises:
        SourceError: as :func:`open_csv`.
    """
    if not _may_end_otherwise(path):
        return []
    connection = memory_connection()
    found = _load(path, connection, name)
    connection.disconnect()
    return found


def _load(path: Path, connection: ibis.BaseBackend, name: str) -> list[Remark]:
    written = csv_format(path)
    try:
        with _readable(path, written) as readable, literal_path(readable) as literal:
            packed = "gzip" if readable.suffix.lower() == ".gz" else "none"
            connection.raw_sql(_load_statement(literal, name, written, packed))
    except duckdb.Error as error:
        above = max(len(_LINE_END.findall(written.head)) - 1, 0)
        raise SourceError(_explained(path, str(error), len(written.columns), above)) from None
    blank = without_blank_rows(connection, name)
    what = f"ends with {blank:,} row{'s' * (blank > 1)} of separators alone, without any value: not read"
    totals = [Remark("total_row", str(one)) for one in without_total(connection, name)]
    return [*totals, *([Remark("blank_rows", what)] if blank else [])]


def _may_end_otherwise(path: Path) -> bool:
    """Whether the end of the file at ``path`` may be a total, or blank rows; only it is read, unless it is packed."""
    if path.suffix.lower() == ".gz":
        return True
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = file.read().replace(b"\0", b"").decode("utf-8", errors="replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), "")
    if not last.strip(_SEPARATORS):
        return True
    return any(may_be_total(cell) for cell in re.split(r"[,;\t|]", last))


def csv_format(path: Path) -> CsvFormat:
    """The format of the delimited file at ``path``, all of whose bytes are checked to be text.

    Raises:
        SourceError: the file is no text, or has no proper header.
    """
    return _format_of(path, *_check_text(path))


def csv_columns(path: Path, _table: str) -> list[str]:
    """The column names of the delimited file at ``path``, from its beginning alone.

    Raises:
        SourceError: as :func:`csv_format`, for what the beginning shows.
    """
    return _format_of(path, *_check_text(path, whole=False)).columns


def is_guessed(path: Path) -> bool:
    """Whether the delimited file at ``path`` is read as Windows-1252, since it is no UTF-8 and has no mark.

    Raises:
        SourceError: as :func:`csv_format`.
    """
    return csv_format(path).encoding == WINDOWS


def _load_statement(path: str, table: str, written: CsvFormat, packed: str) -> str:
    # Names and the path are quoted, the delimiter is one of ours: a prepared statement cannot take them.
    spec = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in written.columns)
    skipped = 0 if written.head else written.skipped
    read = f"header=true, skip={skipped}, delim={quoted(written.delimiter)}, quote='\"', escape='\"', comment=''"
    return (
        f"CREATE TABLE {identifier(table)} AS SELECT * FROM read_csv({quoted(path)}, "  # noqa: S608 both are quoted
        f"columns={{{spec}}}, auto_detect=false, "
        f"{read}, strict_mode=true, "
        "null_padding=false, ignore_errors=false, nullstr='', allow_quoted_nulls=true, "
        f"compression='{packed}', max_line_size={_LONGEST_LINE})"
    )


def _open(path: Path) -> IO[bytes]:
    # Both give bytes; gzip's own types do not say that "rb" does.
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")  # type: ignore[return-value]


class _NoTextError(Exception):
    """A byte that is no text in an encoding: its line, and whether only the end of the file is missing."""

    def __init__(self, line: int, error: UnicodeDecodeError) -> None:
        self.line, self.byte = line, error.object[error.start]
        self.is_cut = "unexpected end" in error.reason


def _check_text(path: Path, *, whole: bool = True) -> tuple[str, str]:
    """Read ``path``, or its beginning, as text without keeping it, and return its encoding and its beginning."""
    try:
        with _open(path) as file:
            first = file.read(4)
        encoding = next((name for mark, name in _MARKS if first.startswith(mark)), UTF8)
        try:
            head = _read_through(path, encoding, whole)
        except _NoTextError as error:
            said = encoding.removesuffix("-sig").upper()
            where = f"{path}, line {error.line}: byte 0x{error.byte:02x} is not {said} text"
            if encoding != UTF8 or error.is_cut:
                raise SourceError(f"{where}: the file is cut off or damaged, export it again") from None
            encoding, head = WINDOWS, _read_as_windows(path, whole, where)
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise SourceError(f"{path} is not a whole gzip file: pack it again, or give the file unpacked") from None
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}") from None
    if not head.strip():
        raise SourceError(f"{path} is empty: it needs a header line and one row per customer")
    return encoding, head


def _read_through(path: Path, encoding: str, whole: bool) -> str:
    """Decode ``path``, or its beginning, and return its beginning."""
    decoder = codecs.getincrementaldecoder(encoding)()
    head, line = "", 1
    with _open(path) as file:
        while True:
            chunk = file.read(_CHUNK_BYTES)
            if encoding in (UTF8, WINDOWS) and b"\0" in chunk:
                line += chunk[: chunk.index(b"\0")].count(b"\n")
                raise SourceError(
                    f"{path}, line {line}: a NUL byte; this is not a text file, export it again as CSV in UTF-8"
                )
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                raise _NoTextError(line + error.object[: error.start].count(b"\n"), error) from None
            head = head or text[:_HEAD_BYTES]
            line += chunk.count(b"\n")
            if not chunk or not whole:
                return head


def _read_as_windows(path: Path, whole: bool, where: str) -> str:
    """The beginning of a file that is no UTF-8, if it may be Windows-1252: nothing in it is a letter of UTF-8."""
    refused = SourceError(f"{where}, and the file is not in Windows-1252 either: save it as UTF-8")
    with _open(path) as file:
        before = b""
        while chunk := file.read(_CHUNK_BYTES):
            if _LETTER_OF_UTF8.search(before + chunk):
                raise refused
            before = chunk[-3:]
    try:
        return _read_through(path, WINDOWS, whole)
    except _NoTextError:
        raise refused from None


@contextmanager
def _readable(path: Path, written: CsvFormat) -> Iterator[Path]:
    """The file itself if the engine can read it, or a copy in UTF-8, with a plain header, for as long as it is read."""
    if written.encoding == UTF8 and not written.head:
        yield path
        return
    with room_for_copy(path), tempfile.TemporaryDirectory(prefix="churn-") as folder:
        copy = Path(folder) / "table.csv"
        decoder, left = codecs.getincrementaldecoder(written.encoding)(), len(written.head)
        with _open(path) as source, copy.open("wb") as target:
            if written.head:
                names = written.delimiter.join(map(str, range(len(written.columns))))
                target.write((names + _LINE_END.findall(written.head)[-1]).encode())
            while chunk := source.read(_CHUNK_BYTES):
                text = decoder.decode(chunk)
                target.write(text[left:].encode("utf-8"))
                left = max(left - len(text), 0)
        yield copy


def _format_of(path: Path, encoding: str, head: str) -> CsvFormat:
    """The delimiter that cuts the first lines into the most, and equally many, cells, and the column names."""
    marked = _SEPARATOR_LINE.match(head)
    text = head[marked.end() :] if marked is not None else head
    whole = text if len(text) < _HEAD_BYTES // 4 else text[: text.rfind("\n") + 1] or text
    best: tuple[float, int, str, list[str]] = (0.0, 0, "", [])
    for rank, delimiter in enumerate(DELIMITERS if marked is None else marked[1]):
        rows = _first_rows(whole, delimiter)
        if rows and len(rows[0]) > 1:
            alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
            best = max(best, (alike * len(rows[0]), -rank, delimiter, rows[0]))
    if not best[3]:
        raise SourceError(f"{path}, line 1: only one column; {_remedy_for_one(whole)}")
    # pandas writes its index as a first column without a name.
    names = [name if name.strip() else f"column_{place}" for place, name in enumerate(_trimmed(best[3]), start=1)]
    check_names(names, f"{path}, line 1")
    return CsvFormat(encoding, best[2], names, 0 if marked is None else 1, _odd_head(head, text, best[2]))


def _odd_head(head: str, text: str, delimiter: str) -> str:
    """``head`` up to its first row, where the header is more than the first line of its ``text``; otherwise empty."""
    lines = io.StringIO(text, newline="")
    next(row for row in csv.reader(lines, delimiter=delimiter) if row)
    end = lines.tell()
    return head[: len(head) - len(text) + end] if len(_LINE_END.findall(text[:end])) > 1 else ""


def _trimmed(names: list[str]) -> list[str]:
    """The names without the blanks around them, unless two would be the same."""
    trimmed = [name.strip() for name in names]
    return trimmed if len({name.lower() for name in trimmed}) == len(trimmed) else names


def _first_rows(text: str, delimiter: str) -> list[list[str]]:
    try:
        return [row for row in islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 50) if row]
    except csv.Error:
        return []


def _remedy_for_one(text: str) -> str:
    """The advice for a first line of one cell: the header may stand in a later line, below a title."""
    for delimiter in DELIMITERS:
        cells = [len(row) for row in _first_rows(text, delimiter)]
        most = max(cells, default=1)
        first = cells.index(most) if most > 1 else 0
        if first and all(count == most for count in cells[first:]):
            return (
                f"the header seems to stand below a title of {first} line{'s' * (first > 1)}: remove what is above it"
            )
    parts = {len(line.split()) for line in text.splitlines()[:50] if line.strip()}
    if len(parts) == 1 and parts != {1}:
        return f"blanks seem to separate its {parts.pop()} columns: write a comma between them, and save it again"
    return "columns are separated by a comma, semicolon, tab or '|'"


def _explained(path: Path, message: str, columns: int, above: int) -> str:
    """The engine's error in our words: the file, the line, the fault and the remedy.

    Args:
        path: of the file.
        message: of the engine.
        columns: how many the header has.
        above: lines of the file that the engine did not see.
    """
    found = re.search(r"Line: (\d+)", message)
    where = f"{path}, line {int(found[1]) + above}" if found else str(path)
    if "max_line_size" in message or "Maximum line size" in message:
        most = f"{_LONGEST_LINE / 2**20:.0f} MB"
        return f"{where}: the line is longer than {most}; a quotation mark is left open, or shorten its texts"
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
