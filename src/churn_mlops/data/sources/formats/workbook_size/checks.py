"""How large a workbook is, before it is read: a program without memory ends with no message.

The reader keeps each cell from the first value of a sheet to the last, so the extent counts, and not the values.
Workbooks of the kinds .xlsx, .xlsm and .xlsb are archives: their parts are looked through, and none is kept in memory.
A sheet of .xls has 16.7 million cells at most, and the reader itself limits those of .ods.
"""

from __future__ import annotations

import html
import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from churn_mlops.data.sources.formats.archives import LARGEST_UNPACKED, has_password, opened
from churn_mlops.data.sources.formats.workbook_size.records import records, text_at
from churn_mlops.data.sources.formats.workbook_size.used_cells import look_at_records, look_at_xml
from churn_mlops.errors import SourceError

LARGEST_TEXTS = 2 * 2**30
"""Bytes of all parts but the sheets, unpacked: the reader keeps the texts of all cells in memory."""
MOST_CELLS = 2**27
"""Cells between the first value of a sheet and the last. Each takes 32 bytes (measured), all of them 4 GB."""
SMALLER = "delete the rows and columns in which the table has no part, or export the table alone as CSV in UTF-8"
"""The remedy of a sheet that is too large."""
_CHUNK_BYTES = 1 << 20
_WORKBOOKS = (
    ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"),
    ("xl/workbook.bin", "xl/_rels/workbook.bin.rels"),
)
_SHEET_RECORD = 156
_READ = (".xml", ".rels", ".bin")
_SHEETS = re.compile(r"(^|/)\w*sheets/")
_RELATED = re.compile(r"<(?:\w+:)?Relationship\s([^>]*)>")
_SHEET = re.compile(r"<(?:\w+:)?sheet\s([^>]*)>")
_ATTRIBUTE = re.compile(r"([\w:]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")


class Limits(NamedTuple):
    """How much a workbook may hold: bytes of all parts, bytes of all but the sheets, cells of a sheet."""

    unpacked: int = LARGEST_UNPACKED
    texts: int = LARGEST_TEXTS
    cells: int = MOST_CELLS


LIMITS = Limits()


def check_unpacked(path: Path, limits: Limits = LIMITS) -> None:
    """Whether the parts of the workbook at ``path`` are small enough, unpacked.

    Raises:
        SourceError: they are not, or are damaged.
    """
    with _archive(path) as archive:
        if archive is None:
            return
        parts = [one for one in archive.infolist() if one.filename.lower().endswith(_READ)]
        texts = [one for one in parts if not _SHEETS.search(one.filename.lower())]
        for most, what, found in ((limits.unpacked, "", parts), (limits.texts, " of texts", texts)):
            if sum(one.file_size for one in found) > most:
                size = f"{most / 2**30:.0f} GB{what}"
                raise SourceError(f"{path} holds more than {size}, unpacked: give the tables alone, or as Parquet")
        for one in texts:
            for _ in _chunks(archive, one):  # a part that is larger than it states is damaged, and shows it here
                pass


def check_sheet(path: Path, name: str, limits: Limits = LIMITS) -> None:
    """Whether the cells of the sheet ``name`` of the workbook at ``path`` are few enough, empty ones counted.

    Raises:
        SourceError: a value stands too far out, or the sheet is damaged.
    """
    with _archive(path) as archive:
        part = None if archive is None else _part(archive, name)
        if archive is None or part is None:
            return
        look_at = look_at_records if part.filename.lower().endswith(".bin") else look_at_xml
        used = look_at(lambda: _chunks(archive, part), limits.cells)
    if used is not None and used.places > limits.cells:
        raise SourceError(
            f"{path}, sheet {name!r}: the values reach to cell {used.farthest}, so the sheet has {used.places:,} cells "
            f"between the first value and the last, and at most {limits.cells:,} are read: {SMALLER}"
        )


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile | None]:
    """The parts of the workbook at ``path``; None where it is no archive, which is the reader's to refuse."""
    if not zipfile.is_zipfile(path):
        yield None
        return
    with opened(path, "workbook", "open it in a spreadsheet and save it again as .xlsx") as archive:
        if any(map(has_password, archive.infolist())):
            raise SourceError(f"{path} has a password: save it without one")
        yield archive


def _chunks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(part) as packed:
        while chunk := packed.read(_CHUNK_BYTES):
            yield chunk


def _part(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    """The part that holds the sheet ``name``; None where the workbook names none, which is the reader's to refuse."""
    parts = {one.filename.replace("\\", "/").lower(): one for one in archive.infolist()}
    for workbook, related in _WORKBOOKS:
        if workbook in parts and related in parts:
            targets = {
                one.get("Id", ""): one.get("Target", "") for one in _tags(_RELATED, archive.read(parts[related]))
            }
            book = archive.read(parts[workbook])
            sheets = _sheets_of_records(book) if workbook.endswith(".bin") else _sheets_of_xml(book)
            place = posixpath.join("/xl", targets.get(sheets.get(name, ""), "").replace("\\", "/"))
            return parts.get(place.lstrip("/").lower())
    return None


def _sheets_of_xml(book: bytes) -> dict[str, str]:
    """The relation of each sheet, by its name."""
    found = _tags(_SHEET, book)
    return {one.get("name", ""): next((one[key] for key in one if key.endswith(":id")), "") for one in found}


def _sheets_of_records(book: bytes) -> dict[str, str]:
    """As :func:`_sheets_of_xml`, for a workbook of .xlsb."""
    found = {}
    for kind, body in records(iter([book])):
        if kind == _SHEET_RECORD:
            relation, end = text_at(body, 8)
            found[text_at(body, end)[0]] = relation
    return found


def _tags(pattern: re.Pattern[str], part: bytes) -> list[dict[str, str]]:
    """The attributes of each tag of ``part`` that ``pattern`` finds."""
    tags = pattern.findall(part.decode("utf-8", "replace"))
    return [{key: html.unescape(one or other) for key, one, other in _ATTRIBUTE.findall(tag)} for tag in tags]
