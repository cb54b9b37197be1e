"""A far day that stands for "has not ended", such as 2030-01-01: many rows have it, and no other day is near."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.sentinel_dates import without_sentinels

_FEWEST, _SHARE = 20, 0.2
_FAR = timedelta(days=365)


class OpenDay(NamedTuple):
    """The day, how many rows have it, and how many have any."""

    day: date
    rows: int
    of: int


def open_day(look: ProfiledTable, column: str) -> OpenDay | None:
    """The last day of ``column`` if a fifth of the rows with one has it, a year after all other times of ``look``."""
    days = without_sentinels(look.time(column)).date().name("day").as_table().drop_null("day")
    counts = as_arrow(days.group_by("day").aggregate(rows=days.count()).order_by("day")).to_pylist()
    rows = sum(one["rows"] for one in counts)
    if len(counts) < 2 or counts[-1]["rows"] < max(_FEWEST, _SHARE * rows):
        return None
    last = counts[-1]["day"]
    is_far = last - counts[-2]["day"] >= _FAR and all(_is_far(last, look, name) for name in look.times)
    return OpenDay(last, counts[-1]["rows"], rows) if is_far else None


def _is_far(last: date, look: ProfiledTable, column: str) -> bool:
    """Whether no day of ``column`` lies in the year before ``last``, or after it."""
    day = without_sentinels(look.time(column)).date()
    near = (day > ibis.literal(last - _FAR)) & (day != ibis.literal(last))
    return not as_arrow(near.any().name("near").as_table())["near"][0].as_py()


def without_open_day(look: ProfiledTable, column: str, time: ir.TimestampValue) -> ir.TimestampValue:
    """``time``, which is ``column`` of ``look``, without days that stand for none, and without its :class:`OpenDay`."""
    time, found = without_sentinels(time), open_day(look, column)
    return time if found is None else ibis.ifelse(time < ibis.literal(found.day), time, ibis.null("timestamp"))
