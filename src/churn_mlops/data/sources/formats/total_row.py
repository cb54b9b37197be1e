"""The rows below a table that are no customers, and are not read: a sum, such as "Grand total", and blank rows.

The word alone proves nothing, since a customer may be called Total. The row must also have a blank cell where no other
row has one, or a number that is the sum of the others.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import ibis

from churn_mlops.data.sources.files import identifier

_WORDS = (
    r"(grand|over-?all|sub|report|general)?[\s_-]*totals?|totals?\s+general|totale[ns]?|totaal|totalt|sum|summe|gesamt|"
    r"gesamtsumme|gesamtergebnis|insgesamt|endsumme|total\s+g[eé]n[eé]ral|suma|sumy|razem|итого|всего|合計|合计|总计|總計"
)
_TOTAL = re.compile(rf"\W*({_WORDS})\W*(\d[\d.,\s]*)?(customers|rows|kunden|clients)?\W*", re.IGNORECASE)
_MOST_ROWS = 3  # such as a sum, a mean and a count
_LEAST_ROWS = 2
_ROUNDED = 0.005


class TotalRow(NamedTuple):
    """A row that was left out: its first text, and how it shows."""

    text: str
    sign: str

    def __str__(self) -> str:
        """The fact, and what to do."""
        return (
            f"ends with a row that begins with {self.text!r} and {self.sign}: it is taken for a total and not "
            "read. Is it one? If it is a customer, put another row below it"
        )


def may_be_total(text: str) -> bool:
    """Whether ``text``, the first of a row, says that the row is a total."""
    return _TOTAL.fullmatch(text.strip()) is not None


def without_total(connection: ibis.BaseBackend, name: str) -> list[TotalRow]:
    """Remove the total rows from the end of the table ``name`` of texts of ``connection``, and return them."""
    table = identifier(name)
    columns, rows = _last_rows(connection, table)
    last = list(takewhile(lambda row: may_be_total(_first_text(row[1:])), rows))
    found: list[TotalRow] = []
    for place, *cells in last:
        sign = _sign(connection, table, last[-1][0], dict(zip(columns, cells, strict=True)))
        if sign is None:
            break
        _end_before(connection, table, place)
        found.append(TotalRow(_first_text(cells), sign))
    return found


def without_blank_rows(connection: ibis.BaseBackend, name: str) -> int:
    """Remove the rows without any value from the end of the table ``name`` of texts, and return how many they were."""
    columns, rows = _last_rows(connection, identifier(name))
    if not rows or _first_text(rows[0][1:]):
        return 0
    table = connection.table(name)
    is_filled = ibis.or_(*(table[column].strip().length() > 0 for column in columns))
    last = table.rowid().max(where=is_filled).to_pyarrow().as_py()
    return _end_before(connection, identifier(name), 0 if last is None else last + 1)


def _last_rows(connection: ibis.BaseBackend, table: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns of ``table``, and the place and cells of its last rows, the last one first."""
    cursor = connection.raw_sql(f"SELECT rowid, * FROM {table} ORDER BY rowid DESC LIMIT {_MOST_ROWS}")  # noqa: S608 a quoted name
    return [item[0] for item in cursor.description][1:], cursor.fetchall()


def _end_before(connection: ibis.BaseBackend, table: str, place: int) -> int:
    """Remove the rows of ``table`` from ``place`` on, and return how many they were."""
    deleted = connection.raw_sql(f"DELETE FROM {table} WHERE rowid >= {int(place)}")  # noqa: S608 a quoted name and a number
    return int(deleted.fetchone()[0])


def _first_text(cells: Sequence[str | None]) -> str:
    return next((cell.strip() for cell in cells if cell is not None and cell.strip()), "")


def _sign(connection: ibis.BaseBackend, table: str, end: int, cells: dict[str, str | None]) -> str | None:
    """How a row shows that it is no customer, beside the rows before ``end``; None where it does not."""
    blank = [column for column, cell in cells.items() if cell is None or not cell.strip()]
    numbers = {column: number for column, cell in cells.items() if (number := _number(cell)) is not None}
    asked = ["count(*)"]
    asked += [f"count(*) FILTER (WHERE trim(coalesce({identifier(column)}, '')) = '')" for column in blank]
    asked += [f"sum(try_cast({identifier(column)} AS DOUBLE))" for column in numbers]
    ((rows, *answer),) = connection.raw_sql(
        f"SELECT {', '.join(asked)} FROM {table} WHERE rowid < {int(end)}"  # noqa: S608 quoted names
    ).fetchall()
    if rows < _LEAST_ROWS:
        return None
    blanks, sums = answer[: len(blank)], answer[len(blank) :]
    if 0 in blanks:
        return f"has no {blank[blanks.index(0)]!r}, as all other rows have"
    for (column, number), total in zip(numbers.items(), sums, strict=True):
        if total and abs(total - number) <= max(_ROUNDED * rows, _ROUNDED * abs(number) / 100):
            return f"has the sum of all other rows in {column!r}"
    return None


def _number(cell: str | None) -> float | None:
    try:
        return float(cell or "")
    except ValueError:
        return None
