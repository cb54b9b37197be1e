"""The newest day of the data: what has happened decides, not what is planned, and not sign-ups alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir

from churn_mlops.data.engine.arrow import as_arrow

AHEAD = timedelta(days=7)
"""Tables that are loaded alike end within so many days; one that goes on for longer may hold rows of days to come."""
_NEXT = timedelta(days=1)  # by so much ends may be loaded later than the rest
_MOST_AHEAD = timedelta(days=400)
_FEWER = 0.5  # rows of a day, against those of a day before, from which a table only runs out
_HISTORY = 4  # times as long a history stands before rows that only run out
_MANY = 0.25  # share of the ends that lie after all other rows: more were not announced, they have happened
_SURGE = 2.0  # ends of a day after all other rows, against those of a day before: so many are ends of running terms


def newest_time(
    times: Mapping[str, ir.TimestampValue], ends: ir.TimestampValue | None = None, starts: str | None = None
) -> datetime | None:
    """The time until which the data goes; None where no table has a time.

    A table that goes on for more than a week after all others holds rows of days to come, such as appointments, if two
    others end together, or if it has less than half as many rows a day from there on.

    Args:
        times: of each table, when its rows happened or were recorded.
        ends: when customers left; they count if more than a quarter of them lie after everything else, unless they are
            twice as many a day as before: each running term has its end then.
        starts: which of ``times`` are those of sign-ups; they may stop while all else goes on.
    """
    newest = {name: at for name, time in times.items() if (at := timestamp_of(time.max())) is not None}
    found = _without_planned(newest, times, ends, starts)
    if ends is None:
        return found
    last = timestamp_of(ends.max())
    if found is None or last is None or last - found <= _NEXT:
        return max((time for time in (found, last) if time is not None), default=None)
    late = value_of((ends > ibis.literal(found)).cast("int32").cast("float64").mean())
    return last if late > _MANY and not _surges(ends, found, last) else found


def _surges(ends: ir.TimestampValue, since: datetime, until: datetime) -> bool:
    """Whether there are twice as many ends a day from ``since`` to ``until`` as in the time of that length before."""
    first = timestamp_of(ends.min()) or since
    begin = max(first, since - (until - since))
    before = value_of(ends.between(ibis.literal(begin), ibis.literal(since)).sum())
    after = value_of((ends > ibis.literal(since)).sum())
    if begin >= since:
        return False
    return int(after or 0) * (since - begin) > _SURGE * int(before or 0) * (until - since)


def _without_planned(
    newest: Mapping[str, datetime],
    times: Mapping[str, ir.TimestampValue],
    ends: ir.TimestampValue | None,
    starts: str | None,
) -> datetime | None:
    ordered = sorted(newest, key=lambda name: newest[name], reverse=True)
    if not ordered:
        return None
    first, others = newest[ordered[0]], ordered[1:]
    if ordered[0] == starts or not others or not first - newest[others[0]] > AHEAD:
        return first
    lasts = [newest[name] for name in others if name != starts]
    if lasts and first - lasts[0] <= _MOST_AHEAD and _end_together(lasts, ends):
        return newest[others[0]]
    second = newest[others[0]]
    planned = first - second <= _MOST_AHEAD and _runs_out(times[ordered[0]], second, first)
    return second if planned else first


def _end_together(lasts: list[datetime], ends: ir.TimestampValue | None) -> bool:
    """Whether two tables end within a week, or one table and the ends of customers."""
    if len(lasts) > 1 and lasts[0] - lasts[1] <= AHEAD:
        return True
    near = None if ends is None else timestamp_of(ends.max(where=ends <= ibis.literal(lasts[0] + AHEAD)))
    return near is not None and lasts[0] - near <= AHEAD


def _runs_out(time: ir.TimestampValue, since: datetime, until: datetime) -> bool:
    """Whether the rows of a table only run out after ``since``: there are less than half as many a day."""
    begin, length = ibis.literal(since), until - since
    if since - _HISTORY * length < (timestamp_of(time.min()) or since):
        return False
    after = value_of((time > begin).sum())
    before = value_of(time.between(ibis.literal(since - length), begin).sum())
    return int(after or 0) < _FEWER * int(before or 0)


def timestamp_of(value: ir.Scalar) -> datetime | None:
    """A time, computed by its engine; None where it is null."""
    found: datetime | None = value_of(value)
    # Spark gives some timestamps the time zone of its session, which is the contract's.
    return None if found is None else found.replace(tzinfo=None)


def value_of(value: ir.Scalar) -> Any:
    """A single value, computed by its engine."""
    return as_arrow(value.name("value").as_table())["value"][0].as_py()
