"""Contacts: an offer that was made to a customer, and what he said to it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import insert, select

from churn_mlops.errors import ForgottenError
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS
from churn_mlops.store.suppression.tombstones import forgotten_among


@dataclass(frozen=True)
class NewContact:
    """A contact that is to be recorded.

    Args:
        key: of whoever records it; a key stands for one contact, however often it is sent.
        request_sha256: hash of what was asked, to tell a repetition from another request under the same key.
        customer: his name, without a character of code 0; empty where he was forgotten since.
        at: when he was contacted, with a time zone.
        offer: what he was offered, such as "20 % off for a year".
        result: "offered", "accepted", "declined" or "no_answer".
        caller: who recorded it.
        prediction_id: of the answer that led to the contact, where it is known.
        override_reason: why he was contacted although he is held out.
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
    """A contact as it is recorded; moments come back in UTC.

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
        hash_key: the setting ``store.customer_hash_key``, by which a customer is told who was forgotten; None looks for
            nobody.
        clock: tells when it is recorded.

    Returns:
        the contact under the key, and whether it was recorded just now. Where it was not, its ``request_sha256`` says
        whether the same was asked before.

    Raises:
        ConfigError: customers were forgotten under another key than ``hash_key``, so that he may be one of them;
            nothing is recorded then.
        ForgottenError: the customer was forgotten; nothing is recorded then.
        StoreError: the store fails; nothing is recorded then.
    """
    # One writer is let in at a time: two with the same key come one after the other, and ids are committed in order.
    with store.writing("record a contact") as connection:
        known = connection.execute(select(CONTACTS).where(CONTACTS.c.key == new.key)).one_or_none()
        if known is not None:
            return Contact(**known._mapping), False
        if hash_key is not None and forgotten_among(connection, hash_key, [new.customer]):
            raise ForgottenError("the customer was forgotten: nothing more is recorded of him")
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
        customer: only his.
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
    """Whether ``customer`` is held out of every offer, so that what offers earn can be measured against him.

    Nobody is today: customers are held out by campaigns, and there are none yet. This is the one place that asks, so
    campaigns have to answer here and nowhere else.
    """
    return False
