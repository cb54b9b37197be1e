"""The schedule: runs the daily job when it is due, catches up, retries, and logs when it last succeeded."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import structlog

from churn_mlops.errors import ChurnError, DataError
from churn_mlops.pipelines.scheduling.lateness import punctuality
from churn_mlops.pipelines.scheduling.metrics import DAY, ScheduleMetrics
from churn_mlops.pipelines.scheduling.steps import (
    Abandon,
    FailedDay,
    Retries,
    Run,
    ScheduleState,
    Success,
    Wait,
    next_step,
)
from churn_mlops.pipelines.scheduling.timetable import Due, Timetable

log = structlog.get_logger("churn_mlops.pipelines.scheduling.scheduler")

Clock = Callable[[], datetime]
Waiter = Callable[[float], bool]
"""Waits for a number of seconds, as ``threading.Event.wait`` does; True, without delay, when it has to stop."""

# A machine that sleeps stops the clock that measures waits, but not the wall clock.
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Alert:
    """A daily run that was abandoned.

    Args:
        as_of: the day that it was for.
        failures: how many runs failed; 0 where another run never let it start.
        reason: the last error, without any customer's values.
    """

    as_of: date
    failures: int
    reason: str


@dataclass(frozen=True)
class DailyJob:
    """The job that runs daily.

    Args:
        run: does the run of a day; safe to repeat for the same day.
        last_success: the success with the latest day, None where there is none.
        busy: the error by which ``run`` says that another run is in progress.
        alert: informs people that a run was abandoned; the log says it in any case.
    """

    run: Callable[[date], None]
    last_success: Callable[[], Success | None]
    busy: type[ChurnError]
    alert: Callable[[Alert], None] | None = None


class Schedule:
    """Runs a job daily: :func:`next_step` decides, this loop acts, and waits.

    Args:
        timetable: when runs are due.
        job: what is run.
        retries: what to do when it fails.
        clock: gives the time, with a time zone.
        wait: waits, and says whether to stop.
        backfill: whether to run every day since the last success, the earliest first.
        metrics: are kept up to date; None keeps some that are not shown.
    """

    def __init__(
        self,
        timetable: Timetable,
        job: DailyJob,
        retries: Retries,
        *,
        clock: Clock,
        wait: Waiter,
        backfill: bool,
        metrics: ScheduleMetrics | None = None,
    ) -> None:
        self._timetable, self._job, self._retries = timetable, job, retries
        self._clock, self._wait, self._backfill = clock, wait, backfill
        self.metrics = metrics or ScheduleMetrics(clock)
        self._state = ScheduleState()

    def keep(self) -> None:
        """Run what is due, until stopped; a run in progress is finished first."""
        while not self._waited_until(self._step()):
            pass
        log.info("schedule_stopped")

    def health(self) -> dict[str, Any]:
        """How the schedule stands, as plain data; may be asked from another thread."""
        state = self._state
        found = punctuality(self._timetable, state.last, self._now())
        again = state.abandoned
        return {"alive": True, "abandoned": None if again is None else again.day.isoformat()} | found.to_dict()

    def _step(self) -> datetime:
        """Do one step, and return when to look again."""
        now = self._now()
        due, following = self._timetable.last(now), self._timetable.next(now)
        try:
            if self._has_to_ask(due, now):
                self._know(self._state.with_last(self._job.last_success()))
            step = next_step(self._timetable, self._retries, self._state, now, backfill=self._backfill)
            if isinstance(step, Wait):
                return self._done(due, step)
            if isinstance(step, Abandon):
                self._abandon(step.day)
            else:
                self._run(step, due)
            return now
        except self._job.busy as error:
            wait = self._waits_for_other(due, str(error))
        except Exception as error:  # whatever happens one night, the schedule must be there on the next; it is logged
            wait = self._failed(due, error)
        return min(now + wait, following.at.astimezone(UTC))

    def _has_to_ask(self, due: Due, now: datetime) -> bool:
        """Whether the next step is a run, unless the store knows of a success."""
        left_over = self._state.left_over(due)
        if self._retries.are_used_up(self._state, due) or (left_over is not None and now < left_over.at):
            return False
        return self._state.needs_last_success(due)

    def _done(self, due: Due, step: Wait) -> datetime:
        self._state = self._state.with_handled(due.as_of)
        self.metrics.know_next_run(step.next_run.at)
        again = {} if step.again_at is None else {"again_at": _text(step.again_at)}
        following = step.next_run
        log.info("next_run_scheduled", as_of=following.as_of, at=_text(following.at), **again, **self._last_fields())
        return step.until

    def _know(self, state: ScheduleState) -> None:
        """Keep what is known from now on, and show it."""
        self._state = state
        if state.last is not None:
            self.metrics.know_success(state.last.as_of, state.last.finished_at)
        self.metrics.know_abandoned(is_open=state.abandoned is not None)

    def _run(self, step: Run, due: Due) -> None:
        log.info("daily_run_started", as_of=step.day, due=_text(due.at), **self._last_fields())
        try:
            with self.metrics.try_of(DAY):
                self._job.run(step.day)
        except self._job.busy:
            raise
        except Exception as error:
            self._state = self._state.with_failure(due, _reason(error), day=step.day, failures=0)
            raise
        self._know(self._state.with_handled(step.day).with_last(Success(step.day, self._now())))
        log.info("daily_run_succeeded", as_of=step.day)

    def _waits_for_other(self, due: Due, reason: str) -> timedelta:
        """Another run is in progress: look again later, as often as needed, and log it once."""
        if self._state.failed is None or self._state.failed.reason != reason:
            log.warning("daily_run_waiting", reason=reason)
        self._state = self._state.with_failure(due, reason, failures=0)
        return timedelta(seconds=self._retries.first_wait_seconds)

    def _failed(self, due: Due, error: Exception) -> timedelta:
        if self._wait(0):  # it has to stop, and that may be all that is wrong
            return timedelta(0)
        if self._state.left_over(due) is not None:
            return self._failed_once_more(error)
        self._state = self._state.with_failure(due, _reason(error))
        failed = self._state.failed or FailedDay(due.as_of)
        log.warning("daily_run_failed", as_of=failed.day or due.as_of, failures=failed.failures, **_fields(error))
        if self._retries.are_used_up(self._state, due):
            return timedelta(0)
        return self._retries.wait_after(failed.failures)

    def _failed_once_more(self, error: Exception) -> timedelta:
        """An abandoned day failed again; it stays abandoned, and people know of it."""
        wait = timedelta(seconds=self._retries.again_seconds)
        self._state = self._state.with_try_failed(self._now() + wait)
        if self._state.abandoned is not None:
            day, tries = self._state.abandoned.day, self._state.abandoned.tries
            log.warning("abandoned_day_failed", as_of=day, tries=tries, of=self._retries.again, **_fields(error))
        return wait

    def _abandon(self, day: date) -> None:
        """Say that ``day`` was not done. It is tried again later, unless the next day is due."""
        failed, state = self._state.failed or FailedDay(day), self._state
        again_at = self._now() + timedelta(seconds=self._retries.again_seconds)
        self._know(state.with_abandoned(day, again_at) if failed.failures else replace(state, failed=None))
        self.metrics.count_abandoned()
        alert = Alert(day, failed.failures, failed.reason)
        log.error("daily_run_abandoned", as_of=day, failures=alert.failures, reason=alert.reason, **self._last_fields())
        try:
            if self._job.alert is not None:
                self._job.alert(alert)
        except ChurnError as error:
            log.error("alert_not_sent", kind=type(error).__name__, reason=_reason(error))

    def _last_fields(self) -> dict[str, str | None]:
        last = self._state.last
        return {
            "last_success": None if last is None else last.as_of.isoformat(),
            "finished_at": None if last is None else _text(last.finished_at),
        }

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)

    def _waited_until(self, time: datetime) -> bool:
        """Wait until the wall clock shows ``time``; True as soon as it has to stop."""
        while not self._wait(min(max((time - self._now()).total_seconds(), 0.0), LONGEST_WAIT_SECONDS)):
            if self._now() >= time.astimezone(UTC):
                return False
        return True


def _reason(error: Exception) -> str:
    """The text of an error, for people who may not see customers: an error of bad data quotes values."""
    if isinstance(error, DataError):
        return "the data does not keep its contract: `churn validate` says where"
    return str(error) if isinstance(error, ChurnError) else f"a fault, {type(error).__name__}: the log says where"


def _fields(error: Exception) -> dict[str, str]:
    """An error for the log; of a fault, only where it happened, since its message may quote values too."""
    if isinstance(error, ChurnError):
        return {"kind": type(error).__name__, "reason": _reason(error)}
    return {"kind": type(error).__name__, "frames": "".join(traceback.format_tb(error.__traceback__))}


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds")
