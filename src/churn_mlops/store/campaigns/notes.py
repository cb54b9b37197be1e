"""Notes on customers: who wrote what, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from churn_mlops.errors import ChurnError
from churn_mlops.store.campaigns.list_trace import ListTrace
from churn_mlops.store.database.campaign_tables import NOTES
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.suppression.tombstones import erased_among, refuse_erased


@dataclass(frozen=True)
class Note:
    """A note on a customer.

    Args:
        id: grows with each note.
        customer: the customer ID.
        at: when it was written.
        author: who wrote it.
        text: what.
        key: idempotency key, None of a note that was sent without one.
    """

    id: int
    customer: str
    at: datetime
    author: str
    text: str
    key: str | None = None


class NoteKeyReusedError(ChurnError):
    """The key stands for another note."""


def add_note(
    store: Store,
    customer: str,
    text: str,
    *,
    by: str,
    key: str | None = None,
    hash_key: str | None = None,
    clock: Clock = utc_now,
) -> tuple[Note, bool]:
    """Add a note on a customer, unless it stands under its key already.

    Args:
        store: the store.
        customer: the customer ID, without a character of code 0.
        text: what to note.
        by: who writes.
        key: idempotency key: it stands for one note, however often it is sent; None adds a note each time.
        hash_key: the setting ``store.customer_hash_key``, by which an erased customer is found; None looks for none.
        clock: gives the time.

    Returns:
        the note, and whether it was added just now.

    Raises:
        NoteKeyReusedError: the key stands for another note.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    with store.writing("add a note") as connection:
        refuse_erased(connection, hash_key, customer)
        return _add(connection, customer, text, by, key, clock())


def add_notes(
    store: Store, keys: Mapping[str, str], text: str, *, hash_key: str, trace: ListTrace, clock: Clock = utc_now
) -> set[str]:
    """Add the same note on customers of a list, in one transaction, on each unless it stands under its key already.

    Args:
        store: the store.
        keys: by customer ID the idempotency key; some hundred at most.
        text: what to note.
        hash_key: the setting ``store.customer_hash_key``, by which erased customers are found.
        trace: the list that was seen, who writes, and what the audit log keeps.
        clock: gives the time.

    Returns:
        the customers who were erased: they get no note.

    Raises:
        NoteKeyReusedError: a key stands for another note; none is added.
        ListChangedError: the list is not the one that was seen; none is added.
        ConfigError: customers were erased under another key.
        StoreError: the store fails.
    """
    now = clock()
    with store.writing("add notes") as connection:
        trace.check(connection)
        erased = set(erased_among(connection, hash_key, list(keys)))
        left = [(name, key) for name, key in keys.items() if name not in erased]
        added = [name for name, key in left if _add(connection, name, text, trace.by, key, now)[1]]
        trace.record(connection, dict.fromkeys(added), now)
    return erased


def _add(connection: Connection, customer: str, text: str, by: str, key: str | None, at: datetime) -> tuple[Note, bool]:
    known = None if key is None else connection.execute(select(NOTES).where(NOTES.c.key == key)).one_or_none()
    if known is None:
        values = {"customer": customer, "at": at, "author": by, "text": text, "key": key}
        return Note(*connection.execute(insert(NOTES).values(values).returning(*NOTES.c)).one()), True
    if (known.customer, known.author, known.text) != (customer, by, text):
        raise NoteKeyReusedError("the key stands for another note")
    return Note(*known), False


def notes_of(store: Store, customer: str, *, limit: int = 100) -> list[Note]:
    """The notes on a customer, the latest first.

    Raises:
        StoreError: the store fails.
    """
    query = select(NOTES).where(NOTES.c.customer == customer).order_by(NOTES.c.id.desc()).limit(limit)
    with store.reading("read the notes on a customer") as connection:
        return [Note(*row) for row in connection.execute(query)]
