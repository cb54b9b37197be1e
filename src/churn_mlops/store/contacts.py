"""Contacts: an offer to a customer, and the result."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import insert, select

from churn_mlops.errors import CustomerErasedError
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS
from churn_mlops.store.suppression.tombstones import erased_among


@dataclass(frozen=True)
class NewContact:
    """A contact that is to be recorded.

    Args:
        key: the idempotency key of the client; it stands for one contact, however often it is sent.
        request_sha256: hash of the request, to distinguish a repetition from another request under the same key.
        customer: the customer ID, without a character of code 0; empty once the customer is erased.
        at: when the customer was contacted, with a time zone.
        offer: what the customer was offered, such as "20 % off for a year".
        result: "offered", "accepted", "declined" or "no_answer".
        caller: who recorded it.
        prediction_id: of the answer that led to the contact, where it is known.
        override_reason: why the customer was contacted although they are in a control group.
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
    """A contact as it is recorded; times come back in UTC.

    Args:
        id: grows with each contact recorded.
        recorded_at: when it was recorded.
    """

    id: int = 0
    recorded_at: datetime = datetime.min


def record_contact(
    store: Store, new: NewContact, *, hash_key: str | None = None, clock: Clock = utc_now
) -> tuple[Contact, bool]:
    """Record a contact, unless one stands under its key already; it is on disk when this returns.

    Args:
        store: the store.
        new: the contact.
        hash_key: the setting ``store.customer_hash_key``, which recognises erased customers; None checks nothing.
        clock: returns when it is recorded.

    Returns:
        the contact under the key, and whether it was recorded just now. If not, its ``request_sha256`` shows whether
        the same was asked before.

    Raises:
        ConfigError: customers were erased under another key than ``hash_key``, so that this may be one of them;
            nothing is recorded then.
        CustomerErasedError: the customer was erased; nothing is recorded then.
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


def contacts(store: Store, *, customer: str | None = None, after: int = 0, limit: int) -> list[Contact]:
    """Contacts in the order in which they were recorded.

    Args:
        store: the store.
        customer: only contacts of this one.
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


def held_out(store: Store, customer: str) -> bool:
    """Whether ``customer`` is in a control group and gets no offer, so that the effect of offers can be measured.

    No customer is yet: campaigns choose control groups, and there are no campaigns. This is the one place that asks, so
    campaigns have to answer here and nowhere else.
    """
    return False
