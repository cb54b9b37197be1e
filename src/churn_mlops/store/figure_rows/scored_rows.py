"""Rows behind figures of scores: the predictions of a date, or of several without treated customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, func, literal, select, union_all

from churn_mlops.store.campaigns.arm_outcomes import EXPLORERS_CONTROL_SHARE
from churn_mlops.store.campaigns.assignments import CONTROL
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS, CAMPAIGNS
from churn_mlops.store.database.schema import CONTACTS, OUTCOMES, PREDICTIONS, RUNS
from churn_mlops.store.figure_rows.rows import row_columns

TOP = 0.1
"""The share of the customers with the highest scores."""
ACCURACY = ("auc", "log_loss", "calibration", "top_decile_calibration", "top_decile_lift")
ONE = literal(1.0)


@dataclass(frozen=True)
class Window:
    """The days around a date in which a customer may be treated.

    Args:
        follow_days: days before it, for which an offer may still act.
        final_after: days behind it until its labels are final.
    """

    follow_days: int
    final_after: int


def run_rows(as_of: date, above: ColumnElement[Any], below: ColumnElement[Any]) -> Select[Any]:
    """All predictions of a date; ``above`` and ``below`` are of columns of the predictions."""
    columns = row_columns(
        customer=PREDICTIONS.c.customer, as_of=RUNS.c.as_of, score=PREDICTIONS.c.score,
        group=PREDICTIONS.c.risk_band, above=above, below=below,
    )  # fmt: skip
    return select(*columns).join_from(PREDICTIONS, RUNS, RUNS.c.id == PREDICTIONS.c.run_id).where(RUNS.c.as_of == as_of)


def band_rows(as_of: date, band: str) -> Select[Any]:
    """Customers of a risk band with final labels, also treated ones. A customer who left counts above the line."""
    columns = row_columns(
        customer=PREDICTIONS.c.customer, as_of=RUNS.c.as_of, score=PREDICTIONS.c.score, left=OUTCOMES.c.left,
        group=PREDICTIONS.c.risk_band, above=case((OUTCOMES.c.left, 1.0), else_=0.0), below=ONE,
    )  # fmt: skip
    return (
        select(*columns)
        .join_from(PREDICTIONS, RUNS, RUNS.c.id == PREDICTIONS.c.run_id)
        .join(OUTCOMES, _same_customer())
        .where(RUNS.c.as_of == as_of, OUTCOMES.c.left.is_not(None), PREDICTIONS.c.risk_band == band)
    )


def accuracy_rows(
    connection: Connection, name: str, dates: Sequence[date], window: Window, *, is_final: bool
) -> Select[Any]:
    """The untreated customers of some dates, each by their weight.

    Args:
        connection: of a transaction that reads.
        name: one of `ACCURACY`.
        dates: at least one.
        window: in which customers are treated.
        is_final: whether labels count; otherwise each customer counts as a churner by as much as their score.
    """
    parts = [_untreated(connection, one, window, only_final=is_final) for one in dates]
    rows = union_all(*parts).subquery()
    if name.startswith("top_decile"):
        rows = _top(rows)
    churned = case((rows.c.left, 1.0), else_=0.0) if is_final else rows.c.score
    below = rows.c.weight * rows.c.score if name.endswith("calibration") else rows.c.weight
    columns = row_columns(
        customer=rows.c.customer, as_of=rows.c.as_of, score=rows.c.score, left=rows.c.left,
        above=rows.c.weight * churned, below=below,
    )  # fmt: skip
    return select(*columns).where(rows.c.weight > 0)


def _untreated(connection: Connection, as_of: date, window: Window, *, only_final: bool) -> Select[Any]:
    first, last = as_of - timedelta(days=window.follow_days), as_of + timedelta(days=window.final_after)
    control = _control(connection, first, last)
    offered = _offered(first, last).where(CONTACTS.c.customer.not_in(select(control.c.customer)))
    weight = 1.0 / func.coalesce(control.c.share, 1.0)
    query = (
        select(PREDICTIONS.c.customer, RUNS.c.as_of, PREDICTIONS.c.score, OUTCOMES.c.left, weight.label("weight"))
        .join_from(PREDICTIONS, RUNS, RUNS.c.id == PREDICTIONS.c.run_id)
        .join(OUTCOMES, _same_customer(), isouter=True)
        .join(control, control.c.customer == PREDICTIONS.c.customer, isouter=True)
        .where(RUNS.c.as_of == as_of)
        .where(PREDICTIONS.c.customer.not_in(_treated(first, last)), PREDICTIONS.c.customer.not_in(offered))
    )
    return query.where(OUTCOMES.c.left.is_not(None)) if only_final else query


def _treated(first: date, last: date) -> Select[Any]:
    drawn = ASSIGNMENTS.c.assigned_on.between(first, last)
    return select(ASSIGNMENTS.c.customer).where(drawn, ASSIGNMENTS.c.arm != CONTROL)


def _control(connection: Connection, first: date, last: date) -> Subquery:
    """Customers of control groups, with the probability of it: the product over their campaigns."""
    drawn = and_(ASSIGNMENTS.c.assigned_on.between(first, last), ASSIGNMENTS.c.arm == CONTROL)
    of_id = CAMPAIGNS.c.id == ASSIGNMENTS.c.campaign_id
    share: ColumnElement[Any] = ONE
    terms = select(CAMPAIGNS.c.id, CAMPAIGNS.c.control_share).join(ASSIGNMENTS, of_id).where(drawn).distinct()
    for number, control_share in connection.execute(terms.order_by(CAMPAIGNS.c.id)):
        own = case((ASSIGNMENTS.c.explored, EXPLORERS_CONTROL_SHARE), else_=control_share)
        share = share * func.min(case((ASSIGNMENTS.c.campaign_id == number, own), else_=1.0))
    share = share if share is not ONE else func.min(ONE)
    grouped = select(ASSIGNMENTS.c.customer, share.label("share")).where(drawn).group_by(ASSIGNMENTS.c.customer)
    return grouped.subquery()


def _offered(first: date, last: date) -> Select[Any]:
    """Customers with a contact in which an offer was made, or could have been."""
    midnight = [datetime.combine(day, datetime.min.time(), UTC) for day in (first, last + timedelta(days=1))]
    made = (CONTACTS.c.result != NOT_OFFERED, CONTACTS.c.customer != "")
    at = (CONTACTS.c.at >= midnight[0], CONTACTS.c.at < midnight[1])
    return select(CONTACTS.c.customer).where(*made, *at)


def _top(rows: Subquery) -> Subquery:
    """The top decile by weight: rows that tie at its edge share what is left of it."""
    together = func.sum(rows.c.weight).over(partition_by=rows.c.score)
    above = func.sum(rows.c.weight).over(order_by=rows.c.score.desc()) - together
    room = (TOP * func.sum(rows.c.weight).over() - above) / together
    shared = select(rows, room.label("room")).subquery()
    share = case((shared.c.room >= 1, 1.0), (shared.c.room <= 0, 0.0), else_=shared.c.room)
    own = (shared.c.customer, shared.c.as_of, shared.c.score, shared.c.left)
    return select(*own, (shared.c.weight * share).label("weight")).subquery()


def _same_customer() -> ColumnElement[bool]:
    return and_(OUTCOMES.c.run_id == PREDICTIONS.c.run_id, OUTCOMES.c.customer == PREDICTIONS.c.customer)
