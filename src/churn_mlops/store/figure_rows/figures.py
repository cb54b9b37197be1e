"""Every figure of the dashboard, and the rows that it counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, case, null

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS
from churn_mlops.store.figure_rows.arm_rows import ARMS, Money, arm_rows
from churn_mlops.store.figure_rows.listed_rows import LISTED, listed_rows
from churn_mlops.store.figure_rows.rows import FigureRows, Order, read_rows
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
        order: of the rows.
        skip: rows of the pages before.
        limit: most rows of the page.
    """

    order: Order = "counted"
    skip: int = 0
    limit: int = 50


def has_rows(figure: StoredMeasurement) -> bool:
    """Whether the store has the rows behind a figure: not those of groups that the source alone knows."""
    return figure.name in (*ACCURACY, *ARMS) or (figure.name in (*OF_RUN, *LISTED) and figure.rows_as_of is not None)


def rows_of_figure(
    store: Store, day: MeasuredDay, figure: StoredMeasurement, terms: Terms, asked: Asked
) -> FigureRows | None:
    """A page of the rows that a figure counted, and their sums; None where the store does not have them.

    Args:
        store: the store.
        day: the figures of a measurement.
        figure: one of them.
        terms: by which it counts.
        asked: which page.

    Raises:
        StoreError: the store fails.
    """
    if not has_rows(figure):
        return None
    with store.reading("read the rows behind a figure", much=True) as connection:
        query = _query(connection, day, figure, terms)
        return None if query is None else read_rows(connection, query, asked.order, asked.skip, asked.limit)


def _query(connection: Connection, day: MeasuredDay, figure: StoredMeasurement, terms: Terms) -> Select[Any] | None:
    if figure.name in ARMS:
        is_enough = figure.value is not None
        return arm_rows(connection, figure.name, int(figure.part), terms.money, is_enough=is_enough)
    if figure.name in ACCURACY:
        dates = [date.fromisoformat(figure.part)] if figure.part else day.pooled_dates
        if not dates:
            return None
        return accuracy_rows(connection, figure.name, dates, terms.window, is_final=figure.is_final)
    if figure.rows_as_of is None:
        return None
    if figure.name in LISTED:
        return listed_rows(figure.name, figure.part, figure.rows_as_of, day.measured_at)
    if figure.name == "churn_by_band":
        return band_rows(figure.rows_as_of, figure.part)
    return _of_run(figure.name, figure.rows_as_of, terms)


def _of_run(name: str, as_of: date, terms: Terms) -> Select[Any]:
    if name == "customers_at_risk":
        return run_rows(as_of, case((PREDICTIONS.c.score >= terms.threshold, 1.0), else_=0.0), ONE)
    if name == "revenue_at_risk":
        value = ONE * terms.money.customer_value
        return run_rows(as_of, PREDICTIONS.c.score * terms.money.customer_value, value)
    return run_rows(as_of, null(), ONE)
