"""Contacts: an offer that was made to a customer, what they said to it, and which contacts may be recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, select

from churn_mlops.errors import ChurnError, CustomerErasedError
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS
from churn_mlops.store.suppression.tombstones import erased_among

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clock of the principal that records a contact may be ahead of ours."""


class ControlGroupError(ChurnError):
    """The customer is in the control group, and no reason is given to contact them."""


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
        result: "offered", "accepted", "declined" or "no_answer".
        caller: the name of the principal that recorded it.
        prediction_id: of the prediction that led to the contact, where it is known.
        override_reason: why the customer was contacted although they are in the control group.
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
    store: Store,
    new: NewContact,
    in_control_group: Callable[[Store, str], bool],
    *,
    hash_key: str | None = None,
    clock: Clock = utc_now,
) -> tuple[Contact, bool]:
    """Record a contact that keeps the rules, unless it stands under its key already.

    A repetition is answered as the first time, whatever holds by now.

    Args:
        store: the store.
        new: the contact.
        in_control_group: whether a customer is in the control group.
        hash_key: as of :func:`record_contact`.
        clock: gives the time at which it is recorded.

    Returns:
        the contact under the key, and whether it was recorded just now.

    Raises:
        ControlGroupError: the customer is in the control group, and there is no ``override_reason``.
        KeyReusedError: the key stands for a contact of another request.
        ConfigError: as of :func:`record_contact`.
        ForgottenError: the customer was erased.
        StoreError: the store fails.
    """
    contact, is_new = contact_under(store, new.key), False
    if contact is None:
        if new.override_reason is None and in_control_group(store, new.customer):
            raise ControlGroupError("the customer is in the control group")
        contact, is_new = record_contact(store, new, hash_key=hash_key, clock=clock)
    if contact.request_sha256 != new.request_sha256:
        raise KeyReusedError("the key stands for another contact")
    return contact, is_new


def record_contact(
    store: Store, new: NewContact, *, hash_key: str | None = None, clock: Clock = utc_now
) -> tuple[Contact, bool]:
    """Record a contact, unless one stands under its key already; it is on disk when this returns.

    Args:
        store: the store.
        new: the contact.
        hash_key: the setting ``store.customer_hash_key``, by which an erased customer is found; None looks for
            none.
        clock: gives the time at which it is recorded.

    Returns:
        the contact under the key, and whether it was recorded just now. If not, its ``request_sha256`` shows whether
        the same was asked before.

    Raises:
        ConfigError: customers were erased under another key than ``hash_key``, so that this may be one of them;
            nothing is recorded then.
        ForgottenError: the customer was erased; nothing is recorded then.
        StoreError: the store fails; nothing is recorded then.
    """
    # One writer is let in at a time: two with the same key come one after the other, and ids are committed in order.
    with store.writing("record a contact") as connection:
        known = connection.execute(select(CONTACTS).where(CONTACTS.c.key == new.key)).one_or_none()
        if known is not None:
            return Contact(**known._mapping), False
        if hash_key is not None and erased_among(connection, hash_key, [new.customer]):
            raise CustomerErasedError("the customer was erased: nothing more is recorded of them")
        values = asdict(new) | {"recorded_at": clock()}
        row = connection.execute(insert(CONTACTS).values(values).returning(*CONTACTS.c)).one()
        return Contact(**row._mapping), True


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


def latest_contacts(store: Store, customers: Sequence[str]) -> dict[str, Contact]:
    """The latest contact with each of some customers, by customer ID; customers without any are left out.

    Raises:
        StoreError: the store fails.
    """
    known = [customer for customer in customers if "\x00" not in customer]
    latest = select(func.max(CONTACTS.c.id)).where(CONTACTS.c.customer.in_(known)).group_by(CONTACTS.c.customer)
    with store.reading("read the latest contacts") as connection:
        rows = connection.execute(select(CONTACTS).where(CONTACTS.c.id.in_(latest)))
        return {row.customer: Contact(**row._mapping) for row in rows}


def contacts_of(store: Store, customer: str, limit: int) -> list[Contact]:
    """The latest contacts with a customer, the latest first.

    Raises:
        StoreError: the store fails.
    """
    if "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return []
    query = select(CONTACTS).where(CONTACTS.c.customer == customer).order_by(CONTACTS.c.id.desc()).limit(limit)
    with store.reading("read the contacts of a customer") as connection:
        return [Contact(**row._mapping) for row in connection.execute(query)]


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


def in_control_group(store: Store, customer: str) -> bool:
    """Whether ``customer`` gets no offer, so that the customers who get one can be compared with them.

    No customer is today: a campaign draws its control group, and there are no campaigns yet. This is the one place that
    asks, so campaigns have to answer here and nowhere else.
    """
    return False
