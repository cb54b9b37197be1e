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
    below = _Below(chain(head[place + 1 :], rest))
    found = write_texts(below, len(head[place]), path)
    if not below.rows:
        return None
    names = _names(head[place], found, f"{where}, row {place + 1}")
    columns = {name: _read(at, found[at]) for at, name in names.items()}
    return ConvertedTable(path, columns, tuple(_remarks(head[:place], place, below.notes)))


def is_blank(cell: Any) -> bool:
    """Whether nothing stands in ``cell``."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


class _Below:
    """The rows below a header, without empty ones and without the remarks at the end."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._source = rows
        self.rows, self.notes = 0, [""][:0]

    def __iter__(self) -> Iterator[Row]:
        after_gap, waiting = False, deque[Row]()
        for row in self._source:
            filled = sum(not is_blank(cell) for cell in row)
            if not filled:
                after_gap = True
                continue
            if filled == 1 and len(row) > 2 and self.rows and (after_gap or waiting):
                waiting.append(row)
            else:
                while waiting:
                    self.rows += 1
                    yield waiting.popleft()
                self.rows += 1
                yield row
            after_gap = False
        self.notes = [next(str(cell).strip() for cell in row if not is_blank(cell)) for row in waiting]


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
    texts = [cell for cell in cells if isinstance(cell, str) and not _is_number(cell)]
    others = [cell for cell in cells if not isinstance(cell, str) or _is_number(cell)]
    periods = all(isinstance(cell, date) or (_is_number(cell) and float(cell) in _YEARS) for cell in others)
    return bool(texts) and periods and len(texts) >= len(others) / 12


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


def _remarks(above: Sequence[Row], place: int, notes: Sequence[str]) -> Iterator[Remark]:
    titles = [str(cell).strip() for row in above for cell in row if not is_blank(cell)]
    if titles:
        yield Remark(
            "header_below",
            f"has its header in row {place + 1}, below {titles[0]!r}, and what stands above it is not read: is it the "
            "right row?",
        )
    if notes:
        rows = f"{len(notes)} row{'s' * (len(notes) > 1)}"
        yield Remark("note_below", f"has {rows} below the table ({notes[0]!r}): taken for notes, not read. Are they?")
