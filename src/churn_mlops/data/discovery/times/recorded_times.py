"""Whether a column that is called like a time of recording is one: it lies close behind what it records, for everyone.

A time of the last change, or of the last load, is called so too. It would hide from the past whatever was touched
later, and churners are touched otherwise than retained customers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import MOSTLY, Times
from churn_mlops.data.discovery.times.data_clock import come
from churn_mlops.data.engine.sentinel_dates import without_sentinels

CLOSE_DAYS = 31
"""A row is recorded within so many days, if the time of its recording is one."""
_SOON_DAYS = 7
_LATE = 0.05  # share of the rows that may be recorded later
_ALIKE = 0.05  # by so much may the share of rows that are recorded after a week differ for churners
_FEWEST = 20
_LOADS, _DAYS = 3, 20  # rows of so many days that were all recorded on so few were loaded


@dataclass(frozen=True)
class RecordedTime:
    """A time of recording, and why it is none; ``None`` where it is one."""

    column: str
    of: str
    refused: str | None


def known_of_come_rows(role: Role, newest: datetime | None) -> Times:
    """The times of ``role``, their time of recording held against rows that have come by ``newest`` only.

    A planned row is recorded before it happens, which says nothing against the time of its recording.
    """
    look, times = role.look, role.times
    if times.known_early is None or times.first is None or times.known_at is not None or newest is None:
        return times
    column = times.known_early[0]
    rows = look.table.select(day=come(look, times.first, newest).date(), known=without_sentinels(look.time(column)))
    before = rows.known.date() < rows.day
    held = rows.aggregate(both=before.count(), early=before.sum()).to_pyarrow().to_pylist()[0]
    both, early = int(held["both"] or 0), int(held["early"] or 0)
    if early > (1 - MOSTLY) * both or not both:
        return times
    return replace(times, known_at=column, known_early=(column, early, both) if early else None)


def evaluate_recorded(role: Role, column: str, of: str, left: ir.Table | None, table_roles: TableRoles) -> RecordedTime:
    """Whether ``column`` is when the rows with the time ``of`` were recorded.

    Args:
        role: the table.
        column: called like a time of recording.
        of: the event, the start or the end that it would record.
        left: the customers who left, once each, as ``__left__``; None where that is not known.
        table_roles: the tables that name the customers.
    """
    look = role.look
    rows = look.table.mutate(__day__=look.time(of).date(), __known__=look.time(column).date())
    if left is None or role.customer is None:
        rows = rows.select(day="__day__", known="__known__", gone=ibis.literal(False))
    else:
        owned = with_owner(role, table_roles, rows)
        joined = owned.left_join(left, owned[OWNER] == left["__left__"])
        rows = joined.select(day="__day__", known="__known__", gone=joined["__left__"].notnull())
    rows = rows.filter(rows.day.notnull())
    rows = rows.mutate(lag=rows.known.delta(rows.day, unit="day"))
    return RecordedTime(column, of, _refused(rows, of))


def _refused(rows: ir.Table, of: str) -> str | None:
    late, slow = rows.lag > CLOSE_DAYS, rows.lag > _SOON_DAYS
    counts = rows.aggregate(
        all=rows.count(),
        blank=rows.known.isnull().sum(),
        late=late.sum(),
        gone=rows.gone.sum(),
        slow_gone=(slow & rows.gone).sum(),
        slow_others=(slow & ~rows.gone).sum(),
        days=rows.day.nunique(),
        loads=rows.known.nunique(),
    )
    held = {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}
    if held["blank"] > _LATE * held["all"]:
        return f"is blank in {_of(held['blank'], held['all'])} that have {of}"
    if held["late"] > _LATE * held["all"]:
        return f"lies more than {CLOSE_DAYS} days after {of} in {_of(held['late'], held['all'])}"
    if held["loads"] <= _LOADS and held["days"] >= _DAYS:
        return f"holds {held['loads']} days only, while {of} holds {held['days']:,}"
    others = held["all"] - held["gone"]
    if min(held["gone"], others) >= _FEWEST:
        gone, stay = held["slow_gone"] / held["gone"], held["slow_others"] / others
        if abs(gone - stay) > _ALIKE:
            return (
                f"lies more than {_SOON_DAYS} days after {of} in {gone:.1%} of the rows of customers who left, and in "
                f"{stay:.1%} of the others"
            )
    return None


def _of(count: int, rows: int) -> str:
    return f"{count:,} of {rows:,} rows ({count / rows:.1%})"
