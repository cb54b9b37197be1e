"""Times of any kind as the company's local time, as expressions for any engine.

A session of the engine has the company's time zone (``history_tables`` sets it), so that a cast converts a timestamp
with a zone into local time.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from churn_mlops.data.contract.time_format import UNIX_UNITS, directives_of, pattern_of
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.optimization_fence import fenced
from churn_mlops.data.engine.unix_time import from_unix_time

if TYPE_CHECKING:
    from churn_mlops.data.contract import HistoryTable

READ = "__time__"
"""Columns whose names begin so hold what was read from others, by :func:`read_name`."""
# Only days that exist, leap years and all: a cast of 30 February fails in one engine and gives null in another.
_DAY = (
    r"([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))|([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)"
)
_CLOCK = r"[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
_FINER = "^(.*[.][0-9]{6})[0-9]+(.*)$"  # more decimals than those of microseconds
_ZONE = r"(Z|[+-](0[0-9]|1[0-4])(:[0-5][0-9])?)"
_MONTHS = {name: place for place, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
# A day beyond the end of its month, and a leap day in a year that has none.
_NO_DAY = "-(02-3[01]|(04|06|09|11)-31)$|([02468][1235679]|[13579][01345789])-02-29$|(1900|2100)-02-29$"
_NANOSECONDS = dt.Timestamp(scale=9)
_FIRST, _LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # whatever the time zone


def wall_clock(timestamp: datetime, time_zone: str) -> datetime:
    """``timestamp`` as local time without a zone; one that has no zone is local time already."""
    return timestamp if timestamp.tzinfo is None else timestamp.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)


def is_time(column: ir.Column) -> bool:
    """Whether a column of this type can hold times: dates, timestamps and texts can."""
    kind = column.type()
    return bool(kind.is_date() or kind.is_timestamp() or kind.is_string())


def in_calendar(column: ir.Column) -> ir.Column:
    """The dates or timestamps of ``column``, null outside the years 1 to 9999, such as the `infinity` of databases."""
    first, last = (_FIRST.date(), _LAST.date()) if column.type().is_date() else (_FIRST, _LAST)
    # DuckDB has no nanoseconds of the year 1 to compare those of a column with.
    compared = column.cast("timestamp(6)") if column.type() == _NANOSECONDS else column
    return ibis.ifelse(compared.between(ibis.literal(first), ibis.literal(last)), column, ibis.null(column.type()))


def local_time(column: ir.Column) -> ir.TimestampColumn:
    """Each cell as local time: a date is its midnight, a text is read as ISO 8601.

    A timestamp without a zone is local time, one with a zone is turned into it. A text that is no such time is null,
    and so is a time outside the calendar.
    """
    kind = column.type()
    if kind.is_string():
        return _bounded(_of_text(column))
    times = in_calendar(column)
    return times if kind.is_timestamp() and kind.timezone is None else times.cast("timestamp")


def _of_text(column: ir.StringColumn) -> ir.TimestampColumn:
    text = column.strip()
    local = ibis.ifelse(text.re_search(f"^{_DAY}({_CLOCK})?$"), text, ibis.null("string"))
    zoned = ibis.ifelse(text.re_search(f"^{_DAY}{_CLOCK}{_ZONE}$"), text, ibis.null("string"))
    # Cut to microseconds, which take 26 characters: some engines round further decimals up, into the next day.
    local = local.substr(0, 26)
    zoned = ibis.ifelse(zoned.re_search(_FINER), zoned.re_extract(_FINER, 1) + zoned.re_extract(_FINER, 2), zoned)
    return ibis.coalesce(local.cast("timestamp"), zoned.cast("timestamp('UTC')").cast("timestamp"))


def parsed_time(column: ir.Column, time_format: str | None) -> ir.TimestampColumn:
    """``column`` as local times; null where a text is not in that ``time_format``, and outside the calendar.

    Args:
        column: times, or texts or whole numbers as ``time_format`` says.
        time_format: a format of ``strftime``, of the directives Y y m d b B H I M S p z, or a unit of numbers that are
            counted from 1970; None for texts as of ISO 8601.
    """
    if time_format is None or column.type().is_temporal():
        return local_time(column)
    if time_format in UNIX_UNITS:
        return from_unix_time(column, time_format)
    text = column.strip() if column.type().is_string() else as_text(column)
    pattern, order = f"^{pattern_of(time_format)}$", directives_of(time_format)

    def part(directive: str) -> ir.StringColumn:
        return text.re_extract(pattern, order.index(directive) + 1).nullif("")

    year = part("Y") if "Y" in order else _century(part("y"))
    month = _two(part("m")) if "m" in order else _month(part("b" if "b" in order else "B"))
    day = year + "-" + month + "-" + (_two(part("d")) if "d" in order else "01")
    hour = _hour(part("I"), part("p")) if "I" in order else part("H") if "H" in order else ibis.literal("00")
    minute = part("M") if "M" in order else "00"
    second = part("S") if "S" in order else "00"
    time = _two(hour) + ":" + minute + ":" + second
    found = ibis.ifelse(day.re_search(_NO_DAY), ibis.null("string"), day + " " + time)
    if "z" not in order:
        return _bounded(found.cast("timestamp"))
    return _bounded((found + _zone(part("z"))).cast("timestamp('UTC')").cast("timestamp"))


def read_name(column: str, time_format: str | None) -> str:
    """The name of the column that holds what :func:`parsed_time` reads from ``column``, where it was read before."""
    return f"{READ}{column}__{time_format}"


def time_of(rows: ir.Table, column: str, declared: HistoryTable) -> ir.TimestampColumn:
    """The times in ``column`` of ``rows``, written as the contract's table says; what is no such time is null."""
    time_format = declared.formats.get(column)
    if read_name(column, time_format) in rows.columns:
        return rows[read_name(column, time_format)]
    times = parsed_time(rows[column], time_format)
    # A text is cut into parts with long patterns: written once, however often the time is used.
    return fenced(times) if time_format is not None or rows[column].type().is_string() else times


def _bounded(times: ir.TimestampColumn) -> ir.TimestampColumn:
    """As :func:`in_calendar`, for times read from texts: a zone leads beyond the last hours of 9999.

    Slower, but the long expression of a text stands in it only once.
    """
    first, last = ibis.literal(_FIRST), ibis.literal(_LAST)
    return ibis.greatest(ibis.least(times, last).nullif(last), first).nullif(first)


def _two(text: ir.StringValue) -> ir.StringValue:
    return text.lpad(2, "0")


def _century(text: ir.StringColumn) -> ir.StringColumn:
    """A year of two digits as POSIX reads it: 69 to 99 lie before 2000."""
    return ibis.ifelse(text >= "69", ibis.literal("19") + text, ibis.literal("20") + text)


def _month(text: ir.StringColumn) -> ir.StringColumn:
    short = text.lower().substr(0, 3)
    return ibis.cases(*((short == name, f"{place:02}") for name, place in _MONTHS.items()), else_=ibis.null("string"))


def _zone(text: ir.StringColumn) -> ir.StringValue:
    """A zone as ``%z`` reads it, written like +01:00."""
    shift = text.strip()
    shift = ibis.ifelse(shift.isin(["Z", "UTC"]), ibis.literal("+00:00"), shift)
    return ibis.ifelse(shift.contains(":"), shift, shift.left(3) + ":" + shift.right(2))


def _hour(hour: ir.StringColumn, half: ir.StringColumn) -> ir.StringColumn:
    number = hour.cast("int32") % 12
    return ibis.ifelse(half.lower() == "pm", number + 12, number).cast("string")
