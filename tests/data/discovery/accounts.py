"""A company whose truth is known: accounts that end or go on, and what they do until then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from tests.data.proposal.databases import Frames

FIRST, NEWEST = np.datetime64("2023-01-01"), np.datetime64("2025-06-30")
DAY = np.timedelta64(1, "D")
NONE = np.datetime64("NaT")
Days = npt.NDArray[Any]


@dataclass(frozen=True)
class Accounts:
    """Accounts by row: their names, when they started and ended (NaT for those who go on), and a source of chance."""

    names: npt.NDArray[Any]
    start: Days
    end: Days
    draw: np.random.Generator

    @property
    def left(self) -> npt.NDArray[np.bool_]:
        """Who left."""
        return ~np.isnat(self.end)

    @property
    def last(self) -> Days:
        """The last day on which an account does something."""
        return np.where(self.left, self.end, NEWEST)

    def some(self, share: float) -> npt.NDArray[np.bool_]:
        """So large a share of them, at random."""
        return self.draw.random(len(self.names)) < share

    def later(self, days: Days, least: int, most: int) -> Days:
        """Days that lie so many days after others."""
        return days + self.draw.integers(least, most + 1, len(self.names)) * DAY


def accounts(count: int = 150, seed: int = 0) -> Accounts:
    """Accounts that started in two years; two of five have ended by the newest day."""
    draw = np.random.default_rng(seed)
    start = FIRST + draw.integers(0, 730, count) * DAY
    start[:5] = NEWEST - np.arange(5) * DAY
    end = start + draw.integers(60, 500, count) * DAY
    end = np.where((draw.random(count) < 0.5) & (end <= NEWEST), end, NONE)
    end[5] = NEWEST - 2 * DAY
    return Accounts(np.array([f"A{place:05}" for place in draw.permutation(count)]), start, end, draw)


def payments(made: Accounts, every: int = 45) -> pd.DataFrame:
    """A payment every so many days, from the start to the end."""
    rows = [
        (name, day)
        for name, start, last in zip(made.names, made.start, made.last, strict=True)
        for day in np.arange(start, last + DAY, every * DAY)
    ]
    frame = pd.DataFrame(rows, columns=["account_id", "paid_at"])
    frame["amount"] = made.draw.gamma(2.0, 20.0, len(frame)).round(2)
    return frame


def logins(made: Accounts) -> pd.DataFrame:
    """A login about every two weeks, from the start to the end."""
    rows = []
    for name, start, last in zip(made.names, made.start, made.last, strict=True):
        days = int((last - start) / DAY)
        rows += [(name, start + int(day) * DAY) for day in made.draw.integers(0, days + 1, days // 15 + 1)]
    return pd.DataFrame(rows, columns=["account_id", "logged_in_at"])


def company(made: Accounts, **columns: Any) -> Frames:
    """The tables: accounts with their start and ``columns``, payments, logins."""
    home = pd.DataFrame({"account_id": made.names, "created_at": made.start} | columns)
    return {"accounts": home, "payments": payments(made), "logins": logins(made)}
