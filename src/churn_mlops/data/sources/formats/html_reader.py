"""Pages that are called .xls: many systems export a table of HTML so. The largest table of the page is read.

Its cells are texts as they stand on the page.
"""

from __future__ import annotations

import codecs
import re
from html.parser import HTMLParser
from pathlib import Path

from churn_mlops.data.sources.formats.converted import ConvertedTable
from churn_mlops.data.sources.formats.sheet_table import LOOKED_AT, table_of_rows
from churn_mlops.errors import SourceError

_CHARSET = re.compile(rb"charset\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CHUNK = 1 << 20
_WIDEST, _TALLEST = 1000, 65_534  # as browsers bound the columns and rows of a cell
_NOT_SHOWN = ("script", "style")
Row = list[str]


def convert_page(path: Path, folder: Path) -> dict[str, ConvertedTable]:
    """Write the largest table of the page at ``path`` into ``folder``.

    Raises:
        SourceError: it holds no table, or its letters are none of the encoding that it names.
    """
    page = _Tables()
    encoding = _encoding(path)
    try:
        with path.open(encoding=encoding, newline="") as file:
            while text := file.read(_CHUNK):
                page.feed(text)
        page.close()
    except (UnicodeError, LookupError):
        raise SourceError(f"{path} is no page in {encoding}: save it in a spreadsheet as .xlsx") from None
    rows = max(page.tables, key=len, default=[])
    width = max(map(len, rows), default=0)
    even = (row + [""] * (width - len(row)) for row in rows)
    found = table_of_rows(even, folder / "table.parquet", f"{path} (a page of HTML)", page.merged_in(rows))
    if found is None:
        raise SourceError(
            f"{path} is a page of HTML without a table of a header, in its first {LOOKED_AT} rows, and rows below it: "
            "open it in a spreadsheet and save it as .xlsx"
        )
    return {"table": found}


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(4096)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    named = _CHARSET.search(head)
    if marked is not None:
        return marked
    if named is not None:
        return named[1].decode("ascii", errors="replace")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


class _Tables(HTMLParser):
    """The tables of a page; one inside a cell is a table of its own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[Row]] = []
        self._open: list[list[Row]] = []
        self._cells: list[list[str] | None] = []
        self._spans: list[tuple[int, int]] = []  # columns and rows of the open cell
        self._down: list[dict[int, tuple[int, str]]] = []  # by column: rows that a cell still reaches into, its text
        self._is_shown = True
        self._wide: set[int] = set()

    def merged_in(self, rows: list[Row]) -> frozenset[int]:
        """The places of ``rows`` in which a cell is merged over several columns."""
        return frozenset(place for place, row in enumerate(rows) if id(row) in self._wide)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell."""
        if tag in _NOT_SHOWN:
            self._is_shown = False
        elif tag == "table":
            self.tables.append([])
            self._open.append(self.tables[-1])
            self._cells.append(None)
            self._spans.append((1, 1))
            self._down.append({})
        elif not self._open:
            return
        elif tag == "tr":
            self._end_row()
            self._open[-1].append([])
        elif tag in ("td", "th"):
            self._end_cell()
            given = dict(attrs)
            self._spans[-1] = _span(given.get("colspan"), _WIDEST), _span(given.get("rowspan"), _TALLEST)
            self._cells[-1] = []
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        """End a cell, a row or a table."""
        if tag in _NOT_SHOWN:
            self._is_shown = True
        elif not self._open:
            return
        elif tag in ("td", "th", "tr"):
            self._end_cell()
        elif tag == "table":
            self._end_row()
            for stack in (self._open, self._cells, self._spans, self._down):
                stack.pop()

    def handle_data(self, data: str) -> None:
        """Text in a cell."""
        if self._is_shown and self._cells and self._cells[-1] is not None:
            self._cells[-1].append(data)

    def _end_cell(self) -> None:
        cell = self._cells[-1]
        if cell is None:
            return
        if not self._open[-1]:
            self._open[-1].append([])
        row, (columns, rows) = self._open[-1][-1], self._spans[-1]
        while len(row) in self._down[-1]:
            self._reach_down(row, len(row))
        texts = [" ".join("".join(cell).split()), *[""] * (columns - 1)]
        if rows > 1:
            self._down[-1] |= {place: (rows - 1, text) for place, text in enumerate(texts, start=len(row))}
        row += texts
        if columns > 1:
            self._wide.add(id(row))
        self._cells[-1] = None

    def _end_row(self) -> None:
        self._end_cell()
        if not self._open[-1]:
            return
        row = self._open[-1][-1]
        for place in sorted(place for place in self._down[-1] if place >= len(row)):
            self._reach_down(row, place)

    def _reach_down(self, row: Row, place: int) -> None:
        """Repeat at ``place`` of ``row`` the text of a cell that begins in a row above and reaches into this one."""
        left, text = self._down[-1].pop(place)
        row += [*[""] * (place - len(row)), text]
        if left > 1:
            self._down[-1][place] = (left - 1, text)


def _span(given: str | None, most: int) -> int:
    """How many columns or rows a cell takes; 0 means all that follow."""
    return min(int(given), most) or most if given is not None and given.isdecimal() else 1


def starts_as_page(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a page of HTML."""
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    return text.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta", b"<style", b"<div", b"<body"))
