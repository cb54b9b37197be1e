"""The newest day of the data: what has happened tells it, not what is planned, and not sign-ups alone."""

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


def newest_time(times: Mapping[str, ir.TimestampValue], ends: ir.TimestampValue | None = None) -> datetime | None:
    """The time until which the data goes; None where no table has a time.

    A table that goes on for more than a week after all others holds rows of days to come, such as appointments, if two
    others end together, or if it has less than half as many rows a day from there on.

    Args:
        times: of each table, when its rows happened or were recorded.
        ends: when customers left; they count if more than a quarter of them lie after everything else.
    """
    newest = {name: at for name, time in times.items() if (at := timestamp_of(time.max())) is not None}
    found = _without_planned(newest, times)
    if ends is None:
        return found
    last = timestamp_of(ends.max())
    if found is None or last is None or last - found <= _NEXT:
        return max((time for time in (found, last) if time is not None), default=None)
    late = value_of((ends > ibis.literal(found)).cast("float64").mean())
    return last if late > _MANY else found


def _without_planned(newest: Mapping[str, datetime], times: Mapping[str, ir.TimestampValue]) -> datetime | None:
    ordered = sorted(newest, key=lambda name: newest[name], reverse=True)
    if len(ordered) < 2:
        return newest[ordered[0]] if ordered else None
    first, second = newest[ordered[0]], newest[ordered[1]]
    if not AHEAD < first - second <= _MOST_AHEAD:
        return first
    together = len(ordered) > 2 and second - newest[ordered[2]] <= AHEAD
    return second if together or _runs_out(times[ordered[0]], second, first) else first


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
