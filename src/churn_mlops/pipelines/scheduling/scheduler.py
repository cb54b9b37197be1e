"""The schedule: runs the daily job when it is due, catches up, tries again, and says when it last succeeded."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import structlog

from churn_mlops.errors import ChurnError, DataError
from churn_mlops.pipelines.scheduling.timetable import Due, Timetable

log = structlog.get_logger("churn_mlops.pipelines.scheduling.scheduler")

Clock = Callable[[], datetime]
Waiter = Callable[[float], bool]
"""Waits for so many seconds, as ``threading.Event.wait`` does: true, at once, when it was told to stop."""

# A machine that sleeps stops the clock that waits are measured by, and not the one on the wall.
LONGEST_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Success:
    """A daily run that succeeded.

    Args:
        as_of: the day it was for.
        finished_at: when it ended, with its time zone.
        list_as_of: the as-of date of its list, where it is not that day: a source may end before it.
    """

    as_of: date
    finished_at: datetime
    list_as_of: date | None = None


@dataclass(frozen=True)
class Alarm:
    """A daily run that was given up.

    Args:
        as_of: the day it was for.
        failures: how often it was tried; 0 where another run never let it begin.
        reason: the last error, without any customer's values.
    """

    as_of: date
    failures: int
    reason: str


@dataclass(frozen=True)
class DailyJob:
    """What is run daily.

    Args:
        run: does the run of a day; safe to repeat for the same day.
        last_success: the success with the latest day, None where there is none.
        busy: the error by which ``run`` says that another run is under way.
        alarm: tells people that a run was given up; the log says it in any case.
    """

    run: Callable[[date], None]
    last_success: Callable[[], Success | None]
    busy: type[ChurnError]
    alarm: Callable[[Alarm], None] | None = None


@dataclass(frozen=True)
class Retries:
    """How often a run that failed is tried again.

    Args:
        retries: after the first try; 0 or more.
        first_wait_seconds: before the first of them; doubled for each further one.
    """

    retries: int
    first_wait_seconds: float

    def wait_after(self, failures: int) -> timedelta:
        """How long to wait after so many failures, from 1."""
        return timedelta(seconds=self.first_wait_seconds * 2.0 ** min(failures - 1, 20))


@dataclass
class _Trouble:
    """What keeps a day from being done.

    Args:
        due: the day that was due when it began.
        day: the day whose run failed; None while none has begun.
    """

    due: date
    day: date | None = None
    failures: int = 0
    reason: str = ""


class Schedule:
    """Runs a job daily.

    A day is run when it is due and no success is known for it or a later one: so a second schedule, or a run by hand,
    is taken for what it is. What was missed is caught up with by one run, of the last day that is due.

    Args:
        timetable: when runs are due.
        job: what is run.
        retries: what to do when it fails.
        clock: tells the moment, with a time zone.
        wait: waits, and says whether to stop.
        backfill: whether to run every day since the last success instead, the earliest first.
    """

    def __init__(
        self, timetable: Timetable, job: DailyJob, retries: Retries, *, clock: Clock, wait: Waiter, backfill: bool
    ) -> None:
        self._timetable = timetable
        self._job = job
        self._retries = retries
        self._clock = clock
        self._wait = wait
        self._backfill = backfill
        self._seen: date | None = None  # up to this day, all is done or given up
        self._last: Success | None = None
        self._trouble: _Trouble | None = None

    def keep(self) -> None:
        """Run what is due, until told to stop; a run that is under way is ended first."""
        while not self._waited_until(self._step()):
            pass
        log.info("schedule stopped")

    def _step(self) -> datetime:
        """Do one run, if one is due, and say when to look again."""
        now = self._now()
        due, following = self._timetable.last(now), self._timetable.next(now)
        if self._trouble is not None and self._trouble.due < due.as_of:
            self._give_up(self._trouble.day or self._trouble.due)
        try:
            day = self._to_do(due)
            if day is None:
                self._trouble = None  # another run has done what it kept this one from
                self._see_to(due.as_of)
                log.info("next daily run", as_of=following.as_of, at=_text(following.at), **self._last_fields())
                return following.at
            self._run(day, due)
            return now
        except self._job.busy as error:
            wait = self._held(due, str(error))
        except Exception as error:  # whatever one night meets, the schedule has to be there on the next; it is logged
            wait = self._failed(due, error)
        return min(now + wait, following.at.astimezone(UTC))

    def _to_do(self, due: Due) -> date | None:
        """The earliest day that is to be run; one that failed is run again, whatever is known of its success."""
        if self._trouble is not None and self._trouble.day is not None:
            return self._trouble.day
        if self._seen is not None and self._seen >= due.as_of:
            return None
        self._last = self._job.last_success()
        known = self._last.as_of if self._last is not None else None
        done = max((day for day in (known, self._seen) if day is not None), default=None)
        if done is None or not self._backfill:
            return due.as_of if done is None or done < due.as_of else None
        return next(self._timetable.days(done, due.as_of), None)

    def _run(self, day: date, due: Due) -> None:
        log.info("daily run begins", as_of=day, due=_text(due.at), **self._last_fields())
        try:
            self._job.run(day)
        except self._job.busy:
            raise
        except Exception:
            self._troubled(due).day = day
            raise
        self._trouble = None
        self._see_to(day)
        self._last = Success(day, self._now())
        log.info("daily run succeeded", as_of=day)

    def _held(self, due: Due, reason: str) -> timedelta:
        """Another run is under way: look again later, as often as it takes, and say so once."""
        trouble = self._troubled(due)
        if trouble.reason != reason:
            log.warning("daily run waits for another", reason=reason)
        trouble.reason = reason
        return timedelta(seconds=self._retries.first_wait_seconds)

    def _failed(self, due: Due, error: Exception) -> timedelta:
        if self._wait(0):  # it was told to stop, and that may be all that is wrong
            return timedelta(0)
        trouble = self._troubled(due)
        trouble.failures += 1
        trouble.reason = _reason(error)
        day = trouble.day or due.as_of
        log.warning("daily run failed", as_of=day, failures=trouble.failures, **_fields(error))
        if trouble.failures > self._retries.retries:
            self._give_up(day)
            return timedelta(0)
        return self._retries.wait_after(trouble.failures)

    def _give_up(self, day: date) -> None:
        """Say that ``day`` was not done; the next one that is due starts afresh."""
        trouble, self._trouble = self._trouble, None
        if trouble is None:
            return
        if trouble.failures:
            self._see_to(day)
        alarm = Alarm(day, trouble.failures, trouble.reason)
        log.error("daily run given up", as_of=day, failures=alarm.failures, reason=alarm.reason, **self._last_fields())
        try:
            if self._job.alarm is not None:
                self._job.alarm(alarm)
        except ChurnError as error:
            log.error("alarm not raised", kind=type(error).__name__, reason=_reason(error))

    def _troubled(self, due: Due) -> _Trouble:
        if self._trouble is None:
            self._trouble = _Trouble(due.as_of)
        return self._trouble

    def _see_to(self, day: date) -> None:
        self._seen = day if self._seen is None else max(self._seen, day)

    def _last_fields(self) -> dict[str, str | None]:
        last = self._last
        return {
            "last_success": None if last is None else last.as_of.isoformat(),
            "finished_at": None if last is None else _text(last.finished_at),
        }

    def _now(self) -> datetime:
        return self._clock().astimezone(UTC)

    def _waited_until(self, moment: datetime) -> bool:
        """Wait until the wall clock shows ``moment``; true as soon as it is told to stop."""
        while not self._wait(min(max((moment - self._now()).total_seconds(), 0.0), LONGEST_WAIT_SECONDS)):
            if self._now() >= moment.astimezone(UTC):
                return False
        return True


def _reason(error: Exception) -> str:
    """What an error says, for people who may not see customers: of bad data, it quotes values."""
    if isinstance(error, DataError):
        return "the data does not keep its contract: `churn validate` says where"
    return str(error) if isinstance(error, ChurnError) else f"a fault, {type(error).__name__}: the log says where"


def _fields(error: Exception) -> dict[str, str]:
    """An error for the log; of a fault, where it happened, since what it says may quote values too."""
    if isinstance(error, ChurnError):
        return {"kind": type(error).__name__, "reason": _reason(error)}
    return {"kind": type(error).__name__, "frames": "".join(traceback.format_tb(error.__traceback__))}


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
