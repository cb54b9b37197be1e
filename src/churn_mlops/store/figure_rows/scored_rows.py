"""Rows behind figures of scores: the predictions of a date, all or without treated customers, best first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, literal, select

from churn_mlops.store.campaigns.arm_outcomes import EXPLORERS_CONTROL_SHARE
from churn_mlops.store.campaigns.assignments import CONTROL
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS, CAMPAIGNS
from churn_mlops.store.database.schema import CONTACTS, OUTCOMES, PREDICTIONS
from churn_mlops.store.figure_rows.rows import row_columns

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


def run_rows(run_id: int, as_of: date, above: ColumnElement[Any], below: ColumnElement[Any]) -> Select[Any]:
    """All predictions of a run; ``above`` and ``below`` are of columns of the predictions."""
    columns = row_columns(
        key=PREDICTIONS.c.rank, customer=PREDICTIONS.c.customer, as_of=literal(as_of), score=PREDICTIONS.c.score,
        group=PREDICTIONS.c.risk_band, above=above, below=below,
    )  # fmt: skip
    return select(*columns).where(PREDICTIONS.c.run_id == run_id)


def band_rows(run_id: int, as_of: date, band: str) -> Select[Any]:
    """Customers of a risk band with final labels, also treated ones. A customer who left counts above the line."""
    columns = row_columns(
        key=PREDICTIONS.c.rank, customer=PREDICTIONS.c.customer, as_of=literal(as_of), score=PREDICTIONS.c.score,
        left=OUTCOMES.c.left, group=PREDICTIONS.c.risk_band, above=case((OUTCOMES.c.left, 1.0), else_=0.0), below=ONE,
    )  # fmt: skip
    return (
        select(*columns)
        .join_from(PREDICTIONS, OUTCOMES, _same_customer(run_id))
        .where(PREDICTIONS.c.run_id == run_id, OUTCOMES.c.left.is_not(None), PREDICTIONS.c.risk_band == band)
    )


def accuracy_rows(
    connection: Connection, name: str, run_id: int, as_of: date, window: Window, *, is_final: bool
) -> Select[Any]:
    """The untreated customers of a date, each by their weight. A top decile counts the first tenth of the weight.

    Args:
        connection: of a transaction that reads.
        name: one of `ACCURACY`.
        run_id: the run of the date. A search by the date itself would read the outcomes of all dates.
        as_of: the date.
        window: in which customers are treated.
        is_final: whether labels count; otherwise each customer counts as a churner by as much as their score.
    """
    first, last = as_of - timedelta(days=window.follow_days), as_of + timedelta(days=window.final_after)
    is_drawn = and_(ASSIGNMENTS.c.customer == PREDICTIONS.c.customer, ASSIGNMENTS.c.assigned_on.between(first, last))
    is_control = exists().where(is_drawn, ASSIGNMENTS.c.arm == CONTROL)
    weight = 1.0 / func.coalesce(_control_share(connection, first, last, is_drawn), 1.0)
    churned = case((OUTCOMES.c.left, 1.0), else_=0.0) if is_final else PREDICTIONS.c.score
    below = weight * PREDICTIONS.c.score if name.endswith("calibration") else weight
    columns = row_columns(
        key=PREDICTIONS.c.rank, customer=PREDICTIONS.c.customer, as_of=literal(as_of), score=PREDICTIONS.c.score,
        left=OUTCOMES.c.left, above=weight * churned, below=below,
    )  # fmt: skip
    query = (
        select(*columns)
        .join_from(PREDICTIONS, OUTCOMES, _same_customer(run_id), isouter=True)
        .where(PREDICTIONS.c.run_id == run_id)
        .where(~exists().where(is_drawn, ASSIGNMENTS.c.arm != CONTROL))
        .where(is_control | ~exists().where(*_is_offered(first, last)))
    )
    return query.where(OUTCOMES.c.left.is_not(None)) if is_final else query


def _control_share(
    connection: Connection, first: date, last: date, is_drawn: ColumnElement[bool]
) -> ColumnElement[float]:
    """The probability of the control group for a customer: the product over their campaigns; null without one."""
    of_id = CAMPAIGNS.c.id == ASSIGNMENTS.c.campaign_id
    drawn = (ASSIGNMENTS.c.assigned_on.between(first, last), ASSIGNMENTS.c.arm == CONTROL)
    terms = select(CAMPAIGNS.c.id, CAMPAIGNS.c.control_share).join(ASSIGNMENTS, of_id).where(*drawn).distinct()
    share: ColumnElement[Any] = ONE
    for number, control_share in connection.execute(terms.order_by(CAMPAIGNS.c.id)):
        own = case((ASSIGNMENTS.c.explored, EXPLORERS_CONTROL_SHARE), else_=control_share)
        share = share * func.min(case((ASSIGNMENTS.c.campaign_id == number, own), else_=1.0))
    share = func.min(ONE) if share is ONE else share
    return select(share).where(is_drawn, ASSIGNMENTS.c.arm == CONTROL).correlate(PREDICTIONS).scalar_subquery()


def _is_offered(first: date, last: date) -> tuple[ColumnElement[bool], ...]:
    """Conditions of a contact in which an offer was made to the customer, or could have been."""
    midnight = [datetime.combine(day, datetime.min.time(), UTC) for day in (first, last + timedelta(days=1))]
    return (
        CONTACTS.c.customer == PREDICTIONS.c.customer,
        CONTACTS.c.result != NOT_OFFERED,
        CONTACTS.c.at >= midnight[0],
        CONTACTS.c.at < midnight[1],
    )


def _same_customer(run_id: int) -> ColumnElement[bool]:
    return and_(OUTCOMES.c.run_id == run_id, OUTCOMES.c.customer == PREDICTIONS.c.customer)
