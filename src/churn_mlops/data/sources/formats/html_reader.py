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
_WIDEST = 1000
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
        self._spans: list[int] = []
        self._wide: set[int] = set()

    def merged_in(self, rows: list[Row]) -> frozenset[int]:
        """The places of ``rows`` in which a cell is merged over several columns."""
        return frozenset(place for place, row in enumerate(rows) if id(row) in self._wide)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a table, a row or a cell."""
        if tag == "table":
            self.tables.append([])
            self._open.append(self.tables[-1])
            self._cells.append(None)
            self._spans.append(1)
        elif not self._open:
            return
        elif tag == "tr":
            self._end_cell()
            self._open[-1].append([])
        elif tag in ("td", "th"):
            self._end_cell()
            span = dict(attrs).get("colspan") or "1"
            self._spans[-1] = min(int(span), _WIDEST) if span.isdecimal() else 1
            self._cells[-1] = []
        elif tag == "br":
            self.handle_data(" ")

    def handle_endtag(self, tag: str) -> None:
        """End a cell, a row or a table."""
        if not self._open:
            return
        if tag in ("td", "th", "tr"):
            self._end_cell()
        elif tag == "table":
            self._end_cell()
            for stack in (self._open, self._cells, self._spans):
                stack.pop()

    def handle_data(self, data: str) -> None:
        """Text in a cell."""
        if self._cells and self._cells[-1] is not None:
            self._cells[-1].append(data)

    def _end_cell(self) -> None:
        cell = self._cells[-1]
        if cell is None:
            return
        if not self._open[-1]:
            self._open[-1].append([])
        row = self._open[-1][-1]
        row += [" ".join("".join(cell).split()), *[""] * (self._spans[-1] - 1)]
        if self._spans[-1] > 1:
            self._wide.add(id(row))
        self._cells[-1] = None


def starts_as_page(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a page of HTML."""
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    return text.startswith((b"<!doctype html", b"<html", b"<table", b"<head", b"<meta", b"<style", b"<div", b"<body"))
