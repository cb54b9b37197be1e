"""Job records: the last try of each job, by whatever program ran it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import JOB_RECORDS

OVERLAP = timedelta(hours=1)
"""By so much two tries of a job may overlap; an open one that began earlier has failed when the next begins."""
LONGEST = timedelta(days=1)
"""A try that is open for longer has failed, also without a next one: its process was killed."""


@dataclass(frozen=True)
class JobRecord:
    """The last try of a job; times are in UTC.

    Args:
        name: of the job, such as "score".
        began_at: when the try began; after ``ended_at`` while it is open.
        ended_at: when it ended, or the one before it while it is open.
        has_succeeded: whether the try that ended succeeded.
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

    @property
    def is_open(self) -> bool:
        """Whether a try began and has not ended: it is at work, or was killed. The first has no end before it."""
        return self.began_at > self.ended_at or not (self.has_succeeded or self.failures)

    def abandoned(self, at: datetime) -> JobRecord:
        """The same where the open try has failed, by ``at``: when it was killed is not known."""
        return replace(self, ended_at=at, has_succeeded=False, failures=self.failures + 1)


_COLUMNS = [JOB_RECORDS.c[field.name] for field in fields(JobRecord)]


def begin_job(store: Store, name: str, began_at: datetime) -> JobRecord | None:
    """Record that a try of a job begins; an open one that began more than `OVERLAP` before has failed.

    Returns:
        the record before, None where there was none; :func:`withdraw_job` takes it.

    Raises:
        StoreError: the store fails.
    """
    with store.writing(f"record the beginning of the job {name}") as connection:
        row = connection.execute(select(*_COLUMNS).where(JOB_RECORDS.c.name == name)).one_or_none()
        before = None if row is None else JobRecord(*row)
        if before is None:
            first = JobRecord(name, began_at, began_at, has_succeeded=False, succeeded_at=None, failures=0)
            connection.execute(insert(JOB_RECORDS).values(asdict(first)))
        elif not before.is_open or began_at - before.began_at > OVERLAP:
            ended = before.abandoned(began_at - timedelta.resolution) if before.is_open else before
            values = asdict(replace(ended, began_at=began_at))
            connection.execute(update(JOB_RECORDS).where(JOB_RECORDS.c.name == name).values(values))
    return before


def withdraw_job(store: Store, name: str, began_at: datetime, before: JobRecord | None) -> None:
    """Take the beginning at ``began_at`` back, which was no try; what another wrote since stays.

    Raises:
        StoreError: the store fails.
    """
    this = (JOB_RECORDS.c.name == name, JOB_RECORDS.c.began_at == began_at)
    with store.writing(f"take the beginning of the job {name} back") as connection:
        if before is None:
            connection.execute(delete(JOB_RECORDS).where(*this))
        else:
            connection.execute(update(JOB_RECORDS).where(*this).values(asdict(before)))


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
    began_at = min(began_at, ended_at)  # a clock that was put back: the try has ended
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


def job_records(store: Store, now: datetime | None = None) -> list[JobRecord]:
    """The last try of each job, by name.

    Args:
        store: the store.
        now: the present, with a time zone: a try that is open for longer than `LONGEST` has failed. None asks nothing.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read the job records") as connection:
        records = [JobRecord(*row) for row in connection.execute(select(*_COLUMNS).order_by(JOB_RECORDS.c.name))]
    late = {one.name for one in records if now is not None and one.is_open and now - one.began_at > LONGEST}
    return [one.abandoned(one.began_at + LONGEST) if one.name in late else one for one in records]
