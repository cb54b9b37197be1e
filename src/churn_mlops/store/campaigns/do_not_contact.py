"""Customers who must not be contacted. Rows are only added: a row blocks a customer, a later one lifts the block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, true

from churn_mlops.store.campaigns.assignments import batches_of
from churn_mlops.store.database.campaign_tables import DO_NOT_CONTACT
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.suppression.tombstones import refuse_erased


@dataclass(frozen=True)
class ContactBlock:
    """One row: a customer may not be contacted from now on, or may be again.

    Args:
        id: grows with each row.
        customer: the customer ID.
        blocked: whether the customer must not be contacted.
        at: since when.
        reason: why.
        caller: who recorded it.
    """

    id: int
    customer: str
    blocked: bool
    at: datetime
    reason: str
    caller: str


def set_do_not_contact(
    store: Store,
    customer: str,
    *,
    blocked: bool,
    reason: str,
    by: str,
    hash_key: str | None = None,
    clock: Clock = utc_now,
) -> ContactBlock:
    """Record that a customer must not be contacted, or that they may be again.

    Args:
        store: the store.
        customer: the customer ID, without a character of code 0.
        blocked: True blocks, False lifts.
        reason: why.
        by: who says so.
        hash_key: the setting ``store.customer_hash_key``, by which an erased customer is found; None looks for none.
        clock: gives the time.

    Returns:
        the latest row of the customer: the one before, where it says the same.

    Raises:
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    with store.writing("record who must not be contacted") as connection:
        refuse_erased(connection, hash_key, customer)
        latest = _latest(connection, customer)
        if (latest is not None and latest.blocked) == blocked and latest is not None:
            return latest
        values = {"customer": customer, "blocked": blocked, "at": clock(), "reason": reason, "caller": by}
        row = connection.execute(insert(DO_NOT_CONTACT).values(values).returning(*DO_NOT_CONTACT.c)).one()
        return ContactBlock(*row)


def blocked_customers(store: Store, customers: Iterable[str] | None = None) -> set[str]:
    """Customers who must not be contacted.

    Args:
        store: the store.
        customers: only of these; None reads them all.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read who must not be contacted") as connection:
        return blocked_among(connection, customers)


def blocked_among(connection: Connection, customers: Iterable[str] | None) -> set[str]:
    """:func:`blocked_customers` in the transaction of ``connection``."""
    found: set[str] = set()
    for some in batches_of(customers):
        wanted = true() if some is None else DO_NOT_CONTACT.c.customer.in_(some)
        latest = select(func.max(DO_NOT_CONTACT.c.id)).where(wanted).group_by(DO_NOT_CONTACT.c.customer)
        query = select(DO_NOT_CONTACT.c.customer).where(DO_NOT_CONTACT.c.id.in_(latest), DO_NOT_CONTACT.c.blocked)
        found |= set(connection.scalars(query))
    return found


def blocks_of(store: Store, customer: str) -> list[ContactBlock]:
    """Every row of a customer, the earliest first.

    Raises:
        StoreError: the store fails.
    """
    query = select(DO_NOT_CONTACT).where(DO_NOT_CONTACT.c.customer == customer).order_by(DO_NOT_CONTACT.c.id)
    with store.reading("read whether a customer may be contacted") as connection:
        return [ContactBlock(*row) for row in connection.execute(query)]


def _latest(connection: Connection, customer: str) -> ContactBlock | None:
    query = select(DO_NOT_CONTACT).where(DO_NOT_CONTACT.c.customer == customer).order_by(DO_NOT_CONTACT.c.id.desc())
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else ContactBlock(*row)


def keep_wishes(present: Store, restored: Store) -> int:
    """Bring into ``restored``, an earlier state of ``present``, who may be contacted by now and who may not.

    Returns:
        the number of customers whose wish changed since.

    Raises:
        StoreError: one of the two fails.
    """
    then = {one.customer: one.blocked for one in _latest_rows(restored)}
    changed = [one for one in _latest_rows(present) if one.blocked != then.get(one.customer, False)]
    with restored.writing("carry over who must not be contacted") as connection:
        for one in changed:
            connection.execute(
                insert(DO_NOT_CONTACT).values({name: value for name, value in asdict(one).items() if name != "id"})
            )
    return len(changed)


def last_wish(connection: Connection) -> int:
    """The number of the last row, in the transaction of ``connection``; it grows with each wish, from 0."""
    return connection.scalar(select(func.max(DO_NOT_CONTACT.c.id))) or 0


def _latest_rows(store: Store) -> list[ContactBlock]:
    latest = select(func.max(DO_NOT_CONTACT.c.id)).group_by(DO_NOT_CONTACT.c.customer)
    query = select(DO_NOT_CONTACT).where(DO_NOT_CONTACT.c.id.in_(latest)).order_by(DO_NOT_CONTACT.c.id)
    with store.reading("read who must not be contacted", much=True) as connection:
        return [ContactBlock(*row) for row in connection.execute(query)]
