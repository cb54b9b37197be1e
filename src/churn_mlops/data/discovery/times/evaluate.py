"""The times of all tables as their rows bear them out: the newest day, the ends, the times of recording."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from churn_mlops.data.discovery.churn_side_effects import who_left
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import Times, role_by_name, with_end
from churn_mlops.data.discovery.times.data_clock import newest_of
from churn_mlops.data.discovery.times.end_candidates import EndCandidate, chosen_end, evaluate_ends, evaluate_ends_table
from churn_mlops.data.discovery.times.first_rows import StartTimes, evaluate_starts
from churn_mlops.data.discovery.times.recorded_times import RecordedTime, evaluate_recorded, known_of_come_rows
from churn_mlops.data.profiling.name_signals import names_held_thing, names_leaving
from churn_mlops.suggestions import words

_MOSTLY = 0.9
_FEW = 3  # rows of a customer, on average
_ONCE = 1.1  # the same, in a table of ends: some customers leave twice
NEXT_TO_ALL = 0.98
"""Share of the customers; a time that more of them have is no end."""


@dataclass(frozen=True)
class EvaluatedTimes:
    """The tables with the times that their rows bear out, and what was evaluated.

    Attributes:
        table_roles: the tables.
        ends: the candidates for the end in each table, by its name.
        refused: the times of each table that are called like a time of recording and are none.
        starts: the times that may be the start of a customer; None where the rows of another table say it.
    """

    table_roles: TableRoles
    ends: Mapping[str, Sequence[EndCandidate]]
    refused: Mapping[str, Sequence[RecordedTime]]
    starts: StartTimes | None = None


def evaluate_times(table_roles: TableRoles, today: date | None = None) -> EvaluatedTimes:
    """Evaluate the times of ``table_roles`` by their rows.

    Args:
        table_roles: the tables, with times as their names suggest.
        today: rows that are dated later have not happened; None if that is not to be asked.
    """
    begun, starts = evaluate_starts(table_roles)
    found = replace(begun, newest=newest_of(begun, today))
    ends = {role.name: evaluate_ends(role, found) for role in found.roles.values() if _may_end(role)}
    chosen = {name: chosen_end(candidates) for name, candidates in ends.items()}
    found = _changed(found, chosen)
    events = {role.name for role in found.of("events")}
    ends = {name: candidates for name, candidates in ends.items() if name not in events}
    found, no_ends = _without_no_ends(found)
    shown = any(one is not None and _is_end(one) and name not in events for name, one in chosen.items())
    found, perhaps = _with_ends_table(found, shown or bool(found.of("ends")))
    ends |= perhaps | no_ends
    if found.customers.times.end != begun.customers.times.end:  # as the contract's own clock will count it
        found = replace(found, newest=newest_of(found, today))
    refused: dict[str, list[RecordedTime]] = {}
    roles = {}
    for name, role in found.roles.items():
        times, none = _recorded(role, found)
        refused.setdefault(role.name, none)
        roles[name] = replace(role, times=times)
    return EvaluatedTimes(replace(found, roles=roles), ends, refused, starts)


def _is_end(one: EndCandidate) -> bool:
    """Whether no other table needs to show who left: the rows bear the end out, or its name says so and they do not."""
    return one.verdict == "parts" or (names_leaving(one.column) and one.verdict == "unknown")


def _may_end(role: Role) -> bool:
    if role.customer is None or role.times.first is None:
        return False
    return role.kind in ("customers", "attributes") or (role.kind == "events" and _may_last(role))


def _may_last(role: Role) -> bool:
    """Whether the rows of a table may be what customers hold for a time: few of each, with several times."""
    held = role.look.profile[str(role.customer)].distinct
    return names_held_thing(role.name) or (len(role.look.times) > 1 and role.look.rows <= _FEW * held)


def _changed(table_roles: TableRoles, ends: Mapping[str, EndCandidate | None]) -> TableRoles:
    """``table_roles`` with these ends; rows that last, such as contracts, hold attributes."""
    roles = {}
    for key, role in table_roles.roles.items():
        if role.name in ends:
            end = ends[role.name]
            times = with_end(role.look, role.times, None if end is None else end.column)
            parts = end is not None and (_shows_who_stays(end) or names_held_thing(role.name))
            if role.kind != "events" or parts:
                role = replace(role, times=times, kind="attributes" if role.kind == "events" else role.kind)
        roles[key] = role
    return replace(table_roles, roles=roles)


def _shows_who_stays(end: EndCandidate) -> bool:
    """Whether ``end`` parts customers, and some of them have a row that lasts."""
    return end.verdict == "parts" and end.left < NEXT_TO_ALL * end.customers


def _without_no_ends(table_roles: TableRoles) -> tuple[TableRoles, dict[str, list[EndCandidate]]]:
    """``table_roles`` in which a table that is called like ends, after which customers go on, is one of events."""
    evaluated = {
        key: evaluate_ends_table(role, table_roles)
        for key, role in table_roles.roles.items()
        if role.kind == "ends" and not names_leaving(role.name) and not names_leaving(str(role.times.first))
    }
    none = {key: one for key, one in evaluated.items() if one.verdict == "same"}
    roles = {key: replace(role, kind="events") if key in none else role for key, role in table_roles.roles.items()}
    return replace(table_roles, roles=roles), {table_roles.roles[key].name: [one] for key, one in none.items()}


def _with_ends_table(table_roles: TableRoles, shown: bool) -> tuple[TableRoles, dict[str, list[EndCandidate]]]:
    """``table_roles`` with the table of ends that the rows show, whatever it is called, and those that are not taken.

    Such a table holds one row of some of the customers, who then stop to act.

    Args:
        table_roles: the tables.
        shown: whether the ends are shown elsewhere: then none is taken.
    """
    evaluated = {
        key: evaluate_ends_table(role, table_roles)
        for key, role in table_roles.roles.items()
        if role.kind == "events" and _may_be_ends(role, table_roles)
    }
    parting = {key: one for key, one in evaluated.items() if one.verdict == "parts"}
    taken = None if shown else max(parting, key=lambda key: parting[key].apart, default=None)
    others = {table_roles.roles[key].name: [one] for key, one in evaluated.items()}
    if taken is None:
        return table_roles, others
    home = table_roles.customers
    without_end = replace(home, times=with_end(home.look, home.times, None))
    roles = {table_roles.home: without_end, taken: replace(table_roles.roles[taken], kind="ends")}
    return replace(table_roles, roles={**table_roles.roles, **roles}), others


def _may_be_ends(role: Role, table_roles: TableRoles) -> bool:
    home = table_roles.customers
    if role.customer is None or home.customer is None or home.times.first is None or role.look is home.look:
        return False
    held = role.look.profile[role.customer].distinct
    return role.look.rows <= _ONCE * held and held < NEXT_TO_ALL * home.look.profile[home.customer].distinct


def _recorded(role: Role, table_roles: TableRoles) -> tuple[Times, list[RecordedTime]]:
    """The times of a table with those of recording that are borne out, and those that are none."""
    times, first = known_of_come_rows(role, table_roles.newest), role.times.first
    columns = [name for name in role.look.times if role_by_name(name) == "known_at" and name != first]
    early = times.known_early[0] if times.known_early is not None else None
    columns = [name for name in columns if name != early or name == times.known_at]
    if first is None or not columns:
        return replace(times, known_at=None), []
    left = who_left(table_roles)
    if role.kind == "customers" and not role.grouped and times.end is not None:
        of_end = [name for name in columns if _speaks_of_end(name, times.end) or _is_blank_with(role, name)]
        evaluated = [evaluate_recorded(role, name, times.end, None, table_roles) for name in of_end]
        end_known = next((one.column for one in evaluated if one.refused is None), None)
        columns = [name for name in columns if name not in of_end]
        times = replace(times, end_known_at=end_known)
    else:
        evaluated = []
    of_rows = [evaluate_recorded(role, name, first, left, table_roles) for name in columns]
    known = next((one.column for one in of_rows if one.refused is None), None)
    none = [one for one in [*evaluated, *of_rows] if one.refused is not None]
    return replace(times, known_at=known), none


def _speaks_of_end(name: str, end: str) -> bool:
    return bool(set(words(name)) & set(words(end)) - {"at", "date", "on", "time"})


def _is_blank_with(role: Role, name: str) -> bool:
    """Whether hardly any row without an end has ``name``."""
    look = role.look
    rows = look.table.select(end=look.time(str(role.times.end)), known=look.time(name))
    open_ = rows.filter(rows.end.isnull())
    share = open_.known.isnull().cast("int32").cast("float64").mean().to_pyarrow().as_py()
    return share is not None and float(share) > _MOSTLY
