"""The calendar of the demo company: its months and Sundays, its seasons, and when a competitor enters the market.

A day is a whole number, days since 1970-01-01, as Arrow and DuckDB keep a DATE.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.int32]
LAST_DAY = date(2026, 10, 31)
"""The last complete day of a demo company, unless another is asked for."""
DAYS_OF_A_MONTH = 365.25 / 12
_EPOCH = np.datetime64("1970-01-01", "D")
_SUNDAY = 3  # day 3, 1970-01-04, was a Sunday
_LOGINS = np.array([1.01, 1.01, 1.01, 1.0, 1.0, 0.99, 0.97, 0.97, 1.0, 1.01, 1.01, 1.02])
_GIGABYTES = np.array([1.08, 1.05, 1.0, 0.97, 0.95, 0.88, 0.80, 0.80, 0.95, 1.02, 1.10, 1.25])


@dataclass(frozen=True)
class Month:
    """One month: its number in the history (0 is the first, burn-in lies below) and its first and last day.

    The company lives in whole months of the calendar. ``moved`` is by how many days its rows are dated later, so that
    it ends on the last day that was asked for.
    """

    index: int
    first: int
    last: int
    moved: int = 0

    @property
    def sundays(self) -> list[int]:
        """The days on which a week of usage ends."""
        start = self.first + (_SUNDAY - self.first - self.moved) % 7
        return list(range(start, self.last + 1, 7))

    @property
    def of_year(self) -> int:
        """0 is January."""
        return int((_EPOCH + self.first + self.moved).astype("datetime64[M]").astype(int) % 12)

    @property
    def logins_season(self) -> float:
        """A little less in summer."""
        return float(_LOGINS[self.of_year])

    @property
    def gigabytes_season(self) -> float:
        """Much less in summer, and most in December."""
        return float(_GIGABYTES[self.of_year])


def calendar(before: int, months: int, last_day: date) -> list[Month]:
    """``before`` months of burn-in and the ``months`` of the history, of which the last is dated up to ``last_day``."""
    after_last = np.datetime64(last_day, "D") + 1
    end = after_last.astype("datetime64[M]").astype(int)
    starts = month_starts(np.arange(end - before - months, end + 1))
    moved = days_moved(last_day)
    return [
        Month(place - before, int(first), int(after) - 1, moved)
        for place, (first, after) in enumerate(pairwise(starts))
    ]


def days_moved(last_day: date) -> int:
    """Days from the last end of a month up to ``last_day``, 0 to 30: by so many, rows are dated later."""
    return (last_day + timedelta(days=1)).day - 1


def shift_month(months: int) -> int:
    """The month of the history in which the competitor enters: eight before the end, or after two thirds."""
    return max(months - 8, 2 * months // 3)


def month_starts(numbers: npt.NDArray[np.int64]) -> Days:
    """First days of months that are given in months since January 1970."""
    return (numbers.astype("datetime64[M]").astype("datetime64[D]") - _EPOCH).astype(np.int32)


def month_numbers(days: Days) -> npt.NDArray[np.int64]:
    """The months of days, in months since January 1970."""
    return np.asarray((_EPOCH + days).astype("datetime64[M]").astype(np.int64))
