"""How times are written in a column, and reading them as it says.

A format is written in the directives of ``strftime``: ``%d/%m/%Y %H:%M``. It is read with patterns and plain casts
alone, so that every engine reads the same time, or none, from a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from churn_mlops.data.cells import as_text
from churn_mlops.data.codes import is_number_date
from churn_mlops.data.fence import fenced
from churn_mlops.data.layouts import FORMATS, directives_of, is_plain, layouts_of, pattern_of
from churn_mlops.data.local_time import local_time
from churn_mlops.data.profile import ColumnProfile

if TYPE_CHECKING:
    from churn_mlops.data.history import HistoryTable

_MONTHS = {name: place for place, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}
# A day beyond the end of its month, and a leap day in a year that has none.
_NO_DAY = "-(02-3[01]|(04|06|09|11)-31)$|([02468][1235679]|[13579][01345789])-02-29$|(1900|2100)-02-29$"
_FIRST, _LAST = datetime(1, 1, 2), datetime(9999, 12, 30)  # whatever the time zone
_SAMPLE = 2_000
_MOSTLY = 0.95


@dataclass(frozen=True)
class TimeColumn:
    """A column of times.

    Attributes:
        name: the column.
        format: how its texts are written; None where the database has times of its own, or texts are ISO 8601.
        layout: the same, and for ISO 8601 too; None where the database has times of its own.
        other: another format that fits every text as well, such as month before day; None where there is none.
        example: a text as it is written.
        unread: rows that hold something that is no time in that format.
    """

    name: str
    format: str | None = None
    layout: str | None = None
    other: str | None = None
    example: str | None = None
    unread: int = 0


def time_column(column: ir.Column, profile: ColumnProfile) -> TimeColumn | None:
    """What ``column`` is as a column of times; None where it is none."""
    name = profile.name
    if profile.kind == "date":
        return None if column.type().is_time() else TimeColumn(name)
    numbers = is_number_date(profile) and (profile.smallest or 0) >= 19000101 and (profile.largest or 0) <= 21001231
    if not profile.present or not (numbers or (profile.kind == "text" and profile.dates >= _MOSTLY * profile.present)):
        return None
    texts = sorted(text for text, _ in profile.level_rows)[:_SAMPLE] or _texts(column)
    found = _formats(column, texts)
    if not found:
        return None
    (best, read), *others = found
    other = next((layout for layout, rows in others if rows == read and _turned(layout, best)), None)
    plain = best.startswith("%Y-%m-%d") and all(map(is_plain, texts))
    unread = profile.present - read
    return TimeColumn(name, None if plain else best, best, other, texts[len(texts) // 2], max(unread, 0))


def parsed_time(column: ir.Column, layout: str | None) -> ir.TimestampColumn:
    """``column`` as local times; null where a text is not in that ``layout`` or is no day of the calendar.

    Args:
        column: times, or texts or whole numbers as ``layout`` says.
        layout: a format of ``strftime``, of the directives Y y m d b B H I M S p z; None for texts as of ISO 8601.
    """
    if layout is None or column.type().is_temporal():
        return local_time(column)
    text = column.strip() if column.type().is_string() else as_text(column)
    pattern, order = f"^{pattern_of(layout)}$", directives_of(layout)

    def part(directive: str) -> ir.StringColumn:
        return text.re_extract(pattern, order.index(directive) + 1).nullif("")

    year = part("Y") if "Y" in order else _century(part("y"))
    month = _two(part("m")) if "m" in order else _month(part("b" if "b" in order else "B"))
    day = year + "-" + month + "-" + _two(part("d"))
    hour = _hour(part("I"), part("p")) if "I" in order else part("H") if "H" in order else ibis.literal("00")
    minute = part("M") if "M" in order else "00"
    second = part("S") if "S" in order else "00"
    time = _two(hour) + ":" + minute + ":" + second
    found = ibis.ifelse(day.re_search(_NO_DAY), ibis.null("string"), day + " " + time)
    if "z" not in order:
        return found.cast("timestamp")
    return (found + _zone(part("z"))).cast("timestamp('UTC')").cast("timestamp")


def time_of(rows: ir.Table, column: str, declared: HistoryTable) -> ir.TimestampColumn:
    """The times in ``column`` of ``rows``, written as the contract's table says; what is no such time is null.

    Nor is what lies outside the years 1 to 9999, such as the `infinity` of PostgreSQL.
    """
    layout = declared.formats.get(column)
    first, last = ibis.literal(_FIRST), ibis.literal(_LAST)
    times = parsed_time(rows[column], layout)
    # Databases have times such as `infinity`, for what has no end, and years that no calendar of Python has; the time
    # zone leads there too, from the last hours of 9999.
    if rows[column].type().is_temporal():
        return ibis.ifelse(times.between(first, last), times, ibis.null("timestamp"))
    # Slower, but the long expression of a text stands in it only once.
    times = ibis.greatest(ibis.least(times, last).nullif(last), first).nullif(first)
    # A text is cut into parts with long patterns: written once, however often the time is used.
    return fenced(times) if layout is not None or rows[column].type().is_string() else times


def _texts(column: ir.Column) -> list[str]:
    """Some of the texts, sorted; the same ones each time."""
    cells = as_text(column).name("text").as_table()
    found = cells.filter(cells.text.notnull()).distinct().order_by(cells.text.hash()).limit(_SAMPLE)
    return sorted(found.to_pyarrow()["text"].to_pylist())


def _formats(column: ir.Column, texts: Sequence[str]) -> list[tuple[str, int]]:
    """The formats that fit most of the texts, best first, each with the rows that it reads."""
    likely = layouts_of(texts)
    if not likely:
        return []
    counts = {f"f{place}": parsed_time(column, layout).count() for place, layout in enumerate(likely)}
    rows = column.as_table().aggregate(**counts).to_pyarrow().to_pylist()[0]
    held = [(layout, int(rows[f"f{place}"])) for place, layout in enumerate(likely)]
    return sorted(held, key=lambda item: (-item[1], FORMATS.index(item[0])))


def _turned(one: str, other: str) -> bool:
    """Whether two formats differ in the order of day and month alone."""
    return one != other and one.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m") == other


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
