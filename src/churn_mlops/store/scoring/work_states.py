"""The state of the work on each customer of a list, as SQL: open, taken, snoozed, contacted or done."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select

from churn_mlops.store.campaigns.assignments import batches_of
from churn_mlops.store.database.campaign_tables import LIST_WORK
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS, PREDICTIONS
from churn_mlops.store.scoring.predictions import OFFER
from churn_mlops.store.scoring.runs import Run

STATES: Final = ("open", "taken", "snoozed", "contacted", "done")
"""The states, those that are left to do first."""
WORKED: Final = ("contacted", "done")
"""The states of customers who are worked."""

_AHEAD = timedelta(hours=1)
"""How far the time of a contact may be ahead of the time at which it was recorded, and more."""


@dataclass(frozen=True)
class ListTimes:
    """The times that the state of the work on a list depends on.

    Args:
        run_id: the run of the list.
        list_date: the as-of date of the list.
        today: customers who are snoozed until then are open again.
        since: contacts from then on are contacts by this list.
        after_contact: the id of a contact; all contacts by this list have a higher one.
    """

    run_id: int
    list_date: date
    today: date
    since: datetime
    after_contact: int


def list_times(store: Store, run: Run, now: datetime) -> ListTimes:
    """The times of the list of a run.

    A contact counts from the end of the as-of date on, or from the publication if that came first.

    Args:
        store: the store.
        run: the run of the list.
        now: the time, with its zone.

    Raises:
        StoreError: the store fails.
    """
    end_of_day = datetime.combine(run.as_of + timedelta(days=1), time(), UTC)
    since = min(end_of_day, run.finished_at)
    # Ids grow with the time of recording, so that only the contacts of this list are read, from the newest on.
    before = select(CONTACTS.c.id).where(CONTACTS.c.recorded_at < since - _AHEAD)
    with store.reading("look for the first contact of a list") as connection:
        last = connection.scalar(before.order_by(CONTACTS.c.id.desc()).limit(1))
    return ListTimes(run.id, run.as_of, now.astimezone(UTC).date(), since, last or 0)


def state_of_work(times: ListTimes, customer: ColumnElement[str] = PREDICTIONS.c.customer) -> ColumnElement[str]:
    """The state as :meth:`ListWork.state` gives it, in a query that has LIST_WORK.

    Args:
        times: of the list.
        customer: the column of the customer ID.
    """
    contacted = _contacts(times).where(
        CONTACTS.c.customer == customer,
        or_(LIST_WORK.c.changed_at.is_(None), CONTACTS.c.at >= LIST_WORK.c.changed_at),
    )
    return case(
        (LIST_WORK.c.done_for >= times.list_date, "done"),
        (LIST_WORK.c.snoozed_until > times.today, "snoozed"),
        (contacted.exists(), "contacted"),
        (LIST_WORK.c.owner.is_not(None), "taken"),
        else_="open",
    )


def state_counts(store: Store, run: Run, times: ListTimes) -> dict[str, int]:
    """How many customers of the contact list are in each state; read from the work, not from the list.

    Raises:
        StoreError: the store fails.
    """
    state = state_of_work(times, LIST_WORK.c.customer).label("state")
    worked = select(state, func.count()).where(_is_active(times), _is_listed(times, LIST_WORK.c.customer))
    with store.reading("count the work on the list") as connection:
        counts = {name: int(count) for name, count in connection.execute(worked.group_by(state))}
        counts["contacted"] = counts.get("contacted", 0) + (connection.scalar(_only_contacted(times)) or 0)
    counts["open"] = max(0, run.worth_an_offer - sum(counts.get(name, 0) for name in STATES if name != "open"))
    return {name: counts.get(name, 0) for name in STATES}


def contacts_by_list(store: Store, times: ListTimes, customers: Iterable[str]) -> dict[str, datetime]:
    """When each of some customers was last contacted since the list was made; customers who were not are left out.

    Raises:
        StoreError: the store fails.
    """
    latest = _contacts(times, CONTACTS.c.customer, func.max(CONTACTS.c.at)).group_by(CONTACTS.c.customer)
    found: dict[str, datetime] = {}
    with store.reading("read the contacts of a list") as connection:
        for some in batches_of(customers):
            found |= {name: at for name, at in connection.execute(latest.where(CONTACTS.c.customer.in_(some or ())))}
    return found


def _only_contacted(times: ListTimes) -> Select[Any]:
    """The number of customers who were contacted, and have no other state."""
    tables = CONTACTS.outerjoin(LIST_WORK, LIST_WORK.c.customer == CONTACTS.c.customer)
    none = or_(LIST_WORK.c.customer.is_(None), and_(not_(_is_active(times)), CONTACTS.c.at >= LIST_WORK.c.changed_at))
    found = _contacts(times, func.count(CONTACTS.c.customer.distinct())).select_from(tables)
    return found.where(none, _is_listed(times, CONTACTS.c.customer))


def _is_listed(times: ListTimes, customer: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a customer is on the contact list: a look-up for each, since a join may walk the whole list."""
    here = (PREDICTIONS.c.run_id == times.run_id, PREDICTIONS.c.action == OFFER, PREDICTIONS.c.customer == customer)
    return select(PREDICTIONS.c.rank).where(*here).exists()


def _contacts(times: ListTimes, *columns: Any) -> Select[Any]:
    is_of_list = (CONTACTS.c.id > times.after_contact, CONTACTS.c.at >= times.since)
    return select(*columns or (CONTACTS.c.id,)).where(*is_of_list)


def _is_active(times: ListTimes) -> ColumnElement[bool]:
    """Whether a row of the work says more than "open"; never null."""
    done = func.coalesce(LIST_WORK.c.done_for >= times.list_date, False)
    return or_(done, func.coalesce(LIST_WORK.c.snoozed_until > times.today, False), LIST_WORK.c.owner.is_not(None))
