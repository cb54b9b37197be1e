"""Standings: the arm, the wish and the earlier contacts of a customer, which speak for or against an offer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select, true

from churn_mlops.store.campaigns.assignments import batches_of, bound_arms
from churn_mlops.store.campaigns.do_not_contact import blocked_customers
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS

OFFERED = ("offered", "accepted", "declined")
"""Results of contacts in which the customer heard the offer."""
NOT_OFFERED = "not_offered"
"""No offer was made; the dismissal of the contact says why."""


@dataclass(frozen=True)
class Standing:
    """The record of one customer.

    Args:
        campaign_id: the campaign of the arm that counts, None where there is none.
        arm: "treated" or "control".
        campaign_runs: whether that campaign runs.
        blocked: whether the customer must not be contacted.
        contacted_at: times of contacts, the earliest first.
        offered_at: when they last heard an offer.
        dismissed_at: when an agent last decided to make no offer.
    """

    campaign_id: int | None = None
    arm: str | None = None
    campaign_runs: bool = False
    blocked: bool = False
    contacted_at: tuple[datetime, ...] = ()
    offered_at: datetime | None = None
    dismissed_at: datetime | None = None


@dataclass(frozen=True)
class Window:
    """The times that count.

    Args:
        on: the date of the list.
        follow_since: customers who were assigned on this date or later are followed.
        contacts_since: earlier contacts do not count.
        until: later contacts do not count.
    """

    on: date
    follow_since: date
    contacts_since: datetime
    until: datetime

    @classmethod
    def at(cls, on: date, until: datetime, *, follow_days: int, contacts: timedelta) -> Window:
        """The window of a list.

        Args:
            on: the date of the list.
            until: the time, with its zone: what happened later does not count.
            follow_days: how long a customer is followed.
            contacts: how long a contact counts.
        """
        return cls(on, on - timedelta(days=follow_days), until - contacts, until)


def standings(store: Store, window: Window, customers: Iterable[str] | None = None) -> dict[str, Standing]:
    """The standings by customer ID; a customer without any record is not in it.

    Args:
        store: the store.
        window: the times that count.
        customers: only of these; None reads them all.

    Raises:
        StoreError: the store fails.
    """
    wanted = None if customers is None else list(customers)
    found = _contacts(store, window, wanted)
    for customer in blocked_customers(store, wanted):
        found[customer] = replace(found.get(customer, Standing()), blocked=True)
    for customer, one in bound_arms(store, window.on, window.follow_since, wanted).items():
        before = found.get(customer, Standing())
        found[customer] = replace(before, campaign_id=one.campaign_id, arm=one.arm, campaign_runs=one.runs)
    return found


def _contacts(store: Store, window: Window, customers: list[str] | None) -> dict[str, Standing]:
    within = (CONTACTS.c.at > window.contacts_since, CONTACTS.c.at <= window.until, CONTACTS.c.customer != "")
    query = select(CONTACTS.c.customer, CONTACTS.c.at, CONTACTS.c.result).where(*within).order_by(CONTACTS.c.at)
    found: dict[str, Standing] = {}
    with store.reading("read earlier contacts", much=customers is None) as connection:
        for some in batches_of(customers):
            of_these = true() if some is None else CONTACTS.c.customer.in_(some)
            for customer, at, result in connection.execute(query.where(of_these)):
                found[customer] = _after(found.get(customer, Standing()), at, result)
    return found


def _after(standing: Standing, at: datetime, result: str) -> Standing:
    """The standing of a customer after one more contact."""
    if result == NOT_OFFERED:
        return replace(standing, dismissed_at=at)
    offered_at = at if result in OFFERED else standing.offered_at
    return replace(standing, contacted_at=(*standing.contacted_at, at), offered_at=offered_at)
