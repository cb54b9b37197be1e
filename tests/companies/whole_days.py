"""Whether a store holds whole days: each published date exactly the old list of the company or exactly the new one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from sqlalchemy import func, select

from churn_mlops.config import load_settings
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.database.schema import OUTCOMES, PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import Prediction, Predictions, prediction_batches, predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import NewRun, run_of
from tests.companies.daily import DAYS, LONG_AGO, DailyCompany

SOURCES = ("old", "new")


class HalfPublishedError(AssertionError):
    """A date in the store is neither the one list nor the other."""


@dataclass(frozen=True)
class Lists:
    """The tables that a whole run publishes.

    Args:
        of: the predictions by source ("old" or "new") and date.
        outcomes: of each date, who left.
        batches: one list as it can be published by hand.
    """

    of: dict[tuple[str, date], list[Prediction]]
    outcomes: dict[date, dict[str, bool | None]]
    batches: list[Predictions]

    def held(self, store: Store, day: date) -> str | None:
        """Which list the store holds for ``day``, None for none.

        Raises:
            HalfPublishedError: it is none of them, or the totals or the outcomes do not fit.
        """
        run, rows, outcomes = run_of(store, day), predictions(store, day), _outcomes(store, day)
        if run is None:
            _whole(not rows, f"{day} has {len(rows)} predictions and no run")
            return None
        totals = len(rows), sum(row.will_churn for row in rows), sum(row.action == "offer" for row in rows)
        _whole(totals == (run.customers, run.likely, run.worth_an_offer), f"{day} holds {totals}, and says {run}")
        recorded = bool(outcomes) or run.matured_at is not None
        _whole(not recorded or outcomes == self.outcomes[day], f"{day} has {len(outcomes)} outcomes")
        found = next((source for source in SOURCES if rows == self.of[source, day]), None)
        _whole(found is not None, f"{day} is neither the old list nor the new one")
        return found

    def put_long_ago(self, store: Store) -> None:
        """Publish a date that the next run is to delete."""
        now = datetime.now(UTC)
        publish(store, NewRun(LONG_AGO, now, "1", "a" * 64, "c" * 64, now), self.batches)

    def long_ago_is_there(self, store: Store) -> bool:
        """Whether that date is there as a whole; else it is gone as a whole.

        Raises:
            HalfPublishedError: a part is there.
        """
        run, rows = run_of(store, LONG_AGO), predictions(store, LONG_AGO)
        assert run is not None
        _whole(len(rows) == (run.customers if run.deleted_at is None else 0), f"{len(rows)} rows of {run}")
        return run.deleted_at is None


def expected_lists(company: DailyCompany, scratch: Path) -> Lists:
    """The tables of whole runs, found by doing them."""
    of: dict[tuple[str, date], list[Prediction]] = {}
    outcomes: dict[date, dict[str, bool | None]] = {}
    for source in SOURCES:
        settings = load_settings(company.config(source, f"sqlite:///{scratch / source}.db", "expected"), {})
        for day in DAYS:
            run_day(settings, day)
        record_outcomes(settings)
        with open_store(settings.store.url) as store:
            of |= {(source, day): predictions(store, day) for day in DAYS}
            outcomes |= {day: _outcomes(store, day) for day in DAYS}
            batches = list(prediction_batches(store, DAYS[0]))
    assert all(of["old", day] != of["new", day] for day in DAYS)
    assert all(outcomes.values())
    return Lists(of, outcomes, batches)


def check_nothing_is_left(store: Store) -> None:
    """No lock is held, and no row, temporary table or file is there that belongs to no run.

    Raises:
        AssertionError: something is left.
        StoreBusyError: a lock is held.
    """
    with scoring_lock(store), scoring_lock(store, "maturing"), store.reading("count what is left") as connection:
        for table in (PREDICTIONS, OUTCOMES):
            lost = select(func.count()).select_from(table).where(table.c.run_id.not_in(select(RUNS.c.id)))
            assert connection.scalar(lost) == 0, f"{table.name} of no run"
        if store.file is None:
            _wait_for_sessions(connection)
    if store.file is not None:
        name = store.file.name
        ours = {name, f"{name}-wal", f"{name}-shm", *(f"{name}.{lock}.lock" for lock in LOCKS)}
        left = {file.name for file in store.file.parent.iterdir()} - ours
        assert not left, f"files are left: {left}"


LOCKS = ("scoring", "maturing", "migration")


def _wait_for_sessions(connection: object) -> None:
    """The server ends the session of a killed process, and drops its temporary tables, as soon as it notices."""
    tables = "SELECT count(*) FROM pg_class WHERE relpersistence = 't' AND relkind = 'r'"
    for _ in range(100):
        left = connection.exec_driver_sql(tables).scalar()  # type: ignore[attr-defined]
        if not left:
            return
        connection.exec_driver_sql("SELECT pg_sleep(0.1)")  # type: ignore[attr-defined]
    raise AssertionError(f"{left} temporary tables are left")


def _outcomes(store: Store, day: date) -> dict[str, bool | None]:
    query = select(OUTCOMES.c.customer, OUTCOMES.c.left).join(RUNS, RUNS.c.id == OUTCOMES.c.run_id)
    with store.reading("read the outcomes") as connection:
        return dict(map(tuple, connection.execute(query.where(RUNS.c.as_of == day))))


def _whole(holds: bool, otherwise: str) -> None:
    if not holds:
        raise HalfPublishedError(otherwise)
