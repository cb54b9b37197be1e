"""The as-of date as a timestamp, for any engine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

import ibis
import ibis.expr.types as ir

from churn_mlops.data.engine.prepared import day_parameter, time_parameter

_SMALLEST = timedelta(microseconds=1)  # the smallest difference of two times in a table of plain types


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
        return self.as_date().delta(timestamp.date(), unit="day").cast("float64")

    def as_date(self) -> ir.DateValue:
        """The as-of date as a value of a statement."""
        return ibis.literal(self.day)

    def later(self, days: int) -> AsOf:
        """The whole of the day that comes ``days`` days later, as labels look at it."""
        return AsOf(self.day + timedelta(days=days))

    def value_of(self, parameter: str) -> date | datetime:
        """The value that a statement of :class:`AnyAsOf` takes as ``parameter`` for this as-of date."""
        kind, ahead = parameter.split()
        day = self.day + timedelta(days=int(ahead))
        if kind == "day":
            return day
        if kind == "start":
            return midnight(day)
        last = midnight(day + timedelta(days=1)) - _SMALLEST
        return last if kind == "end" or self.until is None else min(self.until, last)


@dataclass(frozen=True)
class AnyAsOf(AsOf):
    """An as-of date that is given when a prepared statement runs: :meth:`AsOf.value_of` gives its parameters.

    Args:
        day: not used.
        until: not used.
        ahead: days from that as-of date to this one.
        whole: whether all of the day counts, also where ``until`` is given.
    """

    day: date = date.min
    ahead: int = 0
    whole: bool = False

    def includes(self, timestamp: ir.TimestampValue) -> ir.BooleanValue:
        """As of :meth:`AsOf.includes`."""
        return timestamp <= time_parameter(f"{'end' if self.whole else 'known'} {self.ahead}")

    def within(self, timestamp: ir.TimestampValue, days: int) -> ir.BooleanValue:
        """As of :meth:`AsOf.within`."""
        return timestamp >= time_parameter(f"start {self.ahead + 1 - days}")

    def as_date(self) -> ir.DateValue:
        """As of :meth:`AsOf.as_date`."""
        return day_parameter(f"day {self.ahead}")

    def later(self, days: int) -> AsOf:
        """As of :meth:`AsOf.later`."""
        return replace(self, ahead=self.ahead + days, whole=True)


def midnight(day: date) -> datetime:
    """The local time when ``day`` begins."""
    return datetime.combine(day, time())
