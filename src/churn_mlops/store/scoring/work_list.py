"""The contact list of a date with the work on it: who works on each customer, and what is left to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from churn_mlops.store.campaigns.list_work import ListWork
from churn_mlops.store.database.campaign_tables import LIST_WORK
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import OFFER, Prediction, joined
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import ListTimes, state_counts, state_of_work


@dataclass(frozen=True)
class ListFilter:
    """The customers of a list that are asked for; a field that is None asks for nothing.

    Args:
        state: one of ``work_states.STATES``.
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
    """One customer of the list, with the work on them and its state."""

    prediction: Prediction
    work: ListWork
    state: str


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
    store: Store, run: Run, times: ListTimes, wanted: ListFilter, *, by_gain: bool = False, skip: int = 0, limit: int
) -> WorkPage:
    """A page of the contact list.

    Args:
        store: the store.
        run: the run of the list.
        times: those of the list.
        wanted: which customers.
        by_gain: order by expected gain, the highest first; else by rank.
        skip: customers before the page.
        limit: most customers of the page.

    Raises:
        StoreError: the store fails.
    """
    state = state_of_work(times)
    here = _on_contact_list(run, state).where(*_conditions(wanted, state))
    order = (PREDICTIONS.c.expected_gain.desc(), PREDICTIONS.c.rank) if by_gain else (PREDICTIONS.c.rank,)
    with store.reading(f"read the contact list of {run.as_of}") as connection:
        rows = connection.execute(here.order_by(*order).offset(skip).limit(limit)).all()
        total = connection.scalar(select(func.count()).select_from(here.order_by(None).subquery())) or 0
    return WorkPage([_item(row) for row in rows], total, state_counts(store, run, times))


def _on_contact_list(run: Run, state: ColumnElement[str]) -> Select[Any]:
    listed = PREDICTIONS.join(RUNS, RUNS.c.id == PREDICTIONS.c.run_id)
    tables = listed.outerjoin(LIST_WORK, LIST_WORK.c.customer == PREDICTIONS.c.customer)
    work = [column.label(f"work_{column.name}") for column in LIST_WORK.c]
    query = select(*joined().selected_columns, *work, state.label("state")).select_from(tables)
    return query.where(PREDICTIONS.c.run_id == run.id, PREDICTIONS.c.action == OFFER)


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
    *before, state = row
    count = len(before) - len(LIST_WORK.c)
    prediction, work = Prediction(*before[:count]), before[count:]
    if work[0] is None:
        return WorkItem(prediction, ListWork(prediction.customer), state)
    return WorkItem(prediction, ListWork(**dict(zip(LIST_WORK.c.keys(), work, strict=True))), state)
