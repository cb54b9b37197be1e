"""The scores of a run beside what became of the customers, as measurements need them; and the use of its list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Select, and_, func, select

from churn_mlops.store.campaigns.arm_outcomes import offers_between
from churn_mlops.store.database.bulk_load import read_columns
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS, OUTCOMES, PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import OFFER
from churn_mlops.store.scoring.runs import Run, run_from

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class RunScores:
    """A batch of the scores of a run, column by column, all of the same length.

    Args:
        customer: customer IDs.
        score: churn probabilities, in [0, 1].
        risk_band: such as "high".
        left: whether they left; None where it is not final, or cannot be known.
        shadow_score: churn probabilities of the model in the shadow; None where it did not score.
    """

    customer: list[str]
    score: list[float]
    risk_band: list[str]
    left: list[bool | None]
    shadow_score: list[float | None]


@dataclass(frozen=True)
class ListedContact:
    """The latest contact with a customer of a list.

    Args:
        caller: the principal that recorded it.
        dismissal: why no offer was made, None where the customer was contacted.
    """

    caller: str
    dismissal: str | None


@dataclass(frozen=True)
class ListUse:
    """The lists of some dates, and the work on them.

    Args:
        listed: customers who were on a contact list.
        contacts: the latest contact of each of them who has one.
    """

    listed: int
    contacts: tuple[ListedContact, ...]


def runs_since(store: Store, since: date) -> list[Run]:
    """The runs from ``since`` on whose predictions are there, the earliest first.

    Raises:
        StoreError: the store fails.
    """
    query = select(RUNS).where(RUNS.c.as_of >= since, RUNS.c.deleted_at.is_(None)).order_by(RUNS.c.as_of)
    with store.reading("read the runs") as connection:
        return [run_from(row) for row in connection.execute(query)]


def run_scores(store: Store, run: Run) -> Iterator[RunScores]:
    """The scores of a run in batches, in the order of ranks.

    Raises:
        StoreError: the store fails.
    """
    columns = (PREDICTIONS.c.customer, PREDICTIONS.c.score, PREDICTIONS.c.risk_band, PREDICTIONS.c.shadow_score)
    of_run = PREDICTIONS.c.run_id == run.id
    if run.matured_at is None:  # no label to look up for each customer
        query: Select[Any] = select(*columns).where(of_run)
    else:
        same = and_(OUTCOMES.c.run_id == PREDICTIONS.c.run_id, OUTCOMES.c.customer == PREDICTIONS.c.customer)
        query = select(*columns, OUTCOMES.c.left).join_from(PREDICTIONS, OUTCOMES, same, isouter=True).where(of_run)
    with store.reading(f"read the scores of {run.as_of}", much=True) as connection:
        for customer, score, risk_band, shadow_score, *left in read_columns(
            connection, query.order_by(PREDICTIONS.c.rank), BATCH_ROWS
        ):
            given = left[0] if left else [None] * len(customer)
            labels = [None if one is None else bool(one) for one in given]
            yield RunScores(list(customer), list(score), list(risk_band), labels, list(shadow_score))


def list_use_between(store: Store, first: date, last: date) -> ListUse:
    """The contact lists of the dates from ``first`` to ``last``, and the contacts with their customers since.

    Raises:
        StoreError: the store fails.
    """
    listed = (
        select(PREDICTIONS.c.customer)
        .join(RUNS, RUNS.c.id == PREDICTIONS.c.run_id)
        .where(RUNS.c.as_of.between(first, last), PREDICTIONS.c.action == OFFER)
        .distinct()
        .subquery()
    )
    worked = (
        select(CONTACTS.c.customer, CONTACTS.c.caller, CONTACTS.c.dismissal)
        .join(listed, listed.c.customer == CONTACTS.c.customer)
        .where(CONTACTS.c.at >= _midnight(first))
        .order_by(CONTACTS.c.at, CONTACTS.c.id)
    )
    with store.reading("read the use of the list", much=True) as connection:
        count = connection.scalar(select(func.count()).select_from(listed)) or 0
        latest = {row.customer: ListedContact(row.caller, row.dismissal) for row in connection.execute(worked)}
    return ListUse(count, tuple(latest.values()))


def offered_between(store: Store, first: date, last: date) -> set[str]:
    """Customers with a contact from ``first`` to ``last`` in which an offer was made, or could have been.

    Raises:
        StoreError: the store fails.
    """
    query = select(CONTACTS.c.customer).where(*offers_between(first, last)).distinct()
    with store.reading("read who was contacted", much=True) as connection:
        return set(connection.scalars(query))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC)
