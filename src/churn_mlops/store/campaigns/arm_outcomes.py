"""The arms of campaigns beside what became of the customers: counts for measurements, and no customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, func, select

from churn_mlops.store.campaigns.assignments import CONTROL
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS, CAMPAIGNS
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS, OUTCOMES, RUNS

EXPLORERS_CONTROL_SHARE = 0.5
"""Share of the control group among customers who were drawn at random, as ``retention.arms`` draws it."""


@dataclass(frozen=True)
class ArmOutcomes:
    """Customers of one campaign who were assigned by their score, and whose label is final.

    Args:
        campaign_id: the campaign.
        treated: in the treated arm.
        treated_stayed: those of them who stayed.
        control: in the control group.
        control_stayed: those of them who stayed.
        contacts: contacts with customers of the treated arm, without dismissals.
        taken: offers that they accepted.
    """

    campaign_id: int
    treated: int = 0
    treated_stayed: int = 0
    control: int = 0
    control_stayed: int = 0
    contacts: int = 0
    taken: int = 0


@dataclass(frozen=True)
class ArmOn:
    """The arm of a customer on a date, and how likely it was.

    Args:
        customer: the customer ID.
        is_control: whether it is the control group.
        control_share: probability of the control group, in [0, 1).
        explored: whether the customer was drawn at random, whatever their score.
    """

    customer: str
    is_control: bool
    control_share: float
    explored: bool


def arm_outcomes(store: Store) -> list[ArmOutcomes]:
    """The counts of each campaign, the first number first; a customer's label is that of the run of their assignment.

    Customers who were drawn at random, whatever their score, do not count.

    Raises:
        StoreError: the store fails.
    """
    labelled = labelled_assignments().subquery()
    stayed = case((labelled.c.left, 0), else_=1)
    arms = select(labelled.c.campaign_id, labelled.c.arm, func.count(), func.sum(stayed)).group_by(
        labelled.c.campaign_id, labelled.c.arm
    )
    of_customer = and_(CONTACTS.c.campaign_id == labelled.c.campaign_id, CONTACTS.c.customer == labelled.c.customer)
    accepted = func.sum(case((CONTACTS.c.result == "accepted", 1), else_=0))
    costs = (
        select(labelled.c.campaign_id, func.count(), accepted)
        .join_from(labelled, CONTACTS, of_customer)
        .where(labelled.c.arm != CONTROL, CONTACTS.c.result != NOT_OFFERED)
        .group_by(labelled.c.campaign_id)
    )
    found: dict[int, dict[str, int]] = {}
    with store.reading("count the outcomes of campaigns", much=True) as connection:
        for campaign_id in connection.scalars(select(CAMPAIGNS.c.id).order_by(CAMPAIGNS.c.id)):
            found[campaign_id] = {}
        for campaign_id, arm, count, kept in connection.execute(arms):
            found[campaign_id] |= {arm: int(count), f"{arm}_stayed": int(kept)}
        for campaign_id, contacts, taken in connection.execute(costs):
            found[campaign_id] |= {"contacts": int(contacts), "taken": int(taken)}
    return [ArmOutcomes(campaign_id, **counts) for campaign_id, counts in found.items()]


def arms_between(store: Store, first: date, last: date) -> list[ArmOn]:
    """The arms that were drawn from ``first`` to ``last``; a customer of several campaigns comes several times.

    Raises:
        StoreError: the store fails.
    """
    columns = (ASSIGNMENTS.c.customer, ASSIGNMENTS.c.arm, CAMPAIGNS.c.control_share, ASSIGNMENTS.c.explored)
    query = (
        select(*columns)
        .join(CAMPAIGNS, CAMPAIGNS.c.id == ASSIGNMENTS.c.campaign_id)
        .where(ASSIGNMENTS.c.assigned_on.between(first, last))
    )
    with store.reading("read the arms of some dates", much=True) as connection:
        rows = connection.execution_options(yield_per=10_000).execute(query)
        return [ArmOn(customer, arm == CONTROL, share, explored) for customer, arm, share, explored in rows]


def first_draw_of_offers(store: Store, first: date, last: date) -> date | None:
    """The earliest draw of a customer whose campaign made them an offer from ``first`` to ``last``; None without any.

    Raises:
        StoreError: the store fails.
    """
    same = and_(CONTACTS.c.campaign_id == ASSIGNMENTS.c.campaign_id, CONTACTS.c.customer == ASSIGNMENTS.c.customer)
    query = select(func.min(ASSIGNMENTS.c.assigned_on)).join(CONTACTS, same).where(*offers_between(first, last))
    with store.reading("read when customers with an offer were drawn", much=True) as connection:
        found: date | None = connection.scalar(query)
        return found


def offers_between(first: date, last: date) -> tuple[ColumnElement[bool], ...]:
    """The conditions of contacts from ``first`` to ``last`` in which an offer was made, or could have been."""
    begin = datetime.combine(first, time(), UTC)
    until = datetime.combine(last + timedelta(days=1), time(), UTC)
    made = (CONTACTS.c.result != NOT_OFFERED, CONTACTS.c.customer != "")
    return (*made, CONTACTS.c.at >= begin, CONTACTS.c.at < until)


def labelled_assignments() -> Select[tuple[int, str, str, bool]]:
    """Assignments by score with their final labels: those of the newest run up to the date of the assignment."""
    of_assignment = (
        select(func.max(RUNS.c.as_of)).where(RUNS.c.as_of <= ASSIGNMENTS.c.assigned_on).correlate(ASSIGNMENTS)
    )
    same = and_(OUTCOMES.c.run_id == RUNS.c.id, OUTCOMES.c.customer == ASSIGNMENTS.c.customer)
    return (
        select(ASSIGNMENTS.c.campaign_id, ASSIGNMENTS.c.customer, ASSIGNMENTS.c.arm, OUTCOMES.c.left)
        .join_from(ASSIGNMENTS, RUNS, RUNS.c.as_of == of_assignment.scalar_subquery())
        .join(OUTCOMES, same)
        .where(~ASSIGNMENTS.c.explored, OUTCOMES.c.left.is_not(None))
    )
