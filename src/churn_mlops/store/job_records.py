"""Job records: the last try of each job, by whatever program ran it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import insert, select, update

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import JOB_RECORDS


@dataclass(frozen=True)
class JobRecord:
    """The last try of a job; times are in UTC.

    Args:
        name: of the job, such as "score".
        began_at: when the try began.
        ended_at: when it ended.
        has_succeeded: whether it succeeded.
        succeeded_at: when a try last succeeded; None if none ever did.
        failures: how many tries failed since then.
    """

    name: str
    began_at: datetime
    ended_at: datetime
    has_succeeded: bool
    succeeded_at: datetime | None
    failures: int

    @property
    def seconds(self) -> float:
        """The time that the try took."""
        return (self.ended_at - self.began_at).total_seconds()


def record_job(store: Store, name: str, began_at: datetime, ended_at: datetime, *, has_succeeded: bool) -> None:
    """Record a try of a job in place of the one before.

    Args:
        store: the store.
        name: of the job.
        began_at: when the try began, with a time zone.
        ended_at: when it ended.
        has_succeeded: whether it succeeded.

    Raises:
        StoreError: the store fails.
    """
    failures = 0 if has_succeeded else JOB_RECORDS.c.failures + 1
    values = {"began_at": began_at, "ended_at": ended_at, "has_succeeded": has_succeeded, "failures": failures}
    if has_succeeded:
        values["succeeded_at"] = ended_at
    with store.writing(f"record the job {name}") as connection:
        if not connection.execute(update(JOB_RECORDS).where(JOB_RECORDS.c.name == name).values(values)).rowcount:
            first = JobRecord(
                name, began_at, ended_at, has_succeeded, ended_at if has_succeeded else None, int(not has_succeeded)
            )
            connection.execute(insert(JOB_RECORDS).values(asdict(first)))


def job_records(store: Store) -> list[JobRecord]:
    """The last try of each job, by name.

    Raises:
        StoreError: the store fails.
    """
    columns = [JOB_RECORDS.c[field.name] for field in fields(JobRecord)]
    with store.reading("read the job records") as connection:
        rows = connection.execute(select(*columns).order_by(JOB_RECORDS.c.name)).all()
    return [JobRecord(*row) for row in rows]
