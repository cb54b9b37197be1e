"""The customers of each day of a month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn_mlops.data.demo_company.customers import Flags, People
from churn_mlops.data.demo_company.months import Days, Month

Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Active:
    """The customers of one month, also the ones who leave or come in it, with their first and last day in it.

    ``first`` and ``last`` have shape (n,).
    """

    month: Month
    people: People
    first: Days
    last: Days

    def on(self, days: int | Days) -> Flags:
        """Whether each is a customer on ``days``, one day for all or one for each."""
        there: Flags = (self.first <= days) & (days <= self.last)
        return there

    def some_day(self, draw: np.random.Generator, who: Indices) -> tuple[Indices, Days]:
        """A day of the month for each of ``who``, without the ones who are not customers on it."""
        days = draw.integers(self.month.first, self.month.last + 1, len(who)).astype(np.int32)
        there: Flags = (self.first[who] <= days) & (days <= self.last[who])
        return who[there], days[there]
