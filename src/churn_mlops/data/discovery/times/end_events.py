"""Ends that are rows of a table of events with a certain value, such as the page "Cancellation Confirmation"."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.profiling.name_signals import may_name_leaving
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import profile_table

_MOST_LEVELS = 50
_FEWEST = 10  # customers with the value, from which the rows decide
_MOST_SHARE = 0.95  # of all customers: a value that next to all have had is no end
_SOON = timedelta(days=7)  # rows so soon after it belong to the end itself
_QUIET = timedelta(days=30)  # so long before the newest day, to see who goes on
_STOP, _GO_ON = 0.1, 0.5  # shares of customers with later rows: after the end, and after the other values
_AT, _LEVEL = "__at__", "__level__"
_ALL = -1
_MOST_THERE = 0.5  # of the customers have rows in a table that may show that they stop


@dataclass(frozen=True)
class EndEvent:
    """Values of a column after which customers stop to act.

    Attributes:
        role: the table.
        column: of that table.
        values: after each of them, hardly any customer has a later row.
        customers: customers who have had one of them.
        going_on: share of these with a row more than a week later; ``others`` is the same after the other values.
        spoken: whether the values speak of leaving.
    """

    role: Role
    column: str
    values: tuple[str, ...]
    customers: int
    going_on: float
    others: float
    spoken: bool

    def __str__(self) -> str:
        """The values, and the counts."""
        held = " or ".join(map(repr, self.values))
        return (
            f"{self.customers:,} customers have a row with {held}, and {self.going_on:.0%} of them have a row more "
            f"than a week later, after other values {self.others:.0%}"
        )


def end_events(table_roles: TableRoles) -> list[EndEvent]:
    """The columns with values after which customers stop to act, those that speak of leaving first."""
    roles = [role for role in table_roles.of("events", "attributes") if role.customer or role.through]
    if not roles or table_roles.newest is None:
        return []
    last = _last_days(roles, table_roles)
    found = [event for role in roles for event in _of_table(role, last, table_roles)]
    return sorted(found, key=lambda event: (not event.spoken, event.going_on))


def _of_table(role: Role, last: ir.Table, table_roles: TableRoles) -> Iterator[EndEvent]:
    for column in role.look.columns:
        if column.kind == "text" and 1 < column.distinct <= _MOST_LEVELS and column.levels and not is_number(column):
            event = _evaluated(role, column.name, last, table_roles)
            if event is not None:
                yield event


def with_ends_of(table_roles: TableRoles, event: EndEvent) -> TableRoles:
    """``table_roles`` with a table of ends: the rows of ``event``."""
    look = event.role.look
    name = f"{look.name}_ends"
    rows = look.table.filter(look.text(event.column).isin(event.values))
    ends = ProfiledTable(name, look.source, rows, profile_table(rows), look.times)
    where = {event.column: event.values}
    role = Role(ends, "ends", event.role.times, event.role.customer, event.role.through, where=where)
    return replace(table_roles, roles={**table_roles.roles, name: role})


def _last_days(roles: Sequence[Role], table_roles: TableRoles) -> ir.Table:
    """The ``last`` row of each customer in each of the tables, by its place, and in `_ALL` of them."""
    places = list(enumerate(roles)) + [(_ALL, role) for role in roles]
    parts = [_rows(role, table_roles).select(OWNER, _AT).mutate(place=ibis.literal(place)) for place, role in places]
    rows = ibis.union(*parts)
    return rows.group_by([OWNER, "place"]).agg(last=rows[_AT].max())


def _rows(role: Role, table_roles: TableRoles, column: str | None = None) -> ir.Table:
    look = role.look
    level = ibis.null("string") if column is None else look.text(column)
    made = look.table.mutate(look.time(str(role.times.first)).cast("timestamp").name(_AT), level.name(_LEVEL))
    rows = with_owner(role, table_roles, made)
    return rows.select(OWNER, _AT, _LEVEL).filter(rows[OWNER].notnull(), rows[_AT].notnull())


def _evaluated(role: Role, column: str, last: ir.Table, table_roles: TableRoles) -> EndEvent | None:
    """The values of ``column`` as an end by the rows of all tables, or else by those of the one that shows it best.

    Some tables go on whatever the customer does, such as mailings. By one table alone, values must speak of leaving.
    """
    rows = _rows(role, table_roles, column)
    first = rows.filter(rows[_LEVEL].notnull()).group_by([_LEVEL, OWNER]).agg(at=rows[_AT].min())
    both = first.join(last, OWNER)
    quiet = ibis.literal(table_roles.newest) - ibis.interval(days=_QUIET.days)
    both = both.mutate(seen=both["at"] < quiet, later=both["last"] > both["at"] + ibis.interval(days=_SOON.days))
    each = both.group_by([_LEVEL, "place"]).agg(
        customers=both.count(), seen=both.seen.sum(), on=(both.seen & both.later).sum()
    )
    by_place: dict[int, dict[str, _Level]] = {}
    for one in each.to_pyarrow().to_pylist():
        found = _Level(one[_LEVEL], one["customers"], int(one["seen"] or 0), int(one["on"] or 0))
        by_place.setdefault(one["place"], {})[found.value] = found
    of_all = by_place.pop(_ALL, {})
    event = _by_levels(role, column, list(of_all.values()), table_roles)
    if event is not None:
        return event
    counted = [[_there(one, at.get(one.value)) for one in of_all.values()] for at in by_place.values()]
    events = [_by_levels(role, column, levels, table_roles) for levels in counted]
    spoken = [one for one in events if one is not None and one.spoken]
    return max(spoken, key=lambda one: one.others - one.going_on, default=None)


@dataclass(frozen=True)
class _Level:
    """A value: customers who have had it, those of them before the last days, and those of these who go on."""

    value: str
    customers: int
    seen: int
    on: int


def _there(level: _Level, at: _Level | None) -> _Level:
    """``level`` by the rows of one table ``at`` which most of its customers are; else it says nothing there."""
    return level if at is None or at.customers < _MOST_THERE * level.customers else replace(level, on=at.on)


def _by_levels(role: Role, column: str, levels: Sequence[_Level], table_roles: TableRoles) -> EndEvent | None:
    ends = [one for one in levels if one.seen >= _FEWEST and one.on <= _STOP * one.seen]
    spoken = [one for one in ends if may_name_leaving(one.value)]
    taken = spoken or ends
    others = [one for one in levels if one not in ends and one.seen]
    customers = max((one.customers for one in taken), default=0)
    total = int(table_roles.customers.look.profile[str(table_roles.customers.customer)].distinct)
    rest = sum(one.on for one in others) / max(sum(one.seen for one in others), 1)
    if not taken or customers > _MOST_SHARE * total or rest < _GO_ON:
        return None
    going_on = sum(one.on for one in taken) / sum(one.seen for one in taken)
    values = tuple(sorted(one.value for one in taken))
    return EndEvent(role, column, values, customers, going_on, rest, bool(spoken))
