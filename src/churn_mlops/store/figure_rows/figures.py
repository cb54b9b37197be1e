"""Every figure of the dashboard, and the rows that it counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, case, null, select

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.figure_rows.arm_rows import ARMS, Money, arm_rows
from churn_mlops.store.figure_rows.listed_rows import LISTED, listed_rows
from churn_mlops.store.figure_rows.rows import FigureRow, Which, read_rows
from churn_mlops.store.figure_rows.scored_rows import ACCURACY, ONE, Window, accuracy_rows, band_rows, run_rows
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

OF_RUN = ("customers_at_risk", "revenue_at_risk", "score_drift", "churn_by_band")


@dataclass(frozen=True)
class Terms:
    """The settings by which figures count.

    Args:
        threshold: score from which a customer is likely to churn.
        money: of campaigns, and of the revenue at risk.
        window: in which customers are treated.
    """

    threshold: float
    money: Money
    window: Window


@dataclass(frozen=True)
class Asked:
    """Which rows are asked for.

    Args:
        which: all, or only those that count above the line.
        as_of: the date, of a figure that pools several; None for its last.
        after: key of the last row of the page before, None for the first page.
        limit: most rows of the page.
    """

    which: Which = "all"
    as_of: date | None = None
    after: int | str | None = None
    limit: int = 50


@dataclass(frozen=True)
class FigureRows:
    """A page of the rows behind a figure.

    Args:
        rows: of the page.
        has_next: whether there is a page behind it.
        dates: those that the figure pools; empty for a figure of one date.
        as_of: the date whose rows these are, None where the figure is not of a date.
    """

    rows: list[FigureRow]
    has_next: bool
    dates: list[date]
    as_of: date | None


def has_rows(figure: StoredMeasurement) -> bool:
    """Whether the store has the rows behind a figure: not those of groups that the source alone knows."""
    return figure.name in (*ACCURACY, *ARMS) or (figure.name in (*OF_RUN, *LISTED) and figure.rows_as_of is not None)


def rows_of_figure(
    store: Store, day: MeasuredDay, figure: StoredMeasurement, terms: Terms, asked: Asked
) -> FigureRows | None:
    """A page of the rows that a figure counted; None where the store does not have them.

    Args:
        store: the store.
        day: the figures of a measurement.
        figure: one of them.
        terms: by which it counts.
        asked: which page.

    Raises:
        StoreError: the store fails.
        ValueError: the figure does not count the date that is asked for.
    """
    if not has_rows(figure):
        return None
    dates = day.pooled_dates if figure.name in ACCURACY and not figure.part else []
    as_of = dates[-1] if dates else _date_of(figure)
    if asked.as_of not in (None, as_of, *dates):
        raise ValueError("the figure does not count this date")
    as_of = asked.as_of or as_of
    with store.reading("read the rows behind a figure") as connection:
        query = _query(connection, day, figure, as_of, terms)
        if query is None:
            return None
        rows = read_rows(connection, query, asked.which, asked.after, asked.limit + 1)
    return FigureRows(rows[: asked.limit], len(rows) > asked.limit, dates, as_of)


def _date_of(figure: StoredMeasurement) -> date | None:
    return date.fromisoformat(figure.part) if figure.name in ACCURACY and figure.part else figure.rows_as_of


def _query(
    connection: Connection, day: MeasuredDay, figure: StoredMeasurement, as_of: date | None, terms: Terms
) -> Select[Any] | None:
    if figure.name in ARMS:
        is_enough = figure.value is not None
        return arm_rows(connection, figure.name, int(figure.part), terms.money, is_enough=is_enough)
    if as_of is None:
        return None
    if figure.name in LISTED:
        return listed_rows(figure.name, figure.part, as_of, day.measured_at)
    run_id = connection.scalar(select(RUNS.c.id).where(RUNS.c.as_of == as_of))
    if run_id is None:
        return None
    if figure.name in ACCURACY:
        return accuracy_rows(connection, figure.name, run_id, as_of, terms.window, is_final=figure.is_final)
    if figure.name == "churn_by_band":
        return band_rows(run_id, as_of, figure.part)
    return _of_run(figure.name, run_id, as_of, terms)


def _of_run(name: str, run_id: int, as_of: date, terms: Terms) -> Select[Any]:
    if name == "customers_at_risk":
        return run_rows(run_id, as_of, case((PREDICTIONS.c.score >= terms.threshold, 1.0), else_=0.0), ONE)
    if name == "revenue_at_risk":
        value = ONE * terms.money.customer_value
        return run_rows(run_id, as_of, PREDICTIONS.c.score * terms.money.customer_value, value)
    return run_rows(run_id, as_of, null(), ONE)
