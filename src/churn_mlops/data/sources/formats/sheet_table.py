"""The table in a sheet, or in a page: where its header is, and which rows below it are customers.

People put titles above a table, leave rows and columns empty, and write remarks below it. Only the table is read; each
thing that is not is remarked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from churn_mlops.data.sources.files import identifier
from churn_mlops.data.sources.formats.cell_texts import write_texts
from churn_mlops.data.sources.formats.converted import ConvertedTable, Remark
from churn_mlops.errors import SourceError

LOOKED_AT = 50
"""The rows among which the header is looked for."""
_LEAST_SHARE = 0.8
_SAMPLE_ROWS, _LEAST_ROWS = 200, 2
_YEARS = range(1900, 2101)
Row = Sequence[Any]


def table_of_rows(rows: Iterable[Row], path: Path, where: str, merged: Collection[int] = ()) -> ConvertedTable | None:
    """Write the table among ``rows`` to a Parquet file at ``path``; None where they hold no table.

    Args:
        rows: cells of any type, all rows of one width; None and an empty text are blank.
        path: of the Parquet file.
        where: the sheet, for errors.
        merged: places of the rows in which cells are merged over several columns, such as titles.

    Raises:
        SourceError: two columns have one name.
    """
    rest = iter(rows)
    head = list(islice(rest, LOOKED_AT))
    place = _header(head, merged)
    if place is None:
        return None
    below = _Below(chain(head[place + 1 :], rest), place + 2)
    found = write_texts(below, len(head[place]), path)
    if not below.rows:
        return None
    names = _names(head[place], found, f"{where}, row {place + 1}")
    columns = {name: _read(at, found[at]) for at, name in names.items()}
    return ConvertedTable(path, columns, tuple(_remarks(head[:place], place, below)))


def is_blank(cell: Any) -> bool:
    """Whether nothing stands in ``cell``."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


class _Below:
    """The rows below a header, without empty ones, notes at the end, and another table.

    Args:
        rows: those below the header.
        first: number of the first of them in its sheet.
    """

    def __init__(self, rows: Iterable[Row], first: int) -> None:
        self._source, self._first = rows, first
        self._sample: list[Row] = []
        self.rows, self.notes = 0, [""][:0]
        self.other: tuple[int, str] | None = None

    def __iter__(self) -> Iterator[Row]:
        after_gap, waiting = False, deque[Row]()
        for number, row in enumerate(self._source, start=self._first):
            filled = sum(not is_blank(cell) for cell in row)
            if not filled:
                after_gap = True
                continue
            if after_gap and filled > 1 and self._begins_another(row):
                self.other = (number, _texts(row)[0])
                break
            if filled == 1 and len(row) > 2 and self.rows and (after_gap or waiting):
                waiting.append(row)
            else:
                yield from self._counted([*waiting, row])
                waiting.clear()
            after_gap = False
        self.notes = [_texts(row)[0] for row in waiting]

    def _counted(self, rows: Sequence[Row]) -> Sequence[Row]:
        self.rows += len(rows)
        if len(self._sample) < _SAMPLE_ROWS:
            self._sample += rows
        return rows

    def _begins_another(self, row: Row) -> bool:
        """Whether ``row`` is the header of another table: a name, or a blank cell, where so far numbers always were."""
        if len(self._sample) < _LEAST_ROWS or not all(is_blank(cell) or _is_name(cell) for cell in row):
            return False
        return any(
            _is_name(cell) or not any(map(is_blank, cells))
            for cell, cells in zip(row, zip(*self._sample, strict=True), strict=True)
            if any(map(_is_number, cells)) and not any(map(_is_name, cells))
        )


def _header(head: Sequence[Row], merged: Collection[int]) -> int | None:
    """The place of the header: the first row of names that is about as wide as the widest row."""
    widths = [sum(not is_blank(cell) for cell in row) for row in head]
    widest = max(widths, default=0)
    if widest < 2:
        return None
    for place, (row, width) in enumerate(zip(head, widths, strict=True)):
        wide = width >= 2 and (width >= _LEAST_SHARE * widest or width == widest - 1)
        if wide and place not in merged and _are_names(row):
            return place
    return None


def _are_names(row: Row) -> bool:
    """Whether the cells of ``row`` may be names: texts that differ, and years or months beside them."""
    cells = [cell for cell in row if not is_blank(cell)]
    texts = [cell for cell in cells if _is_name(cell)]
    others = [cell for cell in cells if not _is_name(cell)]
    periods = all(isinstance(cell, date) or (_is_number(cell) and float(cell) in _YEARS) for cell in others)
    return bool(texts) and periods and len(texts) >= len(others) / 12


def _is_name(cell: Any) -> bool:
    return isinstance(cell, str) and bool(cell.strip()) and not _is_number(cell)


def _texts(row: Row) -> list[str]:
    return [str(cell).strip() for cell in row if not is_blank(cell)]


def _is_number(cell: Any) -> bool:
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return not isinstance(cell, bool)


def _names(header: Row, found: Sequence[set[type]], where: str) -> dict[int, str]:
    """The names of the columns by their places; a column without a name and without a value is none."""
    names: dict[int, str] = {}
    seen: dict[str, int] = {}
    for place, (cell, types) in enumerate(zip(header, found, strict=True)):
        if is_blank(cell) and not types:
            continue
        name = f"column_{place + 1}" if is_blank(cell) else _name(cell)
        if name.lower() in seen:
            raise SourceError(
                f"{where}: columns {seen[name.lower()]} and {place + 1} are both called {name!r}"
                " (capitals do not make names different); rename or remove one"
            )
        seen[name.lower()] = place + 1
        names[place] = name
    return names


def _name(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return " ".join(str(cell).split())


def _read(place: int, types: set[type]) -> str:
    """The SQL of a column; in one of times a day alone is its midnight, since a workbook writes both alike."""
    column = identifier(str(place))
    if {date, datetime} <= types:
        is_day = f"regexp_full_match({column}, '\\d{{4}}-\\d\\d-\\d\\d')"
        return f"CASE WHEN {is_day} THEN {column} || ' 00:00:00' ELSE {column} END"
    return column


def _remarks(above: Sequence[Row], place: int, below: _Below) -> Iterator[Remark]:
    titles = [text for row in above for text in _texts(row)]
    if titles:
        yield Remark(
            "header_below",
            f"has its header in row {place + 1}, below {titles[0]!r}, and what stands above it is not read: is it the "
            "right row?",
        )
    if below.other is not None:
        row, name = below.other
        yield Remark(
            "table_below",
            f"has another table below it, from row {row} ({name!r}) on: it is not read. Is that right? Give it a "
            "sheet of its own",
        )
    if below.notes:
        rows = f"{len(below.notes)} row{'s' * (len(below.notes) > 1)}"
        yield Remark(
            "note_below", f"has {rows} below the table ({below.notes[0]!r}): taken for notes, not read. Are they?"
        )
