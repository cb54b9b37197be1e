"""Measurements: the figures of the dashboard, one set for each date on which they were measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime

from sqlalchemy import delete, func, insert, select

from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import MEASUREMENTS

POOLED_WEEKS = 4
"""The figure of today pools the newest weeks with final labels."""
LIST_DAYS = 28
"""The use of the list is that of the lists of so many days."""
STATUSES = ("good", "watch", "act", "too_little")


@dataclass(frozen=True)
class StoredMeasurement:
    """One figure of the dashboard; it names no customer.

    Args:
        name: what is measured, such as "auc".
        part: what it is about: an as-of date, the number of a campaign, a segment, a feature; empty for the whole.
        value: the figure; None where there is too little data to say.
        low: lower end of the 95 % interval, None where there is none.
        high: upper end.
        numerator: what is counted above the line, None where the figure is no ratio.
        denominator: what is counted below the line, None where nothing is.
        status: one of `STATUSES`.
        next_step: what to do next, one sentence.
        is_final: False for an estimate.
        rows_as_of: the as-of date of the predictions behind it, None where there are several or none.
    """

    name: str
    part: str
    value: float | None
    low: float | None
    high: float | None
    numerator: float | None
    denominator: float | None
    status: str
    next_step: str
    is_final: bool = True
    rows_as_of: date | None = None


@dataclass(frozen=True)
class MeasuredDay:
    """The figures of one date.

    Args:
        measured_on: the date.
        measured_at: when they were measured, in UTC.
        figures: by name and part.
    """

    measured_on: date
    measured_at: datetime
    figures: tuple[StoredMeasurement, ...]

    @property
    def pooled_dates(self) -> list[date]:
        """The dates that the accuracy without a date pools, the earliest first."""
        final = {one.part for one in self.figures if one.name == "auc" and one.part and one.is_final}
        return [date.fromisoformat(part) for part in sorted(final)[-POOLED_WEEKS:]]


def record_measurements(
    store: Store, measured_on: date, figures: Iterable[StoredMeasurement], *, clock: Clock = utc_now
) -> None:
    """Record the figures of a date, in place of those that were recorded for it before.

    Args:
        store: the store.
        measured_on: the date.
        figures: each name and part once.
        clock: gives the time at which they were measured.

    Raises:
        StoreError: the store fails, or a figure stands twice; what was recorded before stays then.
    """
    now = clock()
    rows = [asdict(one) | {"measured_on": measured_on, "measured_at": now} for one in figures]
    with store.writing(f"record the measurements of {measured_on}") as connection:
        connection.execute(delete(MEASUREMENTS).where(MEASUREMENTS.c.measured_on == measured_on))
        if rows:
            connection.execute(insert(MEASUREMENTS), rows)


def drop_measurements_after(store: Store, day: date) -> None:
    """Drop what a clock that was ahead dated later than ``day``, which is today: it would stay the newest for long.

    Raises:
        StoreError: the store fails; nothing is dropped then.
    """
    with store.writing(f"drop the measurements after {day}") as connection:
        connection.execute(delete(MEASUREMENTS).where(MEASUREMENTS.c.measured_on > day))


def latest_measurements(store: Store, *, before: date | None = None) -> MeasuredDay | None:
    """The figures of the newest date, None where nothing was measured.

    Args:
        store: the store.
        before: only of a date before this one.

    Raises:
        StoreError: the store fails.
    """
    columns = [MEASUREMENTS.c[field.name] for field in fields(StoredMeasurement)]
    newest = select(func.max(MEASUREMENTS.c.measured_on))
    newest = newest if before is None else newest.where(MEASUREMENTS.c.measured_on < before)
    with store.reading("read the measurements") as connection:
        day = connection.scalar(newest)
        if day is None:
            return None
        of_day = MEASUREMENTS.c.measured_on == day
        order = (MEASUREMENTS.c.name, MEASUREMENTS.c.part)
        rows = connection.execute(select(*columns).where(of_day).order_by(*order)).all()
        at = connection.scalars(select(func.max(MEASUREMENTS.c.measured_at)).where(of_day)).one()
    return MeasuredDay(day, at, tuple(StoredMeasurement(*row) for row in rows))
