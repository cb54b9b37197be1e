"""The lives of made-up customers: when each began, asked to leave, and left, and what they did meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FIRST = np.datetime64("2023-01-01", "D")
NEVER = 10**6
"""The day of the end of a customer who stays."""


@dataclass(frozen=True)
class Lives:
    """Customers by their place, and their acts by their row. Days are counted from ``FIRST``.

    Attributes:
        start: first day of each customer.
        asked: day on which a customer asked to leave, `NEVER` for who stays; up to 30 days before the end.
        end: last day of each customer, `NEVER` for who stays. No customer acts after it.
        newest: the day of the extract: what lies later has not happened.
        who: the customer of each act.
        day: its day.
    """

    start: Array
    asked: Array
    end: Array
    newest: int
    who: Array
    day: Array

    @property
    def count(self) -> int:
        """How many customers there are."""
        return int(self.start.size)

    @property
    def left(self) -> Array:
        """Who has left by the day of the extract."""
        return self.end <= self.newest

    @property
    def last(self) -> Array:
        """The last day of each customer, that of the extract for who stays."""
        return np.minimum(self.end, self.newest)


def lives(rng: np.random.Generator, *, cohort: bool = False) -> Lives:
    """Between 200 and 400 customers over 20 to 30 months, of whom a quarter to a half leave.

    Args:
        rng: draws.
        cohort: all begin in the first 200 days, and none later.
    """
    count, newest = int(rng.integers(200, 400)), int(rng.integers(600, 900))
    start = rng.integers(0, 200 if cohort else newest - 60, count)
    leaves = rng.random(count) < rng.uniform(0.35, 0.6)
    end = np.where(leaves, start + 30 + rng.exponential(250, count).astype(int), NEVER)
    end = np.where(end <= newest, end, NEVER)
    end[:3], start[:3] = newest - np.arange(3), np.minimum(start[:3], newest - 90)  # ends are known up to the extract
    asked = np.where(end < NEVER, end - rng.integers(1, 30, count), NEVER)
    who, day = acts(rng, start, np.minimum(end, newest), int(rng.integers(12, 30)))
    return Lives(start, asked, end, newest, who, day)


def acts(rng: np.random.Generator, start: Array, last: Array, every: int) -> tuple[Array, Array]:
    """Acts about ``every`` so many days: one on each first day, one within the last week, the others between."""
    length = last - start
    more = rng.poisson(length / every)
    who = np.repeat(np.arange(start.size), more)
    day = start[who] + (rng.random(who.size) * (length[who] + 1)).astype(int)
    closing = np.maximum(start, last - rng.integers(0, 7, start.size))
    everyone = np.arange(start.size)
    open_ = np.flatnonzero(last == last.max())[:5]
    found = np.r_[who, everyone, everyone, open_], np.r_[day, start, closing, last[open_]]
    order = np.argsort(found[1], kind="stable")
    return found[0][order], found[1][order]


def dates(days: Array) -> Array:
    """``days`` as dates; `NEVER` as none."""
    return np.where(days < NEVER, FIRST + days.astype("timedelta64[D]"), np.datetime64("NaT", "D"))


def times(rng: np.random.Generator, days: Array) -> Array:
    """``days`` as times within them; `NEVER` as none."""
    found: Array = dates(days).astype("datetime64[s]") + rng.integers(0, 86_400, days.size).astype("timedelta64[s]")
    return found
