"""The overview of the store: the newest run, the champion, the jobs and the newest figures, read together.

The person on call and Prometheus see the same: both go by this one reading.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from churn_mlops.deployment import Deployment
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.inspect import obstacle_of_file, obstacle_of_server
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.job_records import JobRecord, job_records
from churn_mlops.store.measurements import MeasuredDay, latest_measurements
from churn_mlops.store.scoring.runs import Run, latest_run

_KINDS: dict[str, type | tuple[type, ...]] = {"int": int, "float": (int, float), "str": str}


@dataclass(frozen=True)
class Overview:
    """The answers of the store at one time.

    Args:
        read_at: when it was read, in UTC.
        run: the newest run, None where none was ever published.
        champion: the deployment that lasts, None where the store names none.
        jobs: the last try of each job, by name.
        measured: the newest figures, None where nothing was measured.
        obstacle: why the store cannot be written, None where it can.
    """

    read_at: datetime
    run: Run | None
    champion: Deployment | None
    jobs: tuple[JobRecord, ...]
    measured: MeasuredDay | None
    obstacle: str | None = None


def read_overview(store: Store, clock: Clock = utc_now) -> Overview:
    """Read them. No list is summed up, so the size of a list does not matter.

    Args:
        store: the store.
        clock: gives the time at which it is read.

    Raises:
        StoreError: the store fails.
        TypeError, ValueError: something else wrote a row of another kind; :func:`not_understood` says so.
    """
    now = clock()
    seen = Overview(
        now,
        latest_run(store),
        Deployments(store).current(),
        tuple(job_records(store, now)),
        latest_measurements(store),
        _obstacle(store),
    )
    figures = () if seen.measured is None else seen.measured.figures
    for row in (seen.run, seen.champion, *seen.jobs, *figures):
        _check_kinds(row)
    return seen


def _obstacle(store: Store) -> str | None:
    if store.file is not None:
        return obstacle_of_file(store.file)
    with store.reading("look whether it can be written") as connection:
        return obstacle_of_server(connection)


def not_understood(error: Exception) -> str:
    """Why an overview was not read, without a value of the row."""
    return f"a row cannot be understood ({type(error).__name__}): something else wrote it"


def _check_kinds(row: Any) -> None:
    """Refuse text in place of a number, and the reverse: SQLite keeps whatever it is given."""
    for field in () if row is None else fields(row):
        kind, value = str(field.type).removesuffix(" | None"), getattr(row, field.name)
        if kind in _KINDS and value is not None and not isinstance(value, _KINDS[kind]):
            raise TypeError(f"{type(row).__name__}.{field.name} is no {kind}")
