"""Times of any kind as the company's local time, and what was so by an as-of date, as expressions for any engine.

A session of the engine has the company's time zone (``tables.tables_of`` sets it), so that a moment with a zone becomes
local time by a cast.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

# Only days that exist, leap years and all: a cast of 30 February fails in one engine and gives null in another.
_DAY = (
    r"([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    r"|02-(0[1-9]|1[0-9]|2[0-8]))|([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)-02-29)"
)
_CLOCK = r"[ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,9})?)?"
_ZONE = r"(Z|[+-](0[0-9]|1[0-4])(:[0-5][0-9])?)"


@dataclass(frozen=True)
class AsOf:
    """What had happened and was known by the end of a day, or by a moment of it.

    Args:
        day: the as-of date, all of which counts.
        until: a moment in local time; later things do not count either.
    """

    day: date
    until: datetime | None = None

    def includes(self, moment: ir.TimestampValue) -> ir.BooleanValue:
        """Whether ``moment`` (local time) had come; null where it is null."""
        end = midnight(self.day + timedelta(days=1))
        if self.until is not None and self.until < end:
            return moment <= ibis.literal(self.until)
        return moment < ibis.literal(end)

    def within(self, moment: ir.TimestampValue, days: int) -> ir.BooleanValue:
        """Whether ``moment`` lies in the last ``days`` days, the as-of date being the last of them."""
        return moment >= ibis.literal(midnight(self.day - timedelta(days=days - 1)))

    def days_since(self, moment: ir.TimestampValue) -> ir.FloatingValue:
        """Whole days from the local day of ``moment`` to the as-of date."""
        return ibis.literal(self.day).delta(moment.date(), unit="day").cast("float64")


def midnight(day: date) -> datetime:
    """The local time when ``day`` begins."""
    return datetime.combine(day, time())


def wall_clock(moment: datetime, time_zone: str) -> datetime:
    """``moment`` as local time without a zone; one that has no zone is local time already."""
    return moment if moment.tzinfo is None else moment.astimezone(ZoneInfo(time_zone)).replace(tzinfo=None)


def is_time(column: ir.Column) -> bool:
    """Whether a column of this type can hold times: dates, timestamps and texts can."""
    kind = column.type()
    return bool(kind.is_date() or kind.is_timestamp() or kind.is_string())


def local_time(column: ir.Column) -> ir.TimestampColumn:
    """Each cell as local time in microseconds: a date is its midnight, a text is read as ISO 8601.

    A timestamp without a zone is local time, one with a zone is turned into it. A text that is no such time is null.
    """
    kind = column.type()
    if kind.is_string():
        return _of_text(column)
    if kind.is_timestamp() and kind.timezone is None:
        return column if kind.scale is None or kind.scale <= 6 else column.cast("timestamp(6)")
    return column.cast("timestamp")


def _of_text(column: ir.StringColumn) -> ir.TimestampColumn:
    text = column.strip()
    local = ibis.ifelse(text.re_search(f"^{_DAY}({_CLOCK})?$"), text, ibis.null("string"))
    zoned = ibis.ifelse(text.re_search(f"^{_DAY}{_CLOCK}{_ZONE}$"), text, ibis.null("string"))
    # Cut to microseconds, which take 26 characters: some engines round further decimals up, into the next day.
    local, zoned = local.substr(0, 26), zoned.re_replace("([.][0-9]{6})[0-9]+", r"\1")
    return ibis.coalesce(local.cast("timestamp"), zoned.cast("timestamp('UTC')").cast("timestamp"))
