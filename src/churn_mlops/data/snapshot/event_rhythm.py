"""The rhythm of a table of events: after how many days without a row a customer most likely will not return."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np

from churn_mlops.data.engine.arrow import as_arrow

USUAL_DAYS = (7, 14, 21, 30, 45, 60, 90, 120, 180, 365)
"""Days of inactivity that people choose."""
DEFAULT_DAYS = 90
"""The days for a table with too few pauses to show a rhythm."""
_SHARE = 0.98
_ENOUGH = 50
_PARTS = 4


@dataclass(frozen=True)
class Rhythm:
    """The days of inactivity that fit a table of events.

    Args:
        days: of inactivity, one of `USUAL_DAYS`; ``pause`` itself if that is longer than all of them.
        pause: 98 % of the pauses between two days with rows of a customer are so many days or shorter; None where there
            are too few pauses.
        is_short: whether the history is too short for days as long as that.
    """

    days: int = DEFAULT_DAYS
    pause: int | None = None
    is_short: bool = False

    def fits(self, days: int) -> bool:
        """Whether so many days are no longer than the pauses ask for."""
        return self.pause is not None and days <= max(self.days, self.pause)

    def __str__(self) -> str:
        """Why these days were chosen; blank where nothing shows it."""
        if self.pause is None:
            return ""
        short = ", but the history is too short for more than a quarter of its days" if self.is_short else ""
        return f"; 98 % of a customer's pauses are {self.pause} days or shorter{short}"


def rhythm_of(rows: ir.Table) -> Rhythm:
    """The rhythm of a table of events.

    A shorter time calls customers gone who are only between two events; a longer one still calls customers active long
    after they stopped, so that the time since the last event all but decides who left. A quarter of the history is the
    most: a date to learn from needs the days before it and the days after it, and later dates to test on do too.

    Args:
        rows: with ``who`` they belong to and ``at`` what time.
    """
    days = rows.select(who=rows.who, day=rows["at"].date()).distinct()
    before = days.day.lag().over(ibis.window(group_by="who", order_by="day"))
    counted = (
        days.mutate(pause=days.day.delta(before, unit="day").cast("int64")).group_by("pause").agg(rows=ibis._.count())
    )
    found = [(int(row["pause"]), int(row["rows"])) for row in as_arrow(counted).to_pylist() if row["pause"]]
    ends = as_arrow(days.aggregate(first=days.day.min(), last=days.day.max())).to_pylist()[0]
    pauses, times = np.array(sorted(found), dtype=np.int64).reshape(-1, 2).T
    if times.sum() < _ENOUGH:
        return Rhythm()
    pause = int(pauses[np.searchsorted(np.cumsum(times), _SHARE * times.sum())])
    most = max(((ends["last"] - ends["first"]).days + 1) // _PARTS, USUAL_DAYS[0])
    fitting = next((days for days in USUAL_DAYS if days >= pause), pause)
    within = max(days for days in USUAL_DAYS if days <= most)
    return Rhythm(fitting if fitting <= most else within, pause, is_short=fitting > most)
