"""Rows behind a figure: one form for all figures, a page at a time, with their sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Double, Select, cast, func, null, select, true
from sqlalchemy.sql.base import ReadOnlyColumnCollection

Order = Literal["counted", "customer", "score"]
"""Rows that count above the line first; by customer ID; the highest score first."""


@dataclass(frozen=True)
class FigureRow:
    """A row that a figure counted.

    Args:
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


@dataclass(frozen=True)
class FigureRows:
    """A page of the rows behind a figure.

    Args:
        rows: of the page.
        count: of all pages.
        numerator: sum of what counts above the line; None where nothing is counted there.
        denominator: sum of what counts below the line.
    """

    rows: list[FigureRow]
    count: int
    numerator: float | None
    denominator: float


def row_columns(**given: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """The columns of :class:`FigureRow`, null where none is given."""
    return [given.get(field.name, null()).label(field.name) for field in fields(FigureRow)]


def read_rows(connection: Connection, query: Select[Any], order: Order, skip: int, limit: int) -> FigureRows:
    """A page of the rows of ``query``, with the sums of all.

    Args:
        connection: of a transaction that reads.
        query: gives the columns of :func:`row_columns`.
        order: of the rows.
        skip: rows of the pages before.
        limit: most rows of the page.
    """
    found = query.cte("counted")  # it is used twice, and so computed once
    above = cast(found.c.above, Double)  # null has no type of its own
    sums = select(func.count(), func.sum(above), func.sum(found.c.below)).select_from(found).subquery()
    page = select(found).order_by(*_in_order(found.c, order)).offset(skip).limit(limit).subquery()
    both = select(sums, page).select_from(sums.outerjoin(page, true())).order_by(*_in_order(page.c, order))
    rows = connection.execute(both).all()
    count, numerator, denominator = rows[0][:3]
    of_page = [FigureRow(*row[3:]) for row in rows if row[3] is not None]
    return FigureRows(of_page, count, None if numerator is None else float(numerator), float(denominator or 0))


def _in_order(of: ReadOnlyColumnCollection[str, Any], order: Order) -> tuple[ColumnElement[Any], ...]:
    first: Mapping[Order, tuple[ColumnElement[Any], ...]] = {
        "counted": (func.abs(func.coalesce(cast(of.above, Double), 0)).desc(),),
        "customer": (),
        "score": (of.score.desc(),),
    }
    return (*first[order], of.customer, of.as_of)
