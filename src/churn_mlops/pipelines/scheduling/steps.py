"""The next step of a schedule: decided from what it knows and the time alone, without a clock, a store or a wait."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from churn_mlops.pipelines.scheduling.timetable import Due, Timetable


@dataclass(frozen=True)
class Success:
    """A daily run that succeeded.

    Args:
        as_of: the day that it was for.
        finished_at: when it ended, with its time zone.
        list_as_of: the as-of date of its list, where it is another day: a source may end earlier.
    """

    as_of: date
    finished_at: datetime
    list_as_of: date | None = None


@dataclass(frozen=True)
class Retries:
    """How often a run that failed is repeated.

    Args:
        retries: after the first try; 0 or more.
        first_wait_seconds: before the first retry; doubled for each further one.
        again: how often a day that was abandoned is tried once more, until the next day is due; 0 or more.
        again_seconds: before each of these tries.
    """

    retries: int
    first_wait_seconds: float
    again: int = 0
    again_seconds: float = 3600.0

    def wait_after(self, failures: int) -> timedelta:
        """How long to wait after ``failures`` failures, from 1."""
        return timedelta(seconds=self.first_wait_seconds * 2.0 ** min(failures - 1, 20))

    def are_used_up(self, state: ScheduleState, due: Due) -> bool:
        """Whether the day that is in trouble was tried often enough, or the one that was abandoned."""
        if state.failed is not None:
            return state.failed.failures > self.retries
        left_over = state.left_over(due)
        return left_over is not None and left_over.tries >= self.again


@dataclass(frozen=True)
class FailedDay:
    """A day whose run failed.

    Args:
        due: the day that was due when the trouble started.
        day: the day whose run failed; None while no run has started.
        failures: how many runs failed; 0 while another run is in progress.
        reason: the last error, without any customer's values.
    """

    due: date
    day: date | None = None
    failures: int = 0
    reason: str = ""


@dataclass(frozen=True)
class AbandonedDay:
    """A day that was abandoned, and that no success has made up for.

    Args:
        day: the day.
        at: when it is tried once more, with a time zone.
        tries: how many of these tries failed.
    """

    day: date
    at: datetime
    tries: int = 0


@dataclass(frozen=True)
class ScheduleState:
    """The knowledge of a schedule.

    Args:
        handled: up to this day, every day is done or abandoned; None at the start.
        last: the last success that is known.
        failed: the day that is in trouble, if any.
        abandoned: the last day that was abandoned, until it, or a later day, is done.
    """

    handled: date | None = None
    last: Success | None = None
    failed: FailedDay | None = None
    abandoned: AbandonedDay | None = None

    def needs_last_success(self, due: Due) -> bool:
        """Whether the next step depends on the last success, which another schedule or person may have added."""
        is_open = self.handled is None or self.handled < due.as_of or self.abandoned is not None
        return is_open and (self.failed is None or self.failed.day is None)

    def left_over(self, due: Due) -> AbandonedDay | None:
        """The abandoned day, if it is all that is left to do until the next day is due."""
        return self.abandoned if self.handled is not None and self.handled >= due.as_of else None

    def with_last(self, last: Success | None) -> ScheduleState:
        """``last`` is the last success; it makes up for an abandoned day of then or before."""
        is_made_up = last is not None and self.abandoned is not None and self.abandoned.day <= last.as_of
        return replace(self, last=last, abandoned=None if is_made_up else self.abandoned)

    def with_abandoned(self, day: date, at: datetime) -> ScheduleState:
        """``day`` is abandoned, and to be tried once more ``at`` a later time."""
        return replace(self.with_handled(day), abandoned=AbandonedDay(day, at))

    def with_try_failed(self, at: datetime) -> ScheduleState:
        """One more try of the abandoned day failed; the next one is due ``at`` a later time."""
        if self.abandoned is None:
            return self
        return replace(self, failed=None, abandoned=AbandonedDay(self.abandoned.day, at, self.abandoned.tries + 1))

    def with_handled(self, day: date) -> ScheduleState:
        """``day`` is done or abandoned, and no day is in trouble any more."""
        return replace(self, handled=day if self.handled is None else max(self.handled, day), failed=None)

    def with_failure(self, due: Due, reason: str, *, day: date | None = None, failures: int = 1) -> ScheduleState:
        """A try did not succeed.

        Args:
            due: the day that is due.
            reason: the error.
            day: the day whose run failed; None where no run started.
            failures: how many runs failed by this try; 0 where another run is in progress.
        """
        old = self.failed or FailedDay(due.as_of)
        return replace(self, failed=FailedDay(old.due, day or old.day, old.failures + failures, reason))


@dataclass(frozen=True)
class Run:
    """Run the daily job for ``day``."""

    day: date


@dataclass(frozen=True)
class Wait:
    """Nothing is to do until ``next_run``, or until an abandoned day is tried ``again_at`` an earlier time."""

    next_run: Due
    again_at: datetime | None = None

    @property
    def until(self) -> datetime:
        """When there is something to do."""
        return self.again_at or self.next_run.at


@dataclass(frozen=True)
class Abandon:
    """Stop trying ``day``: the next day is due, or it was tried often enough."""

    day: date


def next_step(
    timetable: Timetable, retries: Retries, state: ScheduleState, now: datetime, *, backfill: bool
) -> Run | Wait | Abandon:
    """The step to take at ``now``.

    A day is run when it is due and no success of it or of a later day is known. Missed days are made up for by one
    run, of the last day that is due. A day that failed is run again, whatever is known of its success. A day that was
    abandoned is run again, a limited number of times, until the next day is due.

    Args:
        timetable: when runs are due.
        retries: how often a failed run is repeated.
        state: what is known.
        now: a time with a time zone.
        backfill: whether to run every day since the last success instead, the earliest first.
    """
    due, failed = timetable.last(now), state.failed
    if failed is not None and (failed.due < due.as_of or retries.are_used_up(state, due)):
        return Abandon(failed.day or failed.due)
    if failed is not None and failed.day is not None:
        return Run(failed.day)
    day = _first_missing(timetable, state, due.as_of, backfill=backfill)
    return _made_up_for(timetable, retries, state, now) if day is None else Run(day)


def _made_up_for(timetable: Timetable, retries: Retries, state: ScheduleState, now: datetime) -> Run | Wait:
    due, following, abandoned = timetable.last(now), timetable.next(now), state.abandoned
    if abandoned is None or abandoned.day < due.as_of or retries.are_used_up(state, due):
        return Wait(following)
    if abandoned.at <= now:
        return Run(abandoned.day)
    return Wait(following, abandoned.at if abandoned.at < following.at else None)


def _first_missing(timetable: Timetable, state: ScheduleState, due: date, *, backfill: bool) -> date | None:
    known = (state.handled, state.last.as_of if state.last is not None else None)
    done = max((day for day in known if day is not None), default=None)
    if done is None:
        return due
    if backfill:
        return next(timetable.days(done, due), None)
    return due if done < due else None
