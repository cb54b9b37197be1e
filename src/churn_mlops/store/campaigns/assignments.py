"""Assignments: the arm of each customer in a campaign, written once when the list is made, and never changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, and_, exists, or_, select, true

from churn_mlops.store.database.bulk_load import add_new
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS, CAMPAIGNS
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS

CONTROL = "control"
SOME = 500
"""Most customers that one query names."""


@dataclass(frozen=True)
class Assignment:
    """The arm of one customer.

    Args:
        campaign_id: the campaign.
        customer: the customer ID.
        arm: "treated" or "control".
        explored: whether the customer was drawn at random, whatever their score.
        assigned_on: the date of the list that was made.
    """

    campaign_id: int
    customer: str
    arm: str
    explored: bool
    assigned_on: date


@dataclass(frozen=True)
class BoundArm:
    """The arm of a customer that counts on a date.

    Args:
        campaign_id: the campaign.
        arm: "treated" or "control".
        runs: whether the campaign runs on the date.
    """

    campaign_id: int
    arm: str
    runs: bool


@dataclass(frozen=True)
class CustomerArms:
    """All arms of one customer.

    Args:
        campaign_ids: the campaigns that they have an arm in, whether or not it counts by now.
        bound: campaign and arm of the one that counts, the latest where there are several; None where none does.
    """

    campaign_ids: frozenset[int] = frozenset()
    bound: tuple[int, str] | None = None


@dataclass(frozen=True)
class Override:
    """A contact with a customer of the control group.

    Args:
        contact_id: the contact.
        customer: the customer ID, empty where the customer was erased.
        at: when, as it was recorded.
        caller: who recorded it.
        reason: why the customer was contacted although they are in the control group.
    """

    contact_id: int
    customer: str
    at: datetime
    caller: str
    reason: str | None


def add_assignments(connection: Connection, new: Sequence[Assignment]) -> None:
    """Add assignments in the transaction of ``connection``; a customer who has an arm in the campaign keeps it."""
    rows = [tuple(getattr(one, field.name) for field in fields(Assignment)) for one in new]
    if rows:
        add_new(connection, ASSIGNMENTS, rows)


def _runs(on: date) -> ColumnElement[bool]:
    return and_(CAMPAIGNS.c.ended_at.is_(None), or_(CAMPAIGNS.c.ends_on.is_(None), CAMPAIGNS.c.ends_on >= on))


def binding(on: date, follow_since: date) -> ColumnElement[bool]:
    """Whether an assignment counts on the date ``on``: its campaign runs, or the customer is still followed.

    Args:
        on: the date of a list.
        follow_since: customers who were assigned on this date or later are followed.
    """
    return or_(_runs(on), ASSIGNMENTS.c.assigned_on >= follow_since)


def bound_arms(
    store: Store, on: date, follow_since: date, customers: Iterable[str] | None = None
) -> dict[str, BoundArm]:
    """The arm that counts for each customer, by customer ID: the latest where there are several.

    Args:
        store: the store.
        on: the date of a list.
        follow_since: as of :func:`binding`.
        customers: only of these; None reads them all.

    Raises:
        StoreError: the store fails.
    """
    query = (
        select(ASSIGNMENTS.c.customer, ASSIGNMENTS.c.campaign_id, ASSIGNMENTS.c.arm, _runs(on))
        .join(CAMPAIGNS, CAMPAIGNS.c.id == ASSIGNMENTS.c.campaign_id)
        .where(binding(on, follow_since))
        .order_by(ASSIGNMENTS.c.assigned_on, ASSIGNMENTS.c.campaign_id)
    )
    found: dict[str, BoundArm] = {}
    with store.reading("read the arms of customers", much=customers is None) as connection:
        for some in batches_of(customers):
            wanted = true() if some is None else ASSIGNMENTS.c.customer.in_(some)
            rows = connection.execution_options(yield_per=10_000).execute(query.where(wanted))
            found |= {customer: BoundArm(campaign_id, arm, bool(runs)) for customer, campaign_id, arm, runs in rows}
    return found


def arms_among(
    connection: Connection, customers: Iterable[str], on: date, follow_since: date
) -> dict[str, CustomerArms]:
    """The arms of some customers, by customer ID; a customer without any is left out.

    The arguments are those of :func:`binding`.
    """
    query = (
        select(ASSIGNMENTS.c.customer, ASSIGNMENTS.c.campaign_id, ASSIGNMENTS.c.arm, binding(on, follow_since))
        .join(CAMPAIGNS, CAMPAIGNS.c.id == ASSIGNMENTS.c.campaign_id)
        .order_by(ASSIGNMENTS.c.assigned_on, ASSIGNMENTS.c.campaign_id)
    )
    found: dict[str, CustomerArms] = {}
    for some in batches_of(customers):
        for customer, campaign_id, arm, counts in connection.execute(
            query.where(ASSIGNMENTS.c.customer.in_(some or []))
        ):
            before = found.get(customer, CustomerArms())
            bound = (campaign_id, arm) if counts else before.bound
            found[customer] = CustomerArms(before.campaign_ids | {campaign_id}, bound)
    return found


def assignments_of(store: Store, customer: str) -> list[Assignment]:
    """Every assignment of a customer, the earliest first.

    Raises:
        StoreError: the store fails.
    """
    query = select(ASSIGNMENTS).where(ASSIGNMENTS.c.customer == customer).order_by(ASSIGNMENTS.c.assigned_on)
    with store.reading("read the arms of a customer") as connection:
        return [Assignment(*row) for row in connection.execute(query)]


def assignments_in(store: Store, campaign_id: int, *, after: str = "", limit: int) -> list[Assignment]:
    """Assignments of a campaign in the order of customer IDs, a page at a time.

    Raises:
        StoreError: the store fails.
    """
    query = select(ASSIGNMENTS).where(ASSIGNMENTS.c.campaign_id == campaign_id, ASSIGNMENTS.c.customer > after)
    with store.reading("read the customers of a campaign") as connection:
        return [Assignment(*row) for row in connection.execute(query.order_by(ASSIGNMENTS.c.customer).limit(limit))]


def overrides_of(store: Store, campaign_id: int) -> list[Override]:
    """Contacts with customers of the control group of a campaign: who broke the arm, and why; the earliest first.

    Raises:
        StoreError: the store fails.
    """
    columns = (CONTACTS.c.id, CONTACTS.c.customer, CONTACTS.c.at, CONTACTS.c.caller, CONTACTS.c.override_reason)
    broken = (CONTACTS.c.campaign_id == campaign_id, breaks_an_arm())
    with store.reading("read who broke the arms of a campaign") as connection:
        return [Override(*row) for row in connection.execute(select(*columns).where(*broken).order_by(CONTACTS.c.id))]


def is_of_campaign() -> ColumnElement[bool]:
    """Whether a contact counts for its campaign: its customer has an arm there, or was erased since."""
    return or_(CONTACTS.c.customer == "", _has_arm())


def breaks_an_arm() -> ColumnElement[bool]:
    """Whether a contact is with a customer of the control group of its campaign, in spite of it."""
    return and_(CONTACTS.c.override_reason.is_not(None), is_of_control())


def is_of_control() -> ColumnElement[bool]:
    """Whether a contact is with a customer of the control group of its campaign."""
    return _has_arm(ASSIGNMENTS.c.arm == CONTROL)


def _has_arm(*kind: ColumnElement[bool]) -> ColumnElement[bool]:
    same = (ASSIGNMENTS.c.campaign_id == CONTACTS.c.campaign_id, ASSIGNMENTS.c.customer == CONTACTS.c.customer)
    return exists().where(*same, *kind).correlate(CONTACTS)


def batches_of(customers: Iterable[str] | None) -> Iterable[list[str] | None]:
    """The customers in parts that one query can name; one None where all are meant."""
    if customers is None:
        return [None]
    names = [name for name in dict.fromkeys(customers) if "\x00" not in name]  # PostgreSQL refuses such a text
    return [names[first : first + SOME] for first in range(0, len(names), SOME)]
