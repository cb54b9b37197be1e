"""Notes on customers: who wrote what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select

from churn_mlops.store.database.campaign_tables import NOTES
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.suppression.tombstones import refuse_erased


@dataclass(frozen=True)
class Note:
    """A note on a customer.

    Args:
        id: grows with each note.
        customer: the customer ID.
        at: when it was written.
        author: who wrote it.
        text: what.
    """

    id: int
    customer: str
    at: datetime
    author: str
    text: str


def add_note(
    store: Store, customer: str, text: str, *, by: str, hash_key: str | None = None, clock: Clock = utc_now
) -> Note:
    """Add a note on a customer.

    Args:
        store: the store.
        customer: the customer ID, without a character of code 0.
        text: what to note.
        by: who writes.
        hash_key: the setting ``store.customer_hash_key``, by which an erased customer is found; None looks for none.
        clock: gives the time.

    Raises:
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    with store.writing("add a note") as connection:
        refuse_erased(connection, hash_key, customer)
        values = {"customer": customer, "at": clock(), "author": by, "text": text}
        return Note(*connection.execute(insert(NOTES).values(values).returning(*NOTES.c)).one())


def notes_of(store: Store, customer: str, *, limit: int = 100) -> list[Note]:
    """The notes on a customer, the latest first.

    Raises:
        StoreError: the store fails.
    """
    query = select(NOTES).where(NOTES.c.customer == customer).order_by(NOTES.c.id.desc()).limit(limit)
    with store.reading("read the notes on a customer") as connection:
        return [Note(*row) for row in connection.execute(query)]
