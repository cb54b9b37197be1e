"""Contacts: an offer that was made to a customer, what they said to it, and which contacts may be recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Connection, func, insert, select

from churn_mlops.errors import ChurnError
from churn_mlops.store.campaigns.assignments import CONTROL, assignment_on, has_arm_in
from churn_mlops.store.campaigns.do_not_contact import is_blocked
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS
from churn_mlops.store.suppression.tombstones import refuse_erased

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of the principal that records a contact may be ahead of ours."""


RESULTS: Final = ("offered", "accepted", "declined", "no_answer", "not_offered")
IMPORTED = "import:"
"""Keys of contacts from a file begin so, and no other key does."""
DISMISSALS: Final = ("bad_time", "complaint", "already_decided", "not_suitable", "advised_against", "other")
CHANNELS: Final = ("console", "api", "import", "webhook")


class ControlGroupError(ChurnError):
    """The customer is in the control group, and no reason is given to contact them."""


class DoNotContactError(ChurnError):
    """The customer must not be contacted, and no reason is given to do it anyway."""


class KeyReusedError(ChurnError):
    """The key stands for another contact."""


class FutureContactError(ChurnError):
    """The contact lies in the future."""


@dataclass(frozen=True)
class NewContact:
    """A contact that is to be recorded.

    Args:
        key: chosen by the principal that records it; a key stands for one contact, however often it is sent.
        request_sha256: hash of the request, to distinguish a repetition from another request under the same key.
        customer: the customer ID, without a character of code 0; empty where the customer was erased since.
        at: when the customer was contacted, with a time zone.
        offer: what the customer was offered, such as "20 % off for a year".
        result: one of `RESULTS`.
        caller: the name of the principal that recorded it.
        prediction_id: of the prediction that led to the contact, where it is known.
        override_reason: why the customer was contacted although they are in the control group, or must not be.
        campaign_id: the campaign, where the contact belongs to one; under rules, the customer has an arm there.
        channel: where it was recorded, one of `CHANNELS`.
        dismissal: why no offer was made, one of `DISMISSALS`; given with "not_offered", and only then.
        note: more of the conversation, None for no note.
    """

    key: str
    request_sha256: str
    customer: str
    at: datetime
    offer: str
    result: str
    caller: str
    prediction_id: str | None = None
    override_reason: str | None = None
    campaign_id: int | None = None
    channel: str = "api"
    dismissal: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class ContactRules:
    """The rules that a contact must keep.

    Args:
        on: the date.
        follow_since: customers who were assigned to a campaign on this date or later are followed.
        hash_key: the setting ``store.customer_hash_key``, by which an erased customer is found; None looks for none.
    """

    on: date
    follow_since: date
    hash_key: str | None = None


@dataclass(frozen=True)
class Contact(NewContact):
    """A contact as it is recorded; timestamps come back in UTC.

    Args:
        id: grows with each contact recorded.
        recorded_at: when it was recorded.
    """

    id: int = 0
    recorded_at: datetime = datetime.min


def check_time(at: datetime, now: datetime) -> None:
    """Refuse a contact of the future.

    Args:
        at: when the customer was contacted.
        now: the time.

    Raises:
        FutureContactError: ``at`` is later than ``now`` by more than ``CLOCK_SKEW``.
    """
    if at > now + CLOCK_SKEW:
        raise FutureContactError("the contact lies in the future")


def accept_contact(
    store: Store, new: NewContact, rules: ContactRules, *, clock: Clock = utc_now
) -> tuple[Contact, bool]:
    """Record a contact that keeps the rules, unless it stands under its key already.

    A repetition is answered as the first time, whatever holds by now.

    Args:
        store: the store.
        new: the contact.
        rules: what it must keep.
        clock: gives the time at which it is recorded.

    Returns:
        the contact under the key, and whether it was recorded just now.

    Raises:
        ControlGroupError: the customer is in the control group, and there is no ``override_reason``.
        DoNotContactError: the customer must not be contacted, and there is no ``override_reason``.
        KeyReusedError: the key stands for a contact of another request.
        ConfigError: as of :func:`record_contact`.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    contact, is_new = record_contact(store, new, rules, clock=clock)
    if contact.request_sha256 != new.request_sha256:
        raise KeyReusedError("the key stands for another contact")
    return contact, is_new


def record_contact(
    store: Store, new: NewContact, rules: ContactRules | None = None, *, clock: Clock = utc_now
) -> tuple[Contact, bool]:
    """Record a contact, unless one stands under its key already; it is on disk when this returns.

    Args:
        store: the store.
        new: the contact.
        rules: what it must keep; None asks for nothing.
        clock: gives the time at which it is recorded.

    Returns:
        the contact under the key, and whether it was recorded just now. If not, its ``request_sha256`` shows whether
        the same was asked before.

    Raises:
        ControlGroupError: the customer is in the control group, and there is no ``override_reason``.
        DoNotContactError: the customer must not be contacted, and there is no ``override_reason``.
        ConfigError: customers were erased under another key than that of ``rules``, so that this may be one of them;
            nothing is recorded then.
        CustomerErasedError: the customer was erased; nothing is recorded then.
        StoreError: the store fails; nothing is recorded then.
    """
    # One writer is let in at a time: two with the same key come one after the other, and ids are committed in order.
    with store.writing("record a contact") as connection:
        return put_contact(connection, new, rules, clock())


def put_contact(
    connection: Connection, new: NewContact, rules: ContactRules | None, now: datetime
) -> tuple[Contact, bool]:
    """:func:`record_contact` in the transaction of ``connection``, which lets in one writer at a time."""
    known = connection.execute(select(CONTACTS).where(CONTACTS.c.key == new.key)).one_or_none()
    if known is not None:
        return Contact(**known._mapping), False
    values = asdict(new) | {"recorded_at": now}
    if rules is not None:
        values["campaign_id"] = _check_rules(connection, new, rules)
    row = connection.execute(insert(CONTACTS).values(values).returning(*CONTACTS.c)).one()
    return Contact(**row._mapping), True


def _check_rules(connection: Connection, new: NewContact, rules: ContactRules) -> int | None:
    """Refuse a contact that breaks a rule; return its campaign.

    It is the one that is given where the customer has an arm there, otherwise that of the arm that counts: a contact
    with a customer of no campaign belongs to none.
    """
    refuse_erased(connection, rules.hash_key, new.customer)
    assignment = assignment_on(connection, new.customer, rules.on, rules.follow_since)
    if new.override_reason is None and new.result != NOT_OFFERED:
        if is_blocked(connection, new.customer):
            raise DoNotContactError("the customer must not be contacted")
        if assignment is not None and assignment.arm == CONTROL:
            raise ControlGroupError("the customer is in the control group")
    if new.campaign_id is not None and has_arm_in(connection, new.customer, new.campaign_id):
        return new.campaign_id
    return None if assignment is None else assignment.campaign_id


def contact_under(store: Store, key: str) -> Contact | None:
    """The contact that was recorded under ``key``, None where none was.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read the contact of a key") as connection:
        row = connection.execute(select(CONTACTS).where(CONTACTS.c.key == key)).one_or_none()
    return None if row is None else Contact(**row._mapping)


def contact_of(store: Store, contact_id: int) -> Contact | None:
    """The contact of this id, None where there is none.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read a contact") as connection:
        row = connection.execute(select(CONTACTS).where(CONTACTS.c.id == contact_id)).one_or_none()
    return None if row is None else Contact(**row._mapping)


def contacts(store: Store, *, customer: str | None = None, after: int = 0, limit: int) -> list[Contact]:
    """Contacts in the order in which they were recorded.

    Args:
        store: the store.
        customer: only contacts with this customer.
        after: id of the last one that was read; none later than it is missed by reading on from there.
        limit: most contacts.

    Raises:
        StoreError: the store fails.
    """
    if customer is not None and "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return []
    query = select(CONTACTS).where(CONTACTS.c.id > after).order_by(CONTACTS.c.id).limit(limit)
    query = query if customer is None else query.where(CONTACTS.c.customer == customer)
    with store.reading("read the contacts") as connection:
        return [Contact(**row._mapping) for row in connection.execute(query)]


def latest_contacts(store: Store, customer: str, *, limit: int) -> list[Contact]:
    """The contacts with a customer, the latest recorded first.

    Raises:
        StoreError: the store fails.
    """
    query = select(CONTACTS).where(CONTACTS.c.customer == customer).order_by(CONTACTS.c.id.desc()).limit(limit)
    with store.reading("read the contacts with a customer") as connection:
        return [Contact(**row._mapping) for row in connection.execute(query)]


def last_contact_of_each(store: Store, customers: Sequence[str]) -> dict[str, Contact]:
    """The latest recorded contact with each of some customers, by customer ID; customers without any are left out.

    Raises:
        StoreError: the store fails.
    """
    latest = select(func.max(CONTACTS.c.id)).where(CONTACTS.c.customer.in_(customers)).group_by(CONTACTS.c.customer)
    with store.reading("read the latest contacts") as connection:
        rows = connection.execute(select(CONTACTS).where(CONTACTS.c.id.in_(latest)))
        return {row.customer: Contact(**row._mapping) for row in rows}
