"""Rows behind a figure: one form for all figures, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, null

Which = Literal["all", "above"]
"""All rows, or only those that count above the line."""


@dataclass(frozen=True)
class FigureRow:
    """A row that a figure counted.

    Args:
        key: its place in the order of the rows: the rank of a score, otherwise the customer ID.
        customer: the customer ID.
        as_of: the date of the score, or of the draw of the arm; None for several lists.
        score: churn probability, in [0, 1]; None where the figure counts no scores.
        left: whether they left; None where it is not final, or not looked at.
        group: the arm of the customer, or their risk band; None where the figure has no groups.
        at: time of the contact that counts, None without one.
        by: the principal that recorded it.
        result: of the contact; the reason where no offer was made.
        above: how much the row counts above the line; None where nothing is counted there.
        below: how much the row counts below the line.
    """

    key: int | str
    customer: str
    as_of: date | None
    score: float | None
    left: bool | None
    group: str | None
    at: datetime | None
    by: str | None
    result: str | None
    above: float | None
    below: float


def row_columns(**given: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """The columns of :class:`FigureRow`, null where none is given."""
    return [given.get(field.name, null()).label(field.name) for field in fields(FigureRow)]


def read_rows(
    connection: Connection, query: Select[Any], which: Which, after: int | str | None, limit: int
) -> list[FigureRow]:
    """Rows of ``query`` by their key. Neither those before nor those behind are read: a figure may count millions.

    Args:
        connection: of a transaction that reads.
        query: gives the columns of :func:`row_columns`.
        which: of the rows.
        after: key of the row before them, None for the first.
        limit: most rows.
    """
    key = query.selected_columns.key
    if after is not None:
        query = query.where(key > after)
    if which == "above":
        query = query.where(query.selected_columns.above != 0)
    return [FigureRow(*row) for row in connection.execute(query.order_by(key).limit(limit))]
