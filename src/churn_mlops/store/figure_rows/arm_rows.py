"""Rows behind the figures of a campaign: its customers with final labels, by arm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, func, null, select

from churn_mlops.store.campaigns.arm_outcomes import labelled_assignments
from churn_mlops.store.campaigns.assignments import CONTROL
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.database.campaign_tables import CAMPAIGNS
from churn_mlops.store.database.schema import CONTACTS
from churn_mlops.store.figure_rows.rows import row_columns
from churn_mlops.store.figure_rows.scored_rows import ONE

ARMS = ("stayed_treated", "stayed_control", "success", "roi")


@dataclass(frozen=True)
class Money:
    """The value of a kept customer and the cost of a contact, USD."""

    customer_value: float
    contact_cost: float


def arm_rows(connection: Connection, name: str, campaign_id: int, money: Money, *, is_enough: bool) -> Select[Any]:
    """The customers of a campaign that a figure counts.

    The arms differ in size. So each customer of the control group who stayed takes off as many as the treated arm has
    for each of the control group: the sum is the number of customers kept.

    Args:
        connection: of a transaction that reads.
        name: one of `ARMS`.
        campaign_id: the campaign.
        money: for the return.
        is_enough: whether the figure has a value; otherwise only what is below the line is counted, save for an arm.
    """
    arms = labelled_assignments().subquery()
    is_control, stayed = arms.c.arm == CONTROL, case((arms.c.left, 0.0), else_=1.0)
    given: dict[str, ColumnElement[Any]] = {
        "key": arms.c.customer,
        "customer": arms.c.customer,
        "left": arms.c.left,
        "group": arms.c.arm,
    }
    if name in ("stayed_treated", "stayed_control"):
        query = select(*row_columns(**given, above=stayed, below=ONE)).where(arms.c.campaign_id == campaign_id)
        return query.where(is_control if name == "stayed_control" else ~is_control)
    kept = case((is_control, -_treated_for_each_control(connection, campaign_id) * stayed), else_=stayed)
    above = kept * money.customer_value if name == "roi" else kept
    below = _cost(arms, campaign_id, money) if name == "roi" else ONE
    counted = row_columns(**given, above=above if is_enough else null(), below=case((is_control, 0.0), else_=below))
    return select(*counted).where(arms.c.campaign_id == campaign_id)


def _treated_for_each_control(connection: Connection, campaign_id: int) -> float:
    arms = labelled_assignments().subquery()
    sizes = select(arms.c.arm, func.count()).where(arms.c.campaign_id == campaign_id).group_by(arms.c.arm)
    counts = {arm: int(count) for arm, count in connection.execute(sizes)}
    control = counts.pop(CONTROL, 0)
    return sum(counts.values()) / control if control else 0.0


def _cost(arms: Subquery, campaign_id: int, money: Money) -> ColumnElement[Any]:
    """The cost of a customer of the campaign: contacts, and offers that they accepted."""
    own = and_(CONTACTS.c.customer == arms.c.customer, CONTACTS.c.campaign_id == campaign_id)
    taken = func.sum(case((CONTACTS.c.result == "accepted", CAMPAIGNS.c.offer_cost), else_=0.0))
    return (
        select(func.count() * money.contact_cost + func.coalesce(taken, 0.0))
        .join_from(CONTACTS, CAMPAIGNS, CAMPAIGNS.c.id == CONTACTS.c.campaign_id)
        .where(own, CONTACTS.c.result != NOT_OFFERED)
        .correlate(arms)
        .scalar_subquery()
    )
