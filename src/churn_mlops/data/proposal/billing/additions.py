"""The parts of a proposed contract that a preset adds: which rows count, trials, failed payments, what is not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from churn_mlops.data.contract import ExcludedColumn, HistoryFeature
from churn_mlops.data.discovery.table_roles import Role
from churn_mlops.data.presets import KnownTable
from churn_mlops.data.proposal.billing.kept_tables import as_written, values_of
from churn_mlops.data.proposal.billing.known_system import KnownSystem, declared_time

_TODAY = "today's value: for the past it would reveal the future"
_NOT_FOREVER = "may change after the row was written"


def with_additions(made: Mapping[str, Any], system: KnownSystem) -> dict[str, Any]:
    """The data of a contract, ``made`` of the tables alone, with what the preset of ``system`` adds."""
    found = dict(made)
    found["tables"] = {name: _table(name, table, system) for name, table in made["tables"].items()}
    features = {name: one for name, one in made["features"].items() if _is_allowed(one, system)}
    found["features"] = features | _failed_payments(system)
    found["set_aside"] = {**made["set_aside"], **_not_seen(system)}
    home = system.customers
    look = system.evaluated.table_roles.customers.look
    involuntary, renewal = home.known.preset.involuntary, home.known.column(home.known.preset.renewal)
    cause = None if involuntary is None else home.known.column(involuntary.column)
    by_end = made["label"] is not None and "event" in made["label"]
    if by_end and involuntary is not None and involuntary.values and cause is not None:
        values = as_written(involuntary.values, values_of(home.rows, cause))
        found["label"] = {**made["label"], "involuntary": {"column": cause, "values": list(values)}}
    end = system.evaluated.table_roles.customers.times.end
    if renewal is not None and renewal != end and renewal in look.times:
        key = system.evaluated.table_roles.home
        found["renewal"] = f"{key}.{renewal}"
        found["tables"][key] = _with_format(found["tables"][key], declared_time(look, renewal))
    return found


def _table(name: str, table: Mapping[str, Any], system: KnownSystem) -> dict[str, Any]:
    """A table of the contract with the conditions of its preset; the starts and ends of spells get those of theirs."""
    role = system.evaluated.table_roles.roles.get(name)
    of_source = {kept.known.source: kept for kept in system.kept.values()}
    kept = of_source.get(str(table.get("table", name)))
    if kept is None:
        return dict(table)
    if role is not None and role.name not in system.kept:  # all versions of a row
        return {**table, "where": dict(role.where)} if role.where else dict(table)
    made = {**table, **kept.declared()}
    look = next(look for look in system.looks if look.source == kept.known.source)
    if kept.versions is not None:
        made = _with_format(made, declared_time(look, kept.versions.by))
    trial = kept.known.column(kept.known.preset.trial_end)
    if "start" in table and trial in look.times:
        made = _with_format({**made, "trial_end": trial}, declared_time(look, trial))
    return made


def _with_format(table: Mapping[str, Any], formats: Mapping[str, str]) -> dict[str, Any]:
    return {**table, "formats": {**table.get("formats", {}), **formats}} if formats else dict(table)


def _is_allowed(feature: Mapping[str, Any], system: KnownSystem) -> bool:
    """Whether a feature reads only columns that are as they were: of known tables, those that never change."""
    made = HistoryFeature(**feature)
    table, column = made.reads
    role = system.evaluated.table_roles.roles.get(table)
    if role is None:
        return True
    where = made.ratio.where if made.ratio is not None else made.where
    read = {*where, column} - {None, "start", role.times.first}
    if role.name in system.kept:
        known = system.kept[role.name].known
        return read <= known.every(known.preset.lasting)
    return not (_is_versions(role, system) and read & _hidden(system.customers.known))


def _is_versions(role: Role, system: KnownSystem) -> bool:
    return role.look.source == system.customers.known.source


def _hidden(known: KnownTable) -> set[str]:
    """The columns that a model must not see, even as they were.

    They say that a customer has asked to end, or which version of a row is today's.
    """
    preset = known.preset
    involuntary = preset.involuntary.column if preset.involuntary is not None else ()
    return known.every([*preset.meaning, *preset.request, *involuntary, *preset.keep])


def _failed_payments(system: KnownSystem) -> dict[str, dict[str, Any]]:
    """How many payments of a customer failed: they go before an end that the customer does not choose."""
    found: dict[str, dict[str, Any]] = {}
    for name, kept in system.kept.items():
        failed = kept.known.preset.failed
        column = None if failed is None else kept.known.column(failed.column)
        if failed is None or column is None:
            continue
        for days in (30, 90):
            values = list(as_written(failed.values, values_of(kept.rows, column)))
            found[f"failed_payments_{days}d"] = {
                "count": name, "days": days, "where": {column: values}, "required": False, "min": 0,
                "title": f"failed payments in {days} days",
            }  # fmt: skip
    return found


def _not_seen(system: KnownSystem) -> dict[str, dict[str, str]]:
    """The columns of known tables that no feature may read, each with its meaning."""
    found: dict[str, dict[str, str]] = {}
    roles = system.evaluated.table_roles.roles
    for name, kept in system.kept.items():
        known, times = kept.known, set(roles[name].look.times) if name in roles else set()
        taken = {*kept.where, known.column(known.preset.customer), *_named(kept.known)}
        meaning = {column: why for one, why in known.preset.meaning.items() for column in known.every([one])}
        for column in known.columns.values():
            if column in taken | known.every(known.preset.lasting):
                continue
            default = _NOT_FOREVER if known.preset.kind == "events" else _TODAY
            why = meaning.get(column)
            if why is None and (column in times or column in known.every(["id"])):
                continue  # it is accounted for as a time or a key
            note = default if why is None else why
            found[f"{name}.{column}"] = ExcludedColumn(reason="suspected_leak", note=note).model_dump()
    versions = next(
        (role for role in roles.values() if _is_versions(role, system) and role.name not in system.kept), None
    )
    if versions is not None:
        known = system.customers.known
        note = "says that the customer has asked to end, or which version is today's"
        aside = ExcludedColumn(reason="suspected_leak", note=note).model_dump()
        found |= {f"{versions.name}.{column}": aside for column in sorted(_hidden(known))}
    return found


def _named(known: KnownTable) -> set[str | None]:
    """The columns that the contract names."""
    preset = known.preset
    involuntary = preset.involuntary.column if preset.involuntary is not None else ()
    names = [preset.time, preset.end, preset.trial_end, preset.renewal, involuntary]
    return {known.column(one) for one in names}
