"""The as-of date as a timestamp, for any engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import ibis
import ibis.expr.types as ir


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
