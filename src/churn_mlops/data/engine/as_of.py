"""The as-of date as a timestamp, for any engine."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import ibis
import ibis.expr.types as ir


@dataclass(frozen=True)
class AsOf:
    """Everything that had happened and was known by the end of a day, or by a time of that day.

    Args:
        day: the as-of date, all of which counts.
        until: a local time; nothing later counts either.
    """

    day: date
    until: datetime | None = None

    def includes(self, timestamp: ir.TimestampValue) -> ir.BooleanValue:
        """Whether ``timestamp`` (local time) had come; null where it is null."""
        end = midnight(self.day + timedelta(days=1))
        if self.until is not None and self.until < end:
            return timestamp <= ibis.literal(self.until)
        return timestamp < ibis.literal(end)

    def within(self, timestamp: ir.TimestampValue, days: int) -> ir.BooleanValue:
        """Whether ``timestamp`` lies in the last ``days`` days, the as-of date being the last of them."""
        return timestamp >= ibis.literal(midnight(self.day - timedelta(days=days - 1)))

    def days_since(self, timestamp: ir.TimestampValue) -> ir.FloatingValue:
        """Whole days from the local day of ``timestamp`` to the as-of date."""
        return ibis.literal(self.day).delta(timestamp.date(), unit="day").cast("float64")


def midnight(day: date) -> datetime:
    """The local time when ``day`` begins."""
    return datetime.combine(day, time())
