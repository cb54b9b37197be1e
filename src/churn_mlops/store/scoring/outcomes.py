"""Outcomes: the final labels of published predictions, and labels that changed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, false, func, insert, literal, or_, select, update
from sqlalchemy import exists as there_is

from churn_mlops.errors import StoreError
from churn_mlops.store.database.advisory_locks import DATES
from churn_mlops.store.database.bulk_load import (
    Values,
    checked_customers,
    insert_staged,
    load,
    plain,
    refresh_statistics,
    rows_of,
)
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import OUTCOME_CHANGES, OUTCOMES, PREDICTIONS, RUNS, Timestamp

EXAMPLES = 5
BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Labels:
    """A batch of labels, each field the values of one column.

    Args:
        customer: names as texts, each once for a date.
        left: whether the customer left, None where it cannot be known.
    """

    customer: Values
    left: Values


@dataclass(frozen=True)
class Change:
    """A label that is another than the one recorded before."""

    customer: str
    was: bool | None
    became: bool | None


@dataclass(frozen=True)
class Recorded:
    """The result of recording the labels of a date, in customers.

    Args:
        new: who had no label of that date before.
        unchanged: whose label is as it was.
        changed: whose label is another; the former one is kept in ``outcome_changes``.
        gone: who had a label before and has none now; it is kept.
        examples: the first few that changed, by customer.
    """

    new: int
    unchanged: int
    changed: int
    gone: int
    examples: tuple[Change, ...] = ()


@dataclass(frozen=True)
class ScoredOutcomes:
    """Scores of one date beside what became of the customers, column by column, all of the same length.

    Args:
        as_of: the date.
        model_version: version of the model that made the scores.
        customer: names.
        score: churn probabilities, in [0, 1].
        left: whether they left.
    """

    as_of: date
    model_version: str
    customer: list[str]
    score: list[float]
    left: list[bool]


def runs_due(store: Store, final_after_days: int, today: date, *, recheck_days: int = 0) -> list[date]:
    """The published dates whose outcomes are to be recorded, the earliest first.

    Args:
        store: the store.
        final_after_days: days after an as-of date when its labels are final (lead, horizon and reporting delay).
        today: in the company's time zone.
        recheck_days: dates that were recorded before are due again for so many days after their labels became final.

    Raises:
        StoreError: the store fails.
    """
    final = today - timedelta(days=final_after_days)
    again = final - timedelta(days=recheck_days)
    wanted = or_(RUNS.c.matured_at.is_(None), RUNS.c.as_of >= again if recheck_days else false())
    query = select(RUNS.c.as_of).where(RUNS.c.as_of <= final, RUNS.c.deleted_at.is_(None), wanted)
    with store.reading("read which dates have final labels") as connection:
        return list(connection.scalars(query.order_by(RUNS.c.as_of)))


def record_labels(
    store: Store,
    as_of: date,
    labels: Iterable[Labels],
    now: datetime,
    *,
    check: Callable[[], None] = lambda: None,
) -> Recorded:
    """Record the final labels of a published date, all or none; those that changed since are kept with both values.

    Args:
        store: the store.
        as_of: a published date.
        labels: of all customers of that date, in any order; taken one batch at a time.
        now: the present time, with a time zone.
        check: raises where nothing may be recorded any more; called last.

    Raises:
        StoreError: nothing is published for that date, a customer stands twice, or the store fails.
    """
    with store.staging(f"record the outcomes of {as_of}", OUTCOMES) as (connection, stage):
        with connection.begin():
            load(connection, stage, _rows(labels))
            refresh_statistics(connection, stage)
        with store.committing(connection, DATES):
            recorded = _merge(connection, stage, _run_id(connection, as_of), now)
            check()
            return recorded


def scored_outcomes(store: Store, since: date) -> Iterator[ScoredOutcomes]:
    """Scores and outcomes of the dates from ``since`` on, the earliest first, in batches of one date each.

    Only customers who were scored and whose label is known come; a large date comes in several batches.

    Raises:
        StoreError: the store fails.
    """
    days = select(RUNS.c.id, RUNS.c.as_of).where(RUNS.c.as_of >= since, RUNS.c.checked_at.is_not(None))
    with store.reading("read scores and outcomes") as connection:
        found = connection.execute(days.order_by(RUNS.c.as_of)).all()
    for run_id, as_of in found:
        yield from _scored(store, run_id, as_of)


def _scored(store: Store, run_id: int, as_of: date) -> Iterator[ScoredOutcomes]:
    same = and_(OUTCOMES.c.run_id == PREDICTIONS.c.run_id, OUTCOMES.c.customer == PREDICTIONS.c.customer)
    query = (
        select(RUNS.c.model_version, PREDICTIONS.c.customer, PREDICTIONS.c.score, OUTCOMES.c.left)
        .join_from(PREDICTIONS, OUTCOMES, same)
        .join(RUNS, RUNS.c.id == PREDICTIONS.c.run_id)
        .where(PREDICTIONS.c.run_id == run_id, OUTCOMES.c.left.is_not(None))
        .order_by(PREDICTIONS.c.customer)
    )
    with store.reading(f"read scores and outcomes of {as_of}", much=True) as connection:
        for rows in connection.execution_options(yield_per=BATCH_ROWS).execute(query).partitions():
            versions, customers, scores, left = map(list, zip(*rows, strict=True))
            yield ScoredOutcomes(as_of, versions[0], customers, scores, left)


def _rows(labels: Iterable[Labels]) -> Iterator[tuple[object, ...]]:
    for batch in labels:
        yield from rows_of([checked_customers(batch.customer), plain(batch.left)])


def _run_id(connection: Connection, as_of: date) -> int:
    found = connection.execute(select(RUNS.c.id).where(RUNS.c.as_of == as_of, RUNS.c.deleted_at.is_(None))).scalar()
    if found is None:
        raise StoreError(
            f"no predictions of {as_of} are in the store: score that date before its outcomes are recorded"
        )
    return int(found)


def _merge(connection: Connection, stage: Table, run_id: int, now: datetime) -> Recorded:
    """Compare the staged labels with the recorded ones, by a few statements whatever the number of customers."""
    there = and_(OUTCOMES.c.run_id == run_id, OUTCOMES.c.customer == stage.c.customer)
    both = select(func.count()).select_from(stage).join(OUTCOMES, there)
    before = select(func.count()).select_from(OUTCOMES).where(OUTCOMES.c.run_id == run_id)
    had, matched = connection.scalar(before) or 0, connection.scalar(both) or 0
    given = connection.scalar(select(func.count()).select_from(stage)) or 0
    examples = _change(connection, stage, there, run_id, now)
    changed = _changes(connection, run_id, now)
    insert_staged(connection, stage, OUTCOMES, run_id, ~there_is().where(there))
    refresh_statistics(connection, OUTCOMES)
    first = func.coalesce(RUNS.c.matured_at, literal(now, Timestamp))
    connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(matured_at=first, checked_at=now))
    return Recorded(given - matched, matched - changed, changed, had - matched, examples)


def _change(
    connection: Connection, stage: Table, there: ColumnElement[bool], run_id: int, now: datetime
) -> tuple[Change, ...]:
    """Keep the former values of labels that changed, then write the new ones."""
    differs = stage.c.left.is_distinct_from(OUTCOMES.c.left)
    pairs: Select[tuple[str, bool | None, bool | None]]
    pairs = select(stage.c.customer, OUTCOMES.c.left, stage.c.left).join_from(stage, OUTCOMES, there).where(differs)
    examples = connection.execute(pairs.order_by(stage.c.customer).limit(EXAMPLES)).all()
    if not examples:
        return ()
    changed_at = literal(now, Timestamp)
    kept = pairs.with_only_columns(literal(run_id), stage.c.customer, OUTCOMES.c.left, stage.c.left, changed_at)
    into = ["run_id", "customer", "was", "became", "changed_at"]
    connection.execute(insert(OUTCOME_CHANGES).from_select(into, kept))
    latest = select(stage.c.left).where(stage.c.customer == OUTCOMES.c.customer)
    connection.execute(
        update(OUTCOMES)
        .where(OUTCOMES.c.run_id == run_id, OUTCOMES.c.customer.in_(_changed_at(run_id, now)))
        .values(left=latest.scalar_subquery())
    )
    return tuple(Change(*row) for row in examples)


def _changed_at(run_id: int, now: datetime) -> Select[tuple[str]]:
    changes = OUTCOME_CHANGES.c
    return select(changes.customer).where(changes.run_id == run_id, changes.changed_at == now)


def _changes(connection: Connection, run_id: int, now: datetime) -> int:
    return connection.scalar(select(func.count()).select_from(_changed_at(run_id, now).subquery())) or 0
