"""The work on the list: who works on a customer, until when the customer waits, and whether the work is done.

Each change names the version that its author saw. A change of another version is refused, so that two agents never work
on one customer without seeing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, insert, select, true, update

from churn_mlops.errors import ChurnError, CustomerErasedError
from churn_mlops.store.campaigns.assignments import batches_of
from churn_mlops.store.campaigns.list_trace import ListTrace
from churn_mlops.store.database.campaign_tables import LIST_WORK
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.suppression.tombstones import erased_among

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

    @property
    def agent(self) -> str:
        """The agent who works on the customer, or else the author of the last change."""
        return self.owner or self.changed_by

    def waits(self, today: date) -> bool:
        """Whether the customer waits for a day after ``today``."""
        return self.snoozed_until is not None and self.snoozed_until > today

    def state(self, list_date: date, today: date, contacted_at: datetime | None = None) -> str:
        """The state on a list: "done", "snoozed", "contacted", "taken" or "open".

        Args:
            list_date: the date of the list.
            today: customers who are snoozed until then are open again.
            contacted_at: the latest contact since the list was made, None without one; a later change counts more.
        """
        if self.done_for is not None and self.done_for >= list_date:
            return "done"
        if self.waits(today):
            return "snoozed"
        if contacted_at is not None and (self.version == 0 or contacted_at >= self.changed_at):
            return "contacted"
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


WorkRefusal = TakenError | WorkChangedError | CustomerErasedError
"""Why the work on a customer is not changed."""
ActionKind = Literal["take", "release", "hand_on", "snooze", "done"]


@dataclass(frozen=True)
class WorkAction:
    """An action on the work on a customer.

    Args:
        kind: "take", "release" (give back to all), "hand_on", "snooze" or "done".
        to: the next owner, where it is handed on.
        day: until when a customer is snoozed; the date of the list whose work is done.
        seen_owner: the owner whose customers may be released or handed on without a version, since they were seen.
    """

    kind: ActionKind
    to: str | None = None
    day: date | None = None
    seen_owner: str | None = None


@dataclass(frozen=True)
class WorkChange:
    """A change of the work on one customer, as an agent asks for it.

    Args:
        customer: the customer ID, without a character of code 0.
        by: the agent.
        version: that the agent saw; None asks for none, and takes nothing from another owner.
        note: why, None for no note.
        hash_key: the setting ``store.customer_hash_key``, by which an erased customer is found; None looks for none.
    """

    customer: str
    by: str
    version: int | None = None
    note: str | None = None
    hash_key: str | None = None


def take(store: Store, change: WorkChange, *, clock: Clock = utc_now) -> ListWork:
    """Take a customer, who has no other owner; if they wait or are done, they do so no longer.

    To take them again changes nothing.

    Raises:
        TakenError: another agent works on the customer.
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    return _change_one(store, change, WorkAction("take"), clock)


def hand_on(store: Store, change: WorkChange, to: str | None, *, clock: Clock = utc_now) -> ListWork:
    """Give a customer to another agent; ``to`` None gives them back to all. Any agent may do it.

    Raises:
        TakenError: another agent works on the customer, and the change names no version.
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    return _change_one(store, change, WorkAction("release" if to is None else "hand_on", to), clock)


def snooze(store: Store, change: WorkChange, until: date, *, clock: Clock = utc_now) -> ListWork:
    """Let a customer wait until a date.

    Raises:
        TakenError: another agent works on the customer.
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    return _change_one(store, change, WorkAction("snooze", day=until), clock)


def finish(store: Store, change: WorkChange, list_date: date, *, clock: Clock = utc_now) -> ListWork:
    """Mark the work on a customer as done, for the list of ``list_date``.

    Raises:
        TakenError: another agent works on the customer.
        WorkChangedError: the version is another one.
        CustomerErasedError: the customer was erased.
        StoreError: the store fails.
    """
    return _change_one(store, change, WorkAction("done", day=list_date), clock)


def change_all(
    store: Store,
    changes: Sequence[WorkChange],
    action: WorkAction,
    *,
    trace: ListTrace | None = None,
    clock: Clock = utc_now,
) -> dict[str, ListWork | WorkRefusal]:
    """Do the same to several customers, in one transaction: those that cannot be changed are left as they are.

    A change that stands already is not made again, so that a request can be repeated.

    Args:
        store: the store.
        changes: of at most some hundred customers, all by one agent under one hash key.
        action: what is done.
        trace: the list that was seen, and what the audit log keeps; None binds the change to no list.
        clock: gives the time.

    Returns:
        by customer ID the state as it is now, or why it was not changed.

    Raises:
        ConfigError: customers were erased under another key.
        ListChangedError: the list is not the one that was seen; nothing is changed.
        StoreError: the store fails.
    """
    now = clock()
    with store.writing("change the work on the list") as connection:
        if trace is not None:
            trace.check(connection)
        found, owners = _change(connection, changes, action, now)
        if trace is not None:
            trace.record(connection, owners, now)
    return found


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


def proxied_agents(store: Store) -> list[str]:
    """The users of a proxy who have worked on the list; the store knows no others.

    Raises:
        StoreError: the store fails.
    """
    query = select(LIST_WORK.c.changed_by).where(LIST_WORK.c.changed_by.startswith("proxy:")).distinct()
    with store.reading("read who works on the list") as connection:
        return sorted(connection.scalars(query))


def _change_one(store: Store, change: WorkChange, action: WorkAction, clock: Clock) -> ListWork:
    found = change_all(store, [change], action, clock=clock)[change.customer]
    if isinstance(found, ListWork):
        return found
    raise found


def _change(
    connection: Connection, changes: Sequence[WorkChange], action: WorkAction, now: datetime
) -> tuple[dict[str, ListWork | WorkRefusal], dict[str, str | None]]:
    """By customer ID the state or why it was not changed; then the last owner of each who was changed."""
    names = [change.customer for change in changes]
    key = changes[0].hash_key if changes else None
    erased = set() if key is None else erased_among(connection, key, names)
    rows = connection.execute(select(LIST_WORK).where(LIST_WORK.c.customer.in_(names)))
    known = {row.customer: ListWork(**row._mapping) for row in rows}
    found: dict[str, ListWork | WorkRefusal] = {}
    for change in changes:
        work = known.get(change.customer, ListWork(change.customer))
        if change.customer in erased:
            found[change.customer] = CustomerErasedError("the customer was erased: nothing more is recorded of them")
        else:
            found[change.customer] = _refusal(work, change, action, now.date()) or _changed(work, change, action, now)
    written = _write(connection, known, [work for work in found.values() if isinstance(work, ListWork)])
    return found, {name: known[name].owner if name in known else None for name in written}


def _refusal(work: ListWork, change: WorkChange, action: WorkAction, today: date) -> WorkRefusal | None:
    """Why the change is not made: another agent has the customer, or the version is not the one that was seen.

    Customers of another agent are given back and handed on, and while they wait anything is done, once they were seen.
    """
    may_be_anothers = change.version is not None and work.waits(today)
    if action.kind in ("release", "hand_on"):
        may_be_anothers = change.version is not None or work.owner == action.seen_owner
    if work.owner not in (None, change.by) and not may_be_anothers and not _stands(work, change, action):
        return TakenError(work)
    if change.version not in (None, work.version) and not _stands(work, change, action):
        return WorkChangedError(work)
    return None


def _stands(work: ListWork, change: WorkChange, action: WorkAction) -> bool:
    """Whether the last change was this one already, such as when a request is repeated that was cut off."""
    is_there = _targets(change, action).items() <= asdict(work).items()
    if action.kind in ("take", "release"):
        return is_there
    return is_there and work.version > 0 and (work.changed_by, work.note) == (change.by, change.note)


def _targets(change: WorkChange, action: WorkAction) -> dict[str, Any]:
    """The fields that an action sets, without its time."""
    fields: dict[ActionKind, dict[str, Any]] = {
        "take": {"owner": change.by, "snoozed_until": None, "done_for": None},
        "release": {"owner": None},
        "hand_on": {"owner": action.to},
        "snooze": {"snoozed_until": action.day},
        "done": {"done_for": action.day, "owner": None, "snoozed_until": None},
    }
    return fields[action.kind]


def _changed(work: ListWork, change: WorkChange, action: WorkAction, now: datetime) -> ListWork:
    if _stands(work, change, action):
        return work
    targets = _targets(change, action)
    if "owner" in targets:
        targets["owner_since"] = None if targets["owner"] is None else now
    return replace(work, **targets, version=work.version + 1, note=change.note, changed_at=now, changed_by=change.by)


def _write(connection: Connection, known: Mapping[str, ListWork], works: Sequence[ListWork]) -> list[str]:
    new = [asdict(work) for work in works if work.customer not in known and work.version > 0]
    changed = [work for work in works if work.customer in known and work != known[work.customer]]
    if new:
        connection.execute(insert(LIST_WORK), new)
    if changed:
        names = [column.name for column in LIST_WORK.c if column.name != "customer"]
        this = update(LIST_WORK).where(LIST_WORK.c.customer == bindparam("of_customer"))
        rows = [{"of_customer": work.customer} | {name: getattr(work, name) for name in names} for work in changed]
        connection.execute(this.values({name: bindparam(name) for name in names}), rows)
    return [row["customer"] for row in new] + [work.customer for work in changed]
