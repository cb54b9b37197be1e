"""The tables of a history as its contract declares them, looked at as `churn init` looks at those of a new database."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace

import ibis.expr.types as ir

from churn_mlops.data.contract import END, END_KNOWN_AT, HistoryContract, HistoryTable
from churn_mlops.data.discovery.foreign_keys import Link, measured
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_columns import TimeColumn, outside_calendar, unread_in
from churn_mlops.data.discovery.time_roles import Times, checked
from churn_mlops.data.discovery.times.data_clock import newest_of
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.timestamps import READ, time_of
from churn_mlops.data.profiling.name_signals import may_name_leaving, names_identifier, names_leaving
from churn_mlops.data.profiling.table_profile import profile_table


def declared_roles(tables: Mapping[str, ir.Table], contract: HistoryContract) -> TableRoles:
    """The table roles that ``contract`` declares, with looks at ``tables``: keys, times and links as declared.

    Each of ``tables`` holds the rows that its `where` and its `versions` keep.

    Columns that are neither declared nor called like a key or a flag of leaving are not looked at.
    """
    looks = _looks(tables, contract)
    home = contract.customers
    roles = {key: _role(key, contract, looks) for key in (home, *(key for key in contract.tables if key != home))}
    links = [link for key in contract.tables if (link := _link(key, contract, looks)) is not None]
    found = TableRoles(contract.customer, roles, tuple(dict.fromkeys(links)))
    return replace(found, newest=newest_of(found))


def _looks(tables: Mapping[str, ir.Table], contract: HistoryContract) -> dict[str, ProfiledTable]:
    """A look for each key of the contract; keys that stand for the same rows share it, in the name of the last."""
    same: dict[tuple[str, Hashable], list[str]] = {}
    for key in sorted(contract.tables, key=lambda key: key == contract.customers):
        declared = contract.tables[key]
        same.setdefault((declared.table or key, (*sorted(declared.where.items()), declared.versions)), []).append(key)
    found: dict[str, ProfiledTable] = {}
    for (source, _), keys in same.items():
        table = tables[keys[-1]]
        times: dict[str, TimeColumn] = {}
        for key in keys:
            times |= {name: _time(table, name, contract.tables[key]) for name in _times(contract.tables[key])}
        of_keys = {name for key in keys for name in _named(key, contract)}
        columns = [name for name in table.columns if name in of_keys | set(times) or _speaks(name)]
        profile = profile_table(table.select(*columns))
        found |= dict.fromkeys(keys, ProfiledTable(keys[0], source, table, profile, times))
    return found


def _times(declared: HistoryTable) -> list[str]:
    named = (declared.time, declared.known, declared.end, declared.end_known_at)
    return [name for name in dict.fromkeys(named) if name is not None and name not in (END, END_KNOWN_AT)]


def _time(table: ir.Table, name: str, declared: HistoryTable) -> TimeColumn:
    column, time_format = table[name], declared.formats.get(name)
    if column.type().is_temporal():
        return TimeColumn(name, outside=outside_calendar(column))
    time = time_of(table, name, declared)
    example = as_text(column).max(where=time.notnull()).to_pyarrow().as_py()
    unread = unread_in(table, column, time)
    read_as = time_format or "ISO 8601"
    return TimeColumn(name, time_format, read_as, example=example, unread=unread.rows, unread_texts=unread)


def _named(key: str, contract: HistoryContract) -> set[str]:
    declared = contract.tables[key]
    columns = {contract.column(key, str(one.reads[1])) for one in contract.features.values() if one.reads[0] == key}
    columns |= {one.through.key for one in contract.tables.values() if one.through and one.through.table == key}
    return columns | {declared.through.column if declared.through else declared.customer or contract.customer}


def _speaks(column: str) -> bool:
    return not column.startswith(READ) and (
        names_identifier(column) or names_leaving(column) or may_name_leaving(column)
    )


def _role(key: str, contract: HistoryContract, looks: Mapping[str, ProfiledTable]) -> Role:
    declared, look = contract.tables[key], looks[key]
    ends = key == contract.tables[contract.customers].ends
    end = declared.end if declared.end != END else None
    known = declared.known if declared.known != declared.time else None
    start, valid, event = declared.start, declared.valid_from, declared.event_time
    times = checked(look, Times(start=start or valid, end=end, valid_from=valid, event=event, known_at=known))
    who: str | None = declared.customer or contract.customer
    if declared.through is not None:
        who = declared.through.column if declared.through.table == contract.customers else None
    shared = any(other is look for name, other in looks.items() if name != key)
    kind = "ends" if ends else declared.kind
    return Role(look, kind, times, who, _link(key, contract, looks), grouped=shared or _repeats(look, who))


def _repeats(look: ProfiledTable, column: str | None) -> bool:
    return column is not None and look.profile[column].distinct < look.profile[column].present


def _link(key: str, contract: HistoryContract, looks: Mapping[str, ProfiledTable]) -> Link | None:
    """From a table to what names its customers; None from what is the table of customers itself."""
    declared, look, home = contract.tables[key], looks[key], looks[contract.customers]
    if declared.through is not None:
        step = declared.through
        return measured(look, step.column, looks[step.table], step.key, step.normal_form)
    if look is home:
        return None
    own = contract.tables[contract.customers].customer or contract.customer
    return measured(look, declared.customer or contract.customer, home, own)
