"""The newest day of a database that is looked at, and which of its times had come by then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import role_by_name
from churn_mlops.data.discovery.times.open_day import without_open_day
from churn_mlops.data.engine.as_of import AsOf, midnight
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.snapshot.data_clock import newest_time, timestamp_of


def newest_of(table_roles: TableRoles, today: date | None = None) -> datetime | None:
    """The time until which the data goes, by the rule of :func:`newest_time`; None where nothing has a time.

    A time counts where it is that of a row: its event, its start, or the time of its recording if that came first.

    Args:
        table_roles: the tables.
        today: rows that are dated later have not happened; None if that is not to be asked.
    """
    times = {role.look.name: _until(time, today) for role, time in _of_rows(table_roles)}
    home = table_roles.customers
    named = [name for name in home.look.times if role_by_name(name) == "end" or name == home.times.end]
    ends = [name for name in named if _is_left_blank(home.look, name)]
    starts = home.look.name
    found = [newest_time(times, _until(_of_ends(home.look, name), today), starts) for name in ends]
    return max((one for one in found if one is not None), default=None) if ends else newest_time(times, None, starts)


def newest_by_table(table_roles: TableRoles) -> dict[str, datetime]:
    """The newest time of each table's rows, and of the ends of customers, by ``table.column``."""
    found = {f"{role.name}.{role.times.first}": timestamp_of(time.max()) for role, time in _of_rows(table_roles)}
    home = table_roles.customers
    if home.times.end is not None:
        found[f"{home.name}.{home.times.end}"] = timestamp_of(come(home.look, home.times.end, table_roles.newest).max())
    return {name: time for name, time in found.items() if time is not None}


def come(look: ProfiledTable, column: str, newest: datetime | None = None) -> ir.TimestampValue:
    """The times of ``column``, up to ``newest`` if that is given; null for days that stand for none."""
    return by_newest(without_sentinels(look.time(column)), newest)


def by_newest(time: ir.TimestampValue, newest: datetime | None) -> ir.TimestampValue:
    """``time`` up to the day of ``newest``, null on later days; all of it if ``newest`` is None."""
    if newest is None:
        return time
    return ibis.ifelse(time < ibis.literal(day_after(newest)), time, ibis.null("timestamp"))


def day_after(newest: datetime) -> datetime:
    """Midnight at the end of the day of ``newest``."""
    return midnight(newest.date() + timedelta(days=1))


def _of_rows(table_roles: TableRoles) -> Iterator[tuple[Role, ir.TimestampValue]]:
    home = table_roles.customers
    for role in table_roles.roles.values():
        first = role.times.first
        if first is None or role.kind == "apart" or (role.look is home.look and role is not home):
            continue
        if role.kind == "attributes":
            continue  # they may hold from a later day on
        known = role.times.known_at
        read = role.look.table.select(  # first, for a statement to hold the reading of a text once
            first=role.look.time(first), known=ibis.null("timestamp") if known is None else role.look.time(known)
        )
        time = without_sentinels(read.first)
        yield role, time if known is None else ibis.least(time, without_sentinels(read.known))


def _until(time: ir.TimestampValue, today: date | None) -> ir.TimestampValue:
    return time if today is None else ibis.ifelse(AsOf(today).includes(time), time, ibis.null("timestamp"))


def _is_left_blank(look: ProfiledTable, column: str) -> bool:
    """Whether some rows have no such day: a column that all rows have holds periods, not ends."""
    held = _of_ends(look, column).count().to_pyarrow().as_py()
    return int(held or 0) < 0.98 * look.rows


def _of_ends(look: ProfiledTable, column: str) -> ir.TimestampValue:
    return without_open_day(look, column, look.time(column))
