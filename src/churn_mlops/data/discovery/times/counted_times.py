"""Numbers that count seconds since 1970 under a name that speaks of no time: the values decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from churn_mlops.data.contract.time_format import UNIX_UNITS
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.time_columns import TimeColumn
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.profiling.unix_times import UnixTimes, unix_times_of

_FEWEST = 20  # so many different numbers are no full hours by chance
_HOUR = 3_600
_WITHIN = 0.9  # share of their span in which the other times of the database lie, too
_COVERED = 0.1  # share of the span of these that they cover: keys in a row cover less
_SINCE = datetime(2000, 1, 1)  # a time that begins earlier is a day of birth
Span = tuple[float, float]


def with_counted_times(looks: Sequence[ProfiledTable]) -> list[ProfiledTable]:
    """``looks`` with the numbers among their times that are times by their values.

    They are full hours since 1970, as days are, or they lie where the other times of the database lie.
    """
    doubtful = [(look, column, unit) for look in looks for column, unit in _doubtful(look)]
    hourly = {(look.name, column.name) for look, column, unit in doubtful if _are_full_hours(look, column, unit)}
    span = _span_of_times(looks) if len(hourly) < len(doubtful) else None
    found: dict[str, dict[str, TimeColumn]] = {}
    for look, column, counted in doubtful:
        if (look.name, column.name) in hourly or (span is not None and _lie_within(span, column, counted)):
            time = TimeColumn(column.name, counted.unit, counted.unit, example=f"{column.largest:.0f}")
            found.setdefault(look.name, {})[column.name] = time
    return [_with_times(look, found[look.name]) if look.name in found else look for look in looks]


def _doubtful(look: ProfiledTable) -> list[tuple[ColumnProfile, UnixTimes]]:
    able = [column for column in look.columns if column.name not in look.times and column.distinct >= _FEWEST]
    found = [(column, unix_times_of(column)) for column in able]
    return [(column, counted) for column, counted in found if counted is not None]


def _with_times(look: ProfiledTable, found: dict[str, TimeColumn]) -> ProfiledTable:
    """``look`` with more times, in the order of its columns."""
    all_ = {**look.times, **found}
    return replace(look, times={column.name: all_[column.name] for column in look.columns if column.name in all_})


def _are_full_hours(look: ProfiledTable, column: ColumnProfile, counted: UnixTimes) -> bool:
    per_hour = _HOUR * UNIX_UNITS[counted.unit]
    if column.level_rows:  # known where there are few
        return all(float(text) % per_hour == 0 for text, _ in column.level_rows)
    number = look.text(column.name).cast("float64")
    odd = look.table.select(number=number).filter(lambda t: t.number.notnull() & (t.number % per_hour != 0))
    return not odd.limit(1).to_pyarrow().num_rows


def _span_of_times(looks: Sequence[ProfiledTable]) -> Span | None:
    """From the first to the last of the times of the database, in seconds since 1970; days of birth aside."""
    found: list[tuple[datetime, datetime]] = []
    for look in looks:
        if not look.times:
            continue
        read = {f"t{place}": look.time(name) for place, name in enumerate(look.times)}
        times = look.table.select(**read)
        ends = {
            f"{end}{name}": getattr(without_sentinels(times[name]), end)() for name in read for end in ("min", "max")
        }
        held = times.aggregate(**ends).to_pyarrow().to_pylist()[0]
        spans = [(held[f"min{name}"], held[f"max{name}"]) for name in read]
        found += [span for span in spans if span[0] is not None and span[0].replace(tzinfo=None) >= _SINCE]
    if not found:
        return None
    first, last = min(span[0] for span in found), max(span[1] for span in found)
    return first.replace(tzinfo=UTC).timestamp(), last.replace(tzinfo=UTC).timestamp()


def _lie_within(span: Span, column: ColumnProfile, counted: UnixTimes) -> bool:
    low, high = (float(end or 0) / UNIX_UNITS[counted.unit] for end in (column.smallest, column.largest))
    shared = min(high, span[1]) - max(low, span[0])
    return shared >= _WITHIN * (high - low) and shared >= _COVERED * (span[1] - span[0])
