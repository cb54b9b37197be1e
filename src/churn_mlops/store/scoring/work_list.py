"""The contact list of a date with the work on it: who works on each customer, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, case, func, select

from churn_mlops.store.campaigns.list_work import ListWork
from churn_mlops.store.database.campaign_tables import LIST_WORK
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import OFFER, Prediction, joined


@dataclass(frozen=True)
class ListFilter:
    """The customers of a list that are asked for; a field that is None asks for nothing.

    Args:
        state: "open", "taken", "snoozed" or "done".
        owner: who works on the customer.
        risk_band: the risk band.
        campaign_id: the campaign.
        starts_with: the beginning of the customer ID.
    """

    state: str | None = None
    owner: str | None = None
    risk_band: str | None = None
    campaign_id: int | None = None
    starts_with: str | None = None


@dataclass(frozen=True)
class WorkItem:
    """One customer of the list, with the work on them."""

    prediction: Prediction
    work: ListWork


@dataclass(frozen=True)
class WorkPage:
    """A page of the list.

    Args:
        items: of the page.
        total: how many customers match the filter.
        states: how many customers of the whole list are in each state.
    """

    items: list[WorkItem]
    total: int
    states: dict[str, int]


def work_page(
    store: Store, as_of: date, today: date, wanted: ListFilter, *, by_gain: bool = False, skip: int = 0, limit: int
) -> WorkPage:
    """A page of the contact list.

    Args:
        store: the store.
        as_of: a published date.
        today: the date of today: customers who are snoozed until then are open again.
        wanted: which customers.
        by_gain: order by expected gain, the highest first; else by rank.
        skip: customers before the page.
        limit: most customers of the page.

    Raises:
        StoreError: the store fails.
    """
    state = _state(as_of, today)
    here = _on_contact_list(as_of).where(*_conditions(wanted, state))
    order = (PREDICTIONS.c.expected_gain.desc(), PREDICTIONS.c.rank) if by_gain else (PREDICTIONS.c.rank,)
    counted = select(state, func.count()).select_from(_tables())
    counted = counted.where(PREDICTIONS.c.run_id == _run_id(as_of), PREDICTIONS.c.action == OFFER).group_by(state)
    with store.reading(f"read the contact list of {as_of}") as connection:
        rows = connection.execute(here.order_by(*order).offset(skip).limit(limit)).all()
        total = connection.scalar(select(func.count()).select_from(here.order_by(None).subquery())) or 0
        states = {str(name): int(count) for name, count in connection.execute(counted)}
    return WorkPage([_item(row) for row in rows], total, states)


def _tables() -> Any:
    listed = PREDICTIONS.join(RUNS, RUNS.c.id == PREDICTIONS.c.run_id)
    return listed.outerjoin(LIST_WORK, LIST_WORK.c.customer == PREDICTIONS.c.customer)


def _run_id(as_of: date) -> Any:
    return select(RUNS.c.id).where(RUNS.c.as_of == as_of).scalar_subquery()


def _on_contact_list(as_of: date) -> Select[Any]:
    work = [column.label(f"work_{column.name}") for column in LIST_WORK.c]
    query = select(*joined().selected_columns, *work).select_from(_tables())
    return query.where(PREDICTIONS.c.run_id == _run_id(as_of), PREDICTIONS.c.action == OFFER)


def _state(as_of: date, today: date) -> Any:
    """The state as :meth:`ListWork.state` gives it."""
    return case(
        (LIST_WORK.c.done_for >= as_of, "done"),
        (LIST_WORK.c.snoozed_until > today, "snoozed"),
        (LIST_WORK.c.owner.is_not(None), "taken"),
        else_="open",
    )


def _conditions(wanted: ListFilter, state: Any) -> list[Any]:
    columns = (
        (state, wanted.state),
        (LIST_WORK.c.owner, wanted.owner),
        (PREDICTIONS.c.risk_band, wanted.risk_band),
        (PREDICTIONS.c.campaign_id, wanted.campaign_id),
    )
    found = [column == value for column, value in columns if value is not None]
    if wanted.starts_with is not None:
        found.append(PREDICTIONS.c.customer.startswith(wanted.starts_with, autoescape=True))
    return found


def _item(row: Any) -> WorkItem:
    count = len(row) - len(LIST_WORK.c)
    prediction, work = Prediction(*row[:count]), row[count:]
    if work[0] is None:
        return WorkItem(prediction, ListWork(prediction.customer))
    return WorkItem(prediction, ListWork(**dict(zip(LIST_WORK.c.keys(), work, strict=True))))


def list_date(store: Store) -> tuple[date, datetime] | None:
    """The date of the newest list, and when it was published; None where there is none.

    Raises:
        StoreError: the store fails.
    """
    query = select(RUNS.c.as_of, RUNS.c.finished_at).where(RUNS.c.deleted_at.is_(None))
    with store.reading("read the date of the newest list") as connection:
        row = connection.execute(query.order_by(RUNS.c.as_of.desc()).limit(1)).one_or_none()
    return None if row is None else (row.as_of, row.finished_at)
