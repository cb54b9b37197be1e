"""The audit log: who read what of a customer, and who changed what. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import AUDIT_EVENTS


@dataclass(frozen=True)
class NewEvent:
    """An event to add to the audit log.

    Args:
        at: when it happened, with a time zone.
        caller: who did it, such as ``key:crm`` or ``person:anna``.
        event: what was done, such as ``key.created`` or ``customer.read``.
        customer_hash: of the customer that it is about, None where it is about none or many.
        details: plain values, never an attribute of a customer nor their ID.
    """

    at: datetime
    caller: str
    event: str
    customer_hash: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AuditEvent(NewEvent):
    """An event of the audit log; its ``id`` grows with each."""

    id: int = 0


def add_event(
    connection: Connection,
    at: datetime,
    caller: str,
    event: str,
    *,
    customer_hash: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Add an event in the transaction of ``connection``: what is done and its trace are kept together or not at all."""
    values = {"at": at, "caller": caller, "event": event, "customer_hash": customer_hash}
    connection.execute(insert(AUDIT_EVENTS).values(**values, details=dict(details or {})))


def record_event(
    store: Store,
    caller: str,
    event: str,
    *,
    customer_hash: str | None = None,
    details: Mapping[str, Any] | None = None,
    clock: Clock = utc_now,
) -> None:
    """Add one event; it is kept when this returns.

    Raises:
        StoreError: the store fails.
    """
    record_events(store, [NewEvent(clock(), caller, event, customer_hash, details or {})])


def record_events(store: Store, events: Iterable[NewEvent]) -> None:
    """Add ``events``, all or none.

    Raises:
        StoreError: the store fails.
    """
    with store.writing("write to the audit log") as connection:
        for one in events:
            add_event(connection, one.at, one.caller, one.event, customer_hash=one.customer_hash, details=one.details)


def audit_events(
    store: Store,
    *,
    before: int | None = None,
    limit: int = 100,
    about: str | None = None,
    caller: str | None = None,
    event: str | None = None,
) -> list[AuditEvent]:
    """Events of the audit log, the newest first.

    Args:
        store: the store.
        before: only those with a smaller id: that of the last one of the page before.
        limit: most events of a page.
        about: only those about the customer of this hash.
        caller: only those of this caller.
        event: only those of this name.

    Raises:
        StoreError: the store fails.
    """
    query = select(AUDIT_EVENTS).order_by(AUDIT_EVENTS.c.id.desc()).limit(limit)
    query = query if before is None else query.where(AUDIT_EVENTS.c.id < before)
    columns = ((AUDIT_EVENTS.c.customer_hash, about), (AUDIT_EVENTS.c.caller, caller), (AUDIT_EVENTS.c.event, event))
    query = query.where(*(column == wanted for column, wanted in columns if wanted is not None))
    with store.reading("read the audit log") as connection:
        rows = connection.execute(query).all()
    return [AuditEvent(**row._mapping) for row in rows]
