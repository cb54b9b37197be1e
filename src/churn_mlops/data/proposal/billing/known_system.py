"""A database of a known system: the tables by what its preset says of them, the others by their links to these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis.expr.types as ir
from ibis.util import gen_name

from churn_mlops.data.discovery.foreign_keys import Link, find_links, links_from
from churn_mlops.data.discovery.profiled_table import ProfiledTable, look_at
from churn_mlops.data.discovery.table_roles import Kind, Role, TableRoles, kind_of, name_for_customers
from churn_mlops.data.discovery.time_roles import Times, times_of
from churn_mlops.data.discovery.times.counted_times import with_counted_times
from churn_mlops.data.discovery.times.data_clock import newest_of
from churn_mlops.data.discovery.times.evaluate import EvaluatedTimes, evaluate_times
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.presets import Recognised, recognise
from churn_mlops.data.proposal.billing.kept_tables import KeptTable, kept_table
from churn_mlops.data.snapshot.known_rows import matches

_VERSIONS = "_versions"
_FEW = 0.01


@dataclass(frozen=True)
class KnownSystem:
    """The tables of a known system.

    Attributes:
        recognised: the system and its tables.
        kept: the rows that count of each of its tables, by the name in the contract.
        looks: all tables of the database, of the known ones the rows that count.
        evaluated: the tables by what they are.
    """

    recognised: Recognised
    kept: Mapping[str, KeptTable]
    looks: tuple[ProfiledTable, ...]
    evaluated: EvaluatedTimes

    @property
    def customers(self) -> KeptTable:
        """The table whose rows say who is a customer."""
        return self.kept[self.evaluated.table_roles.customers.name]

    @property
    def decisive(self) -> Role:
        """The table whose rows say who left: by their ends, or by the rows that do not follow if it has no ends."""
        table_roles = self.evaluated.table_roles
        home = table_roles.customers
        return home if home.times.end is not None else table_roles.roles[home.name]

    @property
    def others_may_end(self) -> bool:
        """Whether the system does not say when a customer ended, and a table that is not of it may."""
        if self.decisive.times.end is not None:
            return False
        return any(times_of(look).end is not None for look in self.looks if look.name not in self.kept)


def known_system(
    tables: Mapping[str, ir.Table],
    customer: str | None = None,
    today: date | None = None,
    *,
    without_end: bool = False,
) -> KnownSystem | None:
    """The system that wrote ``tables``; None where none is known, or a person names other customers.

    Args:
        tables: by their names in the database.
        customer: column that names the customer, or ``table.column``, where a person has said it.
        today: rows that are dated later have not happened; None if that is not to be asked.
        without_end: whether a person wants inactivity to decide who left.
    """
    recognised = recognise({source: table.columns for source, table in tables.items()}, without_end=without_end)
    if recognised is None:
        return None
    home = recognised.customers
    named = home.column(home.preset.customer)
    if named is None or (customer is not None and customer not in (named, f"{home.source}.{named}")):
        return None
    of_source = {known.source: kept_table(known, tables[known.source]) for known in recognised.tables}
    rows = dict(tables) | {source: _read_once(table) for source, table in of_source.items()}
    looks = with_counted_times([look for look in look_at(rows) if look.rows])
    kept = {look.name: of_source[look.source] for look in looks if look.source in of_source}
    by_source = {look.source: look for look in looks}
    if home.source not in by_source or not _is_dated(by_source[home.source], of_source[home.source]):
        return None
    own = by_source[home.source]
    versions = _of_versions(own, kept[own.name], tables)
    roles = _roles(looks, kept, own, find_links(looks), versions)
    evaluated = _evaluated(roles, kept, today)
    every = (*looks, versions.look) if versions is not None else tuple(looks)
    return KnownSystem(recognised, kept, every, evaluated)


def _is_dated(look: ProfiledTable, kept: KeptTable) -> bool:
    """Whether the start of customers, and their end if the system knows one, are times by their values."""
    times = _times(kept, look)
    return times.start is not None and (times.end is not None or not kept.known.preset.end)


def _times(kept: KeptTable, look: ProfiledTable) -> Times:
    known, preset = kept.known, kept.known.preset

    def time(names: tuple[str, ...]) -> str | None:
        return next((one for name in names if (one := known.column((name,))) in look.times and one is not None), None)

    first = time(preset.time)
    if preset.kind == "customers":
        return Times(start=first, end=time(preset.end))
    return Times(valid_from=first) if preset.kind == "attributes" else Times(event=first)


def _roles(
    looks: Sequence[ProfiledTable],
    kept: Mapping[str, KeptTable],
    own: ProfiledTable,
    links: list[Link],
    versions: Role | None,
) -> TableRoles:
    found: dict[str, Role] = {}
    home = _known_role(own, kept[own.name])
    name = name_for_customers([look.name for look in looks])
    found[name] = replace(home, kind="customers", times=_times(kept[own.name], own), grouped=True)
    for look in looks:
        if look.name in kept:
            found[look.name] = _known_role(look, kept[look.name])
    for look in looks:
        if look.name not in kept:
            found[look.name] = _other_role(look, found, kept, links)
    if versions is not None:
        found[versions.name] = versions
    return TableRoles(str(home.customer), found, tuple(links))


def _known_role(look: ProfiledTable, kept: KeptTable) -> Role:
    preset, times = kept.known.preset, _times(kept, look)
    kind: Kind = "attributes" if preset.kind == "customers" else preset.kind
    if preset.kind == "customers" and not preset.end:  # each row is a purchase
        kind, times = "events", Times(event=times.start)
    kind = "undated" if times.first is None else kind
    return Role(look, kind, times, kept.known.column(preset.customer), where=kept.where)


def _of_versions(own: ProfiledTable, kept: KeptTable, tables: Mapping[str, ir.Table]) -> Role | None:
    """All versions of the rows of customers, as values that change; None where the exporter keeps none."""
    preset = kept.known.preset.versions
    since = None if preset is None else kept.known.column(preset.valid_from)
    mark = None if preset is None else kept.known.column(preset.marks)
    if since is None or (kept.versions is None and mark not in kept.where):
        return None
    where = {name: values for name, values in kept.where.items() if name != mark}
    table = tables[own.source]
    look = with_counted_times(look_at({own.source: table.filter(matches(table, where)) if where else table}))[0]
    if since not in look.times or _have_no_begin(look, since):
        return None
    look = replace(look, name=f"{own.name}{_VERSIONS}")
    return Role(look, "attributes", Times(valid_from=since), kept.known.column(kept.known.preset.customer), where=where)


def _have_no_begin(look: ProfiledTable, since: str) -> bool:
    """Whether versions hold from a day on that stands for none, such as 1970-01-01: nothing says since when they do."""
    none = without_sentinels(look.time(since)).isnull().cast("int64").sum().to_pyarrow().as_py()
    return int(none or 0) > _FEW * look.rows


def _other_role(
    look: ProfiledTable, found: Mapping[str, Role], kept: Mapping[str, KeptTable], links: list[Link]
) -> Role:
    """The role of a table that no preset speaks of: it names a customer, or a row of a table that does."""
    times = times_of(look)
    for link in links_from(links, look.name):
        to = found.get(link.to)
        if to is None or to.customer is None or link.to not in kept:
            continue
        if to.customer == link.key and link.normal_form is None:
            return Role(look, kind_of(look, times, links), times, link.column)
        return Role(look, kind_of(look, times, links), times, None, link)
    return Role(look, "apart", times)


def _evaluated(table_roles: TableRoles, kept: Mapping[str, KeptTable], today: date | None) -> EvaluatedTimes:
    """The times of the other tables as their rows bear them out; those of known tables are as the preset says."""
    found = evaluate_times(table_roles, today)
    fixed = {name for name, role in table_roles.roles.items() if role.name in kept or role.name.endswith(_VERSIONS)}
    roles: dict[str, Role] = {}
    for name, role in table_roles.roles.items():
        other = found.table_roles.roles.get(name, role)
        roles[name] = role if name in fixed else replace(other, kind="events" if other.kind == "ends" else other.kind)
    made = replace(table_roles, roles=roles)
    made = replace(made, newest=newest_of(made, today))
    ends = {name: one for name, one in found.ends.items() if name not in fixed and name in roles}
    refused = {name: one for name, one in found.refused.items() if name not in kept}
    return EvaluatedTimes(made, ends, refused)


def declared_time(look: ProfiledTable, column: str | None) -> dict[str, Any]:
    """The format of a time, as a contract declares it."""
    written = None if column is None or column not in look.times else look.times[column].format
    return {} if written is None else {str(column): written}


def _read_once(kept: KeptTable) -> ir.Table:
    """The rows that count; the newest versions as a table of their own in our own engine, for much is asked of them."""
    connection = kept.rows.get_backend()
    if kept.versions is None or connection.name != "duckdb":
        return kept.rows
    return connection.create_table(gen_name("kept"), kept.rows, temp=True)
