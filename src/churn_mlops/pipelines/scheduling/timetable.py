"""When the daily run is due: once each day, at a time of day in the company's time zone.

Why not APScheduler's ``CronTrigger``: where clocks go back, it fires at both 02:30 of the night, so a day would be run
twice; and it does not show which run was due last, which catching up needs. Both follow from one rule of
:meth:`zoneinfo.ZoneInfo` (PEP 495), which the tests prove over all time zones: a time of day that exists twice means
the first, and one that is skipped means as long after midnight as if it were not, so 02:30 becomes 03:30.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
# A day's run is due on that day, or a shift of the clocks later.
_AROUND = 2


@dataclass(frozen=True)
class Due:
    """A run that is due.

    Args:
        as_of: the day it is for.
        at: the time from which it is due, in the company's time zone.
    """

    as_of: date
    at: datetime


@dataclass(frozen=True)
class Timetable:
    """One run a day.

    Args:
        at: time of day.
        zone: the time zone of ``at``.
    """

    at: time
    zone: ZoneInfo

    def on(self, day: date) -> Due | None:
        """The run of ``day``; None for a day that the zone left out, as Samoa did when it crossed the date line."""
        due = self._due_at(day)
        if due >= self._due_at(day + _DAY):
            return None
        return Due(day, due.astimezone(self.zone))

    def last(self, now: datetime) -> Due:
        """The run that was due last, at ``now`` or before."""
        today = now.astimezone(self.zone).date()
        days = (today + (_AROUND - back) * _DAY for back in range(3 * _AROUND))
        return next(due for day in days if (due := self.on(day)) and _utc(due.at) <= _utc(now))

    def next(self, now: datetime) -> Due:
        """The run that is due next, after ``now``."""
        return self.after(self.last(now).as_of)

    def after(self, day: date) -> Due:
        """The run of the first day after ``day``."""
        following = (day + ahead * _DAY for ahead in range(1, 2 + _AROUND))
        return next(due for day in following if (due := self.on(day)))

    def days(self, after: date, until: date) -> Iterator[date]:
        """The days with a run, from the day after ``after`` to ``until``."""
        for ahead in range(1, (until - after).days + 1):
            if self.on(after + ahead * _DAY):
                yield after + ahead * _DAY

    def _due_at(self, day: date) -> datetime:
        return _utc(datetime.combine(day, self.at, self.zone))


def _utc(time: datetime) -> datetime:
    """``time`` in UTC: Python compares two times of one zone by what the wall clock shows."""
    return time.astimezone(UTC)
