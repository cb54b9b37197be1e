"""Scoring runs: one for each as-of date, with its totals, which stay when its predictions are deleted by age."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Row, delete, select, update

from churn_mlops.store.campaigns.assignments import batches_of
from churn_mlops.store.database.advisory_locks import DATES
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import FEATURE_COUNTS, OUTCOME_CHANGES, OUTCOMES, PREDICTIONS, RUNS


@dataclass(frozen=True)
class NewRun:
    """A scoring run that is about to be published.

    Args:
        as_of: the date that the predictions are of.
        known_until: the time up to which the source's rows were known; with a time zone, as are all times.
        model_version: version of the champion, as people see it.
        model_sha256: hash of its bundle.
        contract_fingerprint: hash of the data contract.
        started_at: when the run began.
        warnings: what the validation of the data remarked.
        asked_for: whether the date was given, instead of taken as ``source.as_of`` says.
        newest_row: day of the newest row of the source, None where its rows have no dates.
        shadow_version: version of the model that scored beside the champion, None where none did.
        shadow_sha256: hash of its bundle.
        shadow_seconds: the time that its scores took.
    """

    as_of: date
    known_until: datetime
    model_version: str
    model_sha256: str
    contract_fingerprint: str
    started_at: datetime
    warnings: tuple[str, ...] = ()
    asked_for: bool = False
    newest_row: date | None = None
    shadow_version: str | None = None
    shadow_sha256: str | None = None
    shadow_seconds: float | None = None


@dataclass(frozen=True)
class Run(NewRun):
    """A published scoring run; times come back in UTC.

    Args:
        id: stands for the date; the same when the date is scored again.
        customers: how many were scored.
        likely: how many reach the decision threshold: the length of the list.
        worth_an_offer: how many are worth an offer within capacity: the length of the contact list.
        finished_at: when it was published.
        matured_at: when its outcomes were first recorded, None before.
        checked_at: when its outcomes were last compared with the source.
        delivered_at: when the webhook had accepted its list, None before.
        deleted_at: when its predictions and outcomes were deleted by age, None while they are there.
    """

    id: int = 0
    customers: int = 0
    likely: int = 0
    worth_an_offer: int = 0
    finished_at: datetime = datetime.min
    matured_at: datetime | None = None
    checked_at: datetime | None = None
    delivered_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def is_delivered(self) -> bool:
        """Whether its list was accepted, or is not there any more."""
        return self.delivered_at is not None or self.deleted_at is not None


def latest_run(store: Store, *, delivered: bool = False, unasked: bool = False) -> Run | None:
    """The run of the latest as-of date, None where there is none.

    Args:
        store: the store.
        delivered: only runs whose list the webhook accepted.
        unasked: only runs whose date was taken as ``source.as_of`` says.

    Raises:
        StoreError: the store fails.
    """
    query = select(RUNS).order_by(RUNS.c.as_of.desc()).limit(1)
    query = query.where(RUNS.c.delivered_at.is_not(None)) if delivered else query
    query = query.where(~RUNS.c.asked_for) if unasked else query
    with store.reading("read the latest run") as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else run_from(row)


def run_of(store: Store, as_of: date) -> Run | None:
    """The run of the date ``as_of``, None where there is none.

    Raises:
        StoreError: the store fails.
    """
    with store.reading(f"read the run of {as_of}") as connection:
        row = connection.execute(select(RUNS).where(RUNS.c.as_of == as_of)).one_or_none()
    return None if row is None else run_from(row)


def published_dates(store: Store) -> list[date]:
    """The dates whose predictions are there, the latest first.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read the published dates") as connection:
        found = connection.scalars(
            select(RUNS.c.as_of).where(RUNS.c.deleted_at.is_(None)).order_by(RUNS.c.as_of.desc())
        )
        return list(found)


def customers_in_no_run(connection: Connection, customers: Iterable[str]) -> set[str]:
    """Customers, of some, without a prediction on any published date; none while no date is published."""
    runs = connection.scalars(select(RUNS.c.id).where(RUNS.c.deleted_at.is_(None)).order_by(RUNS.c.as_of.desc())).all()
    rest = set(customers) if runs else set()
    for run_id in runs:  # one by one, so that each is looked up in the index; nearly always the first has them all
        of_run = select(PREDICTIONS.c.customer).where(PREDICTIONS.c.run_id == run_id)
        for some in batches_of(sorted(rest)):
            rest -= set(connection.scalars(of_run.where(PREDICTIONS.c.customer.in_(some or []))))
    return rest


def record_delivery(store: Store, run: Run, *, clock: Clock = utc_now) -> None:
    """Record that the webhook accepted the list of ``run``, unless its date was published again since.

    Raises:
        StoreError: the store fails.
    """
    with store.writing(f"record that the list of {run.as_of} was sent") as connection:
        this = (RUNS.c.id == run.id, RUNS.c.finished_at == run.finished_at)
        connection.execute(update(RUNS).where(*this).values(delivered_at=clock()))


def retain(store: Store, older_than: date, *, clock: Clock = utc_now) -> list[date]:
    """Delete all rows of every date before ``older_than``, such as predictions; the runs with their totals stay.

    Returns:
        the dates whose rows were deleted, the earliest first.

    Raises:
        StoreError: the store fails; nothing is deleted then.
    """
    with store.writing(f"delete the predictions from before {older_than}", DATES, much=True) as connection:
        old = (RUNS.c.as_of < older_than, RUNS.c.deleted_at.is_(None))
        found = connection.execute(select(RUNS.c.id, RUNS.c.as_of).where(*old).order_by(RUNS.c.as_of)).all()
        for run_id, _ in found:
            for rows in (PREDICTIONS, OUTCOMES, OUTCOME_CHANGES, FEATURE_COUNTS):
                connection.execute(delete(rows).where(rows.c.run_id == run_id))
            connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(deleted_at=clock()))
    return [as_of for _, as_of in found]


def run_from(row: Row[tuple[ColumnElement[object], ...]]) -> Run:
    """The run of a row of ``scoring_runs``."""
    values = dict(row._mapping)
    return Run(**(values | {"warnings": tuple(values["warnings"])}))
