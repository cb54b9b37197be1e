"""The cells of a sheet that hold values: how far out they stand, found without reading the sheet into memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from churn_mlops.data.sources.formats.workbook_size.records import number_at, records

MOST_ROWS = 2**20
"""Rows of a sheet of Excel."""
_DIGITS = b"0123456789"
_LONGEST = 1 << 20
# The column of each reference, and its row where that has seven digits or more.
_COLUMN = re.compile(rb' r="([A-Z]+(?:[0-9]{7,})?)')
_ROW = re.compile(rb' r="[A-Z]+([0-9]+)')
_TAG = re.compile(rb"<(?:[\w.-]+:)?(row|c|v|is)(?=[\s/>])([^>]*)>([^<]?)")
_PLACE = re.compile(rb"(?:^|\s)r\s*=\s*[\"']([A-Za-z]*)([0-9]+)[\"']")
# Records of .xlsb, by number; source: [MS-XLSB] 2.3.2.
_ROW_HEADER, _DIMENSION = 0, 148
_CELLS = range(2, 12)
_FIRST_RECORDS = 1000
Chunks = Callable[[], Iterator[bytes]]
"""The bytes of a sheet in chunks, from its beginning at each call."""


class UsedCells:
    """The rectangle around the cells with values."""

    def __init__(self) -> None:
        self._first_row = self._first_column = 1 << 62
        self.last_row = self.last_column = -1
        self._lowest = self._rightmost = ""

    def add(self, row: int, column: int) -> None:
        """A cell with a value stands in ``row`` and ``column``, both from 0."""
        self._first_row, self._first_column = min(self._first_row, row), min(self._first_column, column)
        if row > self.last_row:
            self.last_row, self._lowest = row, f"{_letters(column)}{row + 1}"
        if column > self.last_column:
            self.last_column, self._rightmost = column, f"{_letters(column)}{row + 1}"

    @property
    def places(self) -> int:
        """Cells of the rectangle, with the empty ones."""
        if self.last_row < 0:
            return 0
        return (self.last_row - self._first_row + 1) * (self.last_column - self._first_column + 1)

    @property
    def farthest(self) -> str:
        """The lowest and the rightmost cell, by their names."""
        return " and ".join(dict.fromkeys([self._lowest, self._rightmost]))


class LookAt(Protocol):
    """Finds the used cells of a sheet; None where a quick look shows that they have at most so many places."""

    def __call__(self, chunks: Chunks, places: int) -> UsedCells | None:
        """As described."""


def look_at_xml(chunks: Chunks, places: int) -> UsedCells | None:
    """As :class:`LookAt`, for a sheet of .xlsx. A cell that only has a format holds no value."""
    return None if _fits(chunks, places) else _used(chunks())


def look_at_records(chunks: Chunks, places: int) -> UsedCells | None:
    """As :class:`LookAt`, for a sheet of .xlsb, which states the rectangle of its cells, empty ones too."""
    for kind, body in islice(records(chunks()), _FIRST_RECORDS):
        if kind == _DIMENSION:
            first_row, last_row, first_column, last_column = (number_at(body, at) for at in (0, 4, 8, 12))
            if (last_row - first_row + 1) * (last_column - first_column + 1) <= places:
                return None
            break
    used = UsedCells()
    row = 0
    for kind, body in records(chunks()):
        if kind == _ROW_HEADER:
            row = number_at(body, 0)
        elif kind in _CELLS:
            used.add(row, number_at(body, 0))
    return used


def _fits(chunks: Chunks, places: int) -> bool:
    """Whether columns and rows are so few that no sheet with them has too many places."""
    columns: set[bytes] = set()
    rows, left = MOST_ROWS, 0
    for text in _whole_tags(chunks()):
        found = _COLUMN.findall(text)
        left += text.count(b"</c>") + text.count(b":c>") - len(found)
        for reference in set(found):
            letters = reference.rstrip(_DIGITS)
            columns.add(letters)
            rows = max(rows, int(reference[len(letters) :] or 0))
    if left > 0:  # cells without a reference, or of another form
        return False
    width = max(map(_column, columns), default=0) + 1
    if width * rows > places:
        rows = max((int(one) for text in _whole_tags(chunks()) for one in set(_ROW.findall(text))), default=0)
    return width * rows <= places


def _used(chunks: Iterator[bytes]) -> UsedCells:
    """Each cell with a value; a cell or a row without a reference follows the one before it."""
    used = UsedCells()
    row = column = -1
    is_text = False
    for text in _whole_tags(chunks):
        for tag, attributes, first in _TAG.findall(text):
            if tag in (b"v", b"is"):
                if first or is_text:
                    used.add(row, column)
                continue
            place = _PLACE.search(attributes)
            if tag == b"row":
                row, column = row + 1 if place is None else int(place[2]) - 1, -1
                continue
            is_text = b"str" in attributes.lower()  # one of no letters is a value too
            if place is None:
                column += 1
            else:
                row, column = int(place[2]) - 1, _column(place[1])
    return used


def _whole_tags(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The text of ``chunks``, each part cut before a tag, so that no tag and no first letter behind it is in two."""
    rest = b""
    for chunk in chunks:
        text = rest + chunk
        cut = text.rfind(b"<")
        if len(text) - cut > _LONGEST:
            cut = len(text)
        rest = text[cut:]
        yield text[:cut]
    yield rest


def _column(letters: bytes) -> int:
    """The place of a column, from 0 for A."""
    place = 0
    for letter in letters.upper():
        place = place * 26 + letter - 64
    return place - 1


def _letters(column: int) -> str:
    """The name of a column, A for 0."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(65 + letter) + name
    return name
