"""The work on the list: who works on a customer, until when the customer waits, and whether the work is done.

Each change names the version that its author saw. A change of another version is refused, so that two agents never work
on one customer without seeing it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select, true, update

from churn_mlops.errors import ChurnError
from churn_mlops.store.campaigns.assignments import batches_of
from churn_mlops.store.database.campaign_tables import LIST_WORK
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.suppression.tombstones import refuse_erased

NEW = datetime.min


@dataclass(frozen=True)
class ListWork:
    """The state of the work on one customer.

    Args:
        customer: the customer ID.
        version: grows with each change; 0 where nothing was recorded.
        owner: who works on the customer, None where no one does.
        owner_since: since when.
        snoozed_until: the customer waits until this date.
        done_for: date of the list whose work on the customer is done.
        note: of the last change, None where it had none.
        changed_at: when it last changed.
        changed_by: who changed it.
    """

    customer: str
    version: int = 0
    owner: str | None = None
    owner_since: datetime | None = None
    snoozed_until: date | None = None
    done_for: date | None = None
    note: str | None = None
    changed_at: datetime = NEW
    changed_by: str = ""

    def state(self, list_date: date, today: date) -> str:
        """The state on the list of ``list_date``: "done", "snoozed", "taken" or "open"."""
        if self.done_for is not None and self.done_for >= list_date:
            return "done"
        if self.snoozed_until is not None and self.snoozed_until > today:
            return "snoozed"
        return "open" if self.owner is None else "taken"


class TakenError(ChurnError):
    """Another agent works on the customer.

    Args:
        work: the state, which names the owner and since when.
    """

    def __init__(self, work: ListWork) -> None:
        since = "" if work.owner_since is None else f" since {work.owner_since:%Y-%m-%d %H:%M UTC}"
        super().__init__(f"{work.owner} works on this customer{since}")
        self.work = work


class WorkChangedError(ChurnError):
    """The work on the customer changed since it was read.

    Args:
        work: the state as it is.
    """

    def __init__(self, work: ListWork) -> None:
        super().__init__(f"{work.changed_by} changed the work on this customer meanwhile: read it again")
        self.work = work


@dataclass(frozen=True)
class WorkChange:
    """A change of the work on one customer, as an agent asks for it.

    Args:
        customer: the customer ID, without a character of code 0.
        by: the agent.
        version: that the agent saw; None, to take a customer without an owner, asks for none.
        note: why, None for no note.
        hash_key: the setting ``store.customer_hash_key``, by which an erased customer is found; None looks for none.
    """

    customer: str
    by: str
    version: int | None = None
    note: str | None = None
    hash_key: str | None = None


def take(store: Store, change: WorkChange, *, clock: Clock = utc_now) -> ListWork:
    """Take a customer, who has no other owner. To take them again changes nothing.

    Raises:
        TakenError: another agent works on the customer.
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    with store.writing("take a customer") as connection:
        work = _own(connection, change)
        if work.owner == change.by:
            return work
        _check(work, change.version)
        return _write(connection, work, change, clock, owner=change.by, owner_since=clock())


def hand_on(store: Store, change: WorkChange, to: str | None, *, clock: Clock = utc_now) -> ListWork:
    """Give a customer to another agent; ``to`` None gives them back to all. Any agent may do it.

    Raises:
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    with store.writing("hand on a customer") as connection:
        work = _read(connection, change)
        _check(work, change.version)
        since = None if to is None else clock()
        return _write(connection, work, change, clock, owner=to, owner_since=since)


def snooze(store: Store, change: WorkChange, until: date, *, clock: Clock = utc_now) -> ListWork:
    """Let a customer wait until a date.

    Raises:
        TakenError: another agent works on the customer.
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    with store.writing("snooze a customer") as connection:
        work = _own(connection, change)
        _check(work, change.version)
        return _write(connection, work, change, clock, snoozed_until=until)


def finish(store: Store, change: WorkChange, list_date: date, *, clock: Clock = utc_now) -> ListWork:
    """Mark the work on a customer as done, for the list of ``list_date``.

    Raises:
        TakenError: another agent works on the customer.
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    with store.writing("finish the work on a customer") as connection:
        work = _own(connection, change)
        _check(work, change.version)
        free = {"owner": None, "owner_since": None, "snoozed_until": None}
        return _write(connection, work, change, clock, done_for=list_date, **free)


def work_on(store: Store, customers: Iterable[str] | None = None) -> dict[str, ListWork]:
    """The state of the work by customer ID; customers without any are not in it.

    Args:
        store: the store.
        customers: only of these; None reads them all.

    Raises:
        StoreError: the store fails.
    """
    found: dict[str, ListWork] = {}
    with store.reading("read the work on the list") as connection:
        for some in batches_of(customers):
            wanted = true() if some is None else LIST_WORK.c.customer.in_(some)
            rows = connection.execute(select(LIST_WORK).where(wanted))
            found |= {row.customer: ListWork(**row._mapping) for row in rows}
    return found


def _own(connection: Connection, change: WorkChange) -> ListWork:
    """The state of a customer who has no other owner."""
    work = _read(connection, change)
    if work.owner not in (None, change.by):
        raise TakenError(work)
    return work


def _read(connection: Connection, change: WorkChange) -> ListWork:
    refuse_erased(connection, change.hash_key, change.customer)
    row = connection.execute(select(LIST_WORK).where(LIST_WORK.c.customer == change.customer)).one_or_none()
    return ListWork(change.customer) if row is None else ListWork(**row._mapping)


def _check(work: ListWork, version: int | None) -> None:
    if version is not None and version != work.version:
        raise WorkChangedError(work)


def _write(connection: Connection, work: ListWork, change: WorkChange, clock: Clock, **changed: Any) -> ListWork:
    own: dict[str, Any] = {
        "version": work.version + 1,
        "note": change.note,
        "changed_at": clock(),
        "changed_by": change.by,
    }
    values = asdict(replace(work, **changed, **own))
    if work.version == 0:
        row = connection.execute(insert(LIST_WORK).values(values).returning(*LIST_WORK.c)).one()
    else:
        this = LIST_WORK.c.customer == work.customer
        row = connection.execute(update(LIST_WORK).where(this).values(values).returning(*LIST_WORK.c)).one()
    return ListWork(**row._mapping)
