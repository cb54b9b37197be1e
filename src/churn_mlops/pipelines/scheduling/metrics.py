"""The metrics of a schedule, for Prometheus: what its jobs did, the next run, and a day that was abandoned."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time

from prometheus_client import CollectorRegistry, Counter, Gauge

from churn_mlops.errors import StoreBusyError

DAY = "day"
"""The job that is made of all others: the run of one day."""
JOBS = (DAY, "score", "send", "mature", "monitor", "review")
RESULTS = ("succeeded", "failed", "busy")


class ScheduleMetrics:
    """Counts the tries of each job, and keeps how long the last one took.

    Args:
        clock: returns the present time, with a time zone.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.registry = CollectorRegistry()
        self._tries = Counter(
            "churn_job_tries", "Tries of a job, by result", ["job_name", "result"], registry=self.registry
        )
        self._seconds = self._gauge("churn_job_duration_seconds", "Time that the last try of a job took", ["job_name"])
        self._succeeded = self._gauge("churn_job_last_success_timestamp_seconds", "Last success of a job", ["job_name"])
        self._next = self._gauge("churn_schedule_next_run_timestamp_seconds", "When the next run is due")
        self._last_day = self._gauge(
            "churn_schedule_last_day_timestamp_seconds", "Latest day that was done, its midnight in UTC"
        )
        self._abandoned_days = Counter(
            "churn_schedule_days_abandoned", "Days that were abandoned since the start", registry=self.registry
        )
        self._abandoned = self._gauge("churn_schedule_day_abandoned", "1 while an abandoned day is not made up for")
        for job in JOBS:  # a counter that is not there yet cannot be seen to grow
            for result in RESULTS:
                self._tries.labels(job, result)

    @contextmanager
    def try_of(self, job: str) -> Iterator[None]:
        """Count the block as a try of ``job``."""
        began, result = self._clock(), "failed"
        try:
            yield
            result = "succeeded"
            self._succeeded.labels(job).set(self._clock().timestamp())
        except StoreBusyError:
            result = "busy"
            raise
        finally:
            self._tries.labels(job, result).inc()
            self._seconds.labels(job).set((self._clock() - began).total_seconds())

    def know_success(self, day: date, finished_at: datetime) -> None:
        """A day is done, by this schedule or by another program."""
        self._last_day.set(datetime.combine(day, time(), UTC).timestamp())
        self._succeeded.labels(DAY).set(finished_at.timestamp())

    def know_next_run(self, at: datetime) -> None:
        """When the next run is due."""
        self._next.set(at.timestamp())

    def count_abandoned(self) -> None:
        """A day was abandoned."""
        self._abandoned_days.inc()

    def know_abandoned(self, *, is_open: bool) -> None:
        """Whether there is an abandoned day that no success has made up for."""
        self._abandoned.set(is_open)

    def _gauge(self, name: str, meaning: str, labels: list[str] | None = None) -> Gauge:
        return Gauge(name, meaning, labels or [], registry=self.registry)
