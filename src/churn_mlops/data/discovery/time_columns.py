"""How times are written in a column, and reading them as it says.

A format is written in the directives of ``strftime``: ``%d/%m/%Y %H:%M``. It is read with patterns and plain casts
alone, so that every engine reads the same time, or none, from a text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import ibis.expr.types as ir

from churn_mlops.data.contract.time_format import (
    MONTH_FORMATS,
    TIME_FORMATS,
    is_plain,
    time_format_fits,
    time_formats_of,
)
from churn_mlops.data.discovery.times.unread_times import UnreadTimes, unread_times
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.timestamps import in_calendar, parsed_time
from churn_mlops.data.profiling.numeric_codes import is_number_date
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.profiling.unix_times import unix_times_of
from churn_mlops.data.profiling.value_counts import MISSING_TEXTS
from churn_mlops.suggestions import words

_SAMPLE = 2_000
_MOSTLY = 0.95
NO_DAY = frozenset(
    "never|none|open|ongoing|present|current|active|permanent|unlimited|indefinite|no end|no end date|not ended|tbd|"
    "nie|keine|keines|offen|laufend|unbefristet|jamais|aucune|en cours|indéterminée|nunca|indefinido|indefinida|"
    "vigente|sin fecha|mai|in corso|nooit|onbepaald".split("|")
)
"""Lower-case texts that stand for no day in a column of dates, as "Never" does for an end that has not come."""
_OF_MONTHS = frozenset("month months period yyyymm yearmonth ym monat mois mes mese".split())


@dataclass(frozen=True)
class TimeColumn:
    """A column of times.

    Attributes:
        name: the column.
        format: how its texts are written; None where the database has times of its own, or texts are ISO 8601.
        read_as: the same, and for ISO 8601 too; None where the database has times of its own.
        other: another format that fits every text as well, such as month before day; None where there is none.
        example: a text as it is written.
        unread: rows that hold something that is no time in that format.
        outside: rows that hold a time of the database outside the years 1 to 9999.
        unread_texts: more about ``unread``.
    """

    name: str
    format: str | None = None
    read_as: str | None = None
    other: str | None = None
    example: str | None = None
    unread: int = 0
    outside: int = 0
    unread_texts: UnreadTimes = field(default_factory=UnreadTimes, compare=False)


def time_column(column: ir.Column, profile: ColumnProfile) -> TimeColumn | None:
    """``column`` as a column of times; None if it holds no times."""
    name = profile.name
    if profile.kind == "date":
        return TimeColumn(name, outside=outside_calendar(column))
    profile = _of_days(profile)
    counted = unix_times_of(profile)
    if counted is not None and counted.sure:
        return TimeColumn(name, counted.unit, counted.unit, example=f"{profile.largest:.0f}")
    numbers = is_number_date(profile) and (profile.smallest or 0) >= 19000101 and (profile.largest or 0) <= 21001231
    texts = sorted(text for text, _ in profile.level_rows)[:_SAMPLE]
    dated = numbers or (profile.kind == "text" and profile.dates >= _MOSTLY * profile.present)
    formats = MONTH_FORMATS if _are_months(profile, texts) else TIME_FORMATS if dated else ()
    if not profile.present or not formats:
        return None
    texts = texts or _texts(column)
    found = _formats(column, texts, formats)
    if not found:
        return None
    (best, read), *others = found
    other = next((one for one, rows in others if rows == read and _turned(one, best)), None)
    plain = best.startswith("%Y-%m-%d") and all(map(is_plain, texts))
    if plain and read < profile.present:  # without a format, years before 1900 are read too
        read = int(parsed_time(column, None).count().to_pyarrow().as_py())
    time_format = None if plain else best
    unread = UnreadTimes(filled=profile.present)
    if profile.present > read:
        unread = unread_in(column.as_table(), column, parsed_time(column, time_format))
    return TimeColumn(name, time_format, best, other, texts[len(texts) // 2], unread.rows, unread_texts=unread)


def unread_in(rows: ir.Table, column: ir.Column, time: ir.TimestampColumn) -> UnreadTimes:
    """The texts of ``column``, one of ``rows``, that are missing in ``time``, which is the same column."""
    return unread_times(rows.select(text=as_text(column), read=time.notnull()), MISSING_TEXTS | NO_DAY)


def _of_days(profile: ColumnProfile) -> ColumnProfile:
    """``profile`` in which a text that stands for no day means missing; unchanged without dates."""
    none = tuple(item for item in profile.level_rows if item[0].lower() in NO_DAY)
    return replace(profile, markers=(*profile.markers, *none)) if none and profile.dates else profile


def outside_calendar(column: ir.Column) -> int:
    """How many cells of a column of dates or timestamps are no time, such as `infinity` or a year BC."""
    return int((column.notnull() & in_calendar(column).isnull()).sum().to_pyarrow().as_py() or 0)


def _texts(column: ir.Column) -> list[str]:
    """Some of the texts, sorted; the same ones each time."""
    cells = as_text(column).name("text").as_table()
    found = cells.filter(cells.text.notnull()).distinct().order_by(cells.text.hash()).limit(_SAMPLE)
    return sorted(found.to_pyarrow()["text"].to_pylist())


def _are_months(profile: ColumnProfile, texts: Sequence[str]) -> bool:
    """Whether all values are written like months, as 2024-01; as 202401 or Jan 2024, the name has to say so."""
    named = bool(set(words(profile.name)) & _OF_MONTHS) or profile.name.lower().endswith("month")
    dated = profile.kind == "text" and profile.dates >= _MOSTLY * profile.present
    return (named or dated) and any(
        all(time_format_fits(text, one) for text in texts) for one in MONTH_FORMATS if texts
    )


def _formats(column: ir.Column, texts: Sequence[str], formats: Sequence[str]) -> list[tuple[str, int]]:
    """The ones of ``formats`` that fit most of the texts, best first, each with the rows that it reads."""
    likely = time_formats_of(texts, formats=formats)
    if not likely:
        return []
    counts = {f"f{place}": parsed_time(column, time_format).count() for place, time_format in enumerate(likely)}
    rows = column.as_table().aggregate(**counts).to_pyarrow().to_pylist()[0]
    held = [(time_format, int(rows[f"f{place}"])) for place, time_format in enumerate(likely)]
    return sorted(held, key=lambda item: (-item[1], formats.index(item[0])))


def _turned(one: str, other: str) -> bool:
    """Whether two formats differ in the order of day and month alone."""
    return one != other and one.replace("%d", "%x").replace("%m", "%d").replace("%x", "%m") == other
