"""The row below a table that sums it up, such as "Grand total": it is no customer, and is not read.

The word alone proves nothing, since a customer may be called Total. The row must also have a blank cell where no other
row has one, or a number that is the sum of the others.
"""

from __future__ import annotations

import re
from typing import NamedTuple

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
    found: list[TotalRow] = []
    table = identifier(name)
    while len(found) < _MOST_ROWS:
        cursor = connection.raw_sql(f"SELECT rowid, * FROM {table} ORDER BY rowid DESC LIMIT 1")  # noqa: S608 a quoted name
        columns = [item[0] for item in cursor.description][1:]
        rows = cursor.fetchall()
        if not rows:
            return found
        place, *cells = rows[0]
        text = next((str(cell).strip() for cell in cells if cell is not None and str(cell).strip()), "")
        sign = _sign(connection, table, place, dict(zip(columns, cells, strict=True))) if may_be_total(text) else None
        if sign is None:
            return found
        connection.raw_sql(f"DELETE FROM {table} WHERE rowid = {int(place)}")  # noqa: S608 a quoted name and a number
        found.append(TotalRow(text, sign))
    return found


def _sign(connection: ibis.BaseBackend, table: str, place: int, cells: dict[str, str | None]) -> str | None:
    """How the row shows that it is no customer; None where it does not."""
    blank = [column for column, cell in cells.items() if cell is None or not cell.strip()]
    numbers = {column: number for column, cell in cells.items() if (number := _number(cell)) is not None}
    asked = [f"count(*) FILTER (WHERE trim(coalesce({identifier(column)}, '')) = '')" for column in blank]
    asked += [f"sum(try_cast({identifier(column)} AS DOUBLE))" for column in numbers]
    (answer,) = connection.raw_sql(
        f"SELECT count(*), {', '.join(asked)} FROM {table} WHERE rowid <> {int(place)}"  # noqa: S608 quoted names
    ).fetchall()
    rows, blanks, sums = answer[0], answer[1 : 1 + len(blank)], answer[1 + len(blank) :]
    if rows < _LEAST_ROWS:
        return None
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
