"""Trials: the times in which a challenger scores in the shadow of the champion, before it goes live or is refused."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import func, insert, select, update

from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import RUNS, TRIALS


@dataclass(frozen=True)
class Trial:
    """The trial of a challenger.

    Args:
        version: of the challenger, as people see it.
        sha256: of its bundle.
        champion_sha256: of the bundle that was live when it began.
        since: when it began, in UTC.
        until: when it ended, None while it lasts.
        result: how it ended, a sentence without its full stop; None while it lasts.
    """

    version: str
    sha256: str
    champion_sha256: str
    since: datetime
    until: datetime | None = None
    result: str | None = None


def start_trial(
    store: Store, version: str, sha256: str, champion_sha256: str, *, by: str = "churn", clock: Clock = utc_now
) -> None:
    """Start the trial of a challenger; a trial that lasts ends, since the newer one takes its place.

    Args:
        store: the store.
        version: of the challenger; the store holds its bundle.
        sha256: of its bundle.
        champion_sha256: of the bundle that is live.
        by: the principal, for the audit log, where it stands as ``trial.started``.
        clock: returns the time.

    Raises:
        StoreError: the store fails; nothing changes.
    """
    with store.writing("start the trial of a challenger") as connection:
        now = clock()
        ended = {"until": now, "result": f"version {version} took its place"}
        connection.execute(update(TRIALS).where(TRIALS.c.until.is_(None)).values(**ended))
        values = {"version": version, "sha256": sha256, "champion_sha256": champion_sha256, "since": now}
        connection.execute(insert(TRIALS).values(**values))
        add_event(connection, now, by, "trial.started", details={"version": version})


def end_trial(store: Store, trial: Trial, result: str, *, by: str = "churn", clock: Clock = utc_now) -> None:
    """End a trial, unless it ended since.

    Args:
        store: the store.
        trial: as it was read.
        result: how it ended, a sentence without its full stop.
        by: the principal, for the audit log, where it stands as ``trial.ended``.
        clock: returns the time.

    Raises:
        StoreError: the store fails; nothing changes.
    """
    with store.writing("end the trial of a challenger") as connection:
        now = clock()
        this = (TRIALS.c.until.is_(None), TRIALS.c.sha256 == trial.sha256, TRIALS.c.version == trial.version)
        if connection.execute(update(TRIALS).where(*this).values(until=now, result=result)).rowcount:
            add_event(connection, now, by, "trial.ended", details={"version": trial.version, "result": result})


def trials(store: Store, most: int) -> list[Trial]:
    """The newest ``most`` trials, the newest first; one that lasts is the first.

    Raises:
        StoreError: the store fails.
    """
    columns = [TRIALS.c[field.name] for field in fields(Trial)]
    with store.reading("read the trials") as connection:
        rows = connection.execute(select(*columns).order_by(TRIALS.c.id.desc()).limit(most))
        return [Trial(*row) for row in rows]


def running_trial(store: Store) -> Trial | None:
    """The trial that lasts, None where none does.

    Raises:
        StoreError: the store fails.
    """
    return next((one for one in trials(store, 1) if one.until is None), None)


def runs_scored(store: Store, trial: Trial) -> int:
    """How many dates the challenger scored too, since its trial began.

    Raises:
        StoreError: the store fails.
    """
    scored = (RUNS.c.shadow_sha256 == trial.sha256, RUNS.c.finished_at >= trial.since)
    with store.reading("count the runs that a challenger scored") as connection:
        return connection.scalar(select(func.count()).where(*scored)) or 0
