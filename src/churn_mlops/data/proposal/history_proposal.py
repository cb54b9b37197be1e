"""The history contract that a look at a database suggests, and everything that does not add up in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.discovery.churn_conflicts import on_leaving
from churn_mlops.data.discovery.code_anomalies import on_codes
from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.key_anomalies import on_left_out, on_near_keys
from churn_mlops.data.discovery.label_candidates import FEW, LabelChoice, label_choices
from churn_mlops.data.discovery.profiled_table import ProfiledTable, look_at
from churn_mlops.data.discovery.table_anomalies import on_present_values, on_tables
from churn_mlops.data.discovery.table_roles import (
    Role,
    TableRoles,
    by_lasting_rows,
    find_table_roles,
)
from churn_mlops.data.discovery.times.counted_times import with_counted_times
from churn_mlops.data.discovery.times.data_clock import newest_of
from churn_mlops.data.discovery.times.end_candidates import EndCandidate
from churn_mlops.data.discovery.times.end_events import end_events, with_ends_of
from churn_mlops.data.discovery.times.evaluate import EvaluatedTimes, evaluate_times
from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.billing.additions import with_additions
from churn_mlops.data.proposal.billing.known_system import KnownSystem, known_system
from churn_mlops.data.proposal.billing.open_question import open_question
from churn_mlops.data.proposal.billing.system_findings import on_system
from churn_mlops.data.proposal.candidate_features import propose_features
from churn_mlops.data.proposal.customer_value import on_customer_value
from churn_mlops.data.proposal.findings.amount_findings import on_amounts
from churn_mlops.data.proposal.findings.read_column_findings import on_read_columns
from churn_mlops.data.proposal.findings.start_findings import on_start
from churn_mlops.data.proposal.findings.time_findings import on_customers, on_end_events, on_newest_day, on_times
from churn_mlops.data.proposal.findings.treatment_findings import on_treatment_table
from churn_mlops.data.proposal.shapes.panel import Panel, evaluate_panel
from churn_mlops.data.proposal.shapes.spells import Spells, find_spells, spells_of
from churn_mlops.data.proposal.unread_columns import LEFT_OUT, NAMES_ROWS, unread_columns
from churn_mlops.errors import ContractError


@dataclass(frozen=True)
class HistoryProposal:
    """A contract for a database with its history, and what was noticed.

    Attributes:
        contract: what the tables seem to mean; a person may change it.
        findings: what was noticed, by ``table`` or ``table.column``.
        table_roles: the tables, the links and the times that it rests on.
        choices: the ways to decide who left, the one that was taken first.
    """

    contract: HistoryContract
    findings: tuple[Finding, ...]
    table_roles: TableRoles
    choices: tuple[LabelChoice, ...]

    def overview(self) -> list[dict[str, str]]:
        """One row of texts for each table: ``table``, ``rows``, ``used_as``, ``time``, ``customer``, ``features``."""
        roles = self.table_roles.roles
        return [_overview_row(name, role, self.contract, roles) for name, role in roles.items()]


def propose_history(
    tables: Mapping[str, ir.Table],
    *,
    name: str,
    customer: str | None = None,
    inactive_days: int | None = None,
    today: date | None = None,
    panel: Panel | None = None,
    is_spells: bool = False,
) -> HistoryProposal:
    """Look at ``tables`` and suggest the contract of their history.

    Args:
        tables: by their names in the database, all on one connection.
        name: what to call the data set.
        customer: column that names the customer, or ``table.column``, where a person has said it.
        inactive_days: days without an event after which a customer has left, where a person wants it so.
        today: rows that are dated later have not happened; None if that is not to be asked.
        panel: the shape of the one table, if it is a panel.
        is_spells: whether it is one table of rows with a start and an end, which name their ``customer``.

    Raises:
        ContractError: no table says who the customers are, or since when.
    """
    system = known_system(tables, customer, today, without_end=inactive_days is not None) if panel is None else None
    if system is not None and inactive_days is None and _others_say_who_left(tables, system, customer, today):
        system = None
    if system is None:
        looked = _looked_at(tables, name, customer, today, panel, is_spells=is_spells)
    else:
        looked = system.looks, system.evaluated
    looks, evaluated = looked
    empty = sorted(set(tables) - {look.source for look in looks})
    table_roles = evaluated.table_roles
    choices = label_choices(table_roles, inactive_days)
    if system is not None:  # which says who left, whatever else could
        choices = sorted(choices, key=lambda choice: choice.role is not system.decisive)
    question = None if system is None else open_question(system, choices)
    choice = next((choice for choice in choices if choice.usable), None) if question is None else None
    events = end_events(table_roles) if system is None and (choice is None or choice.kind == "inactive") else []
    if events and events[0].spoken:
        table_roles = with_ends_of(table_roles, events[0])
        choices = label_choices(table_roles, inactive_days)
        choice = next((choice for choice in choices if choice.usable), None)
    said = customer if system is None else table_roles.customer
    contradictions = on_leaving(table_roles)
    if choice is not None and choice.kind == "lasting" and choice.role is not table_roles.customers:
        table_roles = by_lasting_rows(table_roles, choice.role)
        table_roles = replace(table_roles, newest=newest_of(table_roles, today))
    spells = spells_of(table_roles, choice)
    contract = _contract(name, table_roles, choice, spells, None if panel is None else panel.days, system)
    unread = unread_columns(looks, evaluated, contract)
    contract = contract.model_copy(update={"set_aside": {**contract.set_aside, **unread}})
    findings = [Finding(source, "left_out", "has no rows; left out") for source in empty]
    findings += [] if system is None else on_system(system)
    findings += on_customers(table_roles, said) + on_newest_day(table_roles, _open_ends(evaluated, choice))
    findings += on_times(evaluated, contract)
    findings += on_start(table_roles, evaluated.starts) + on_end_events(events)
    findings += [] if spells is None else [spells.finding()]
    findings += [] if panel is None else [panel.finding(table_roles)]
    findings += on_label(contract, choices) if question is None else [question]
    findings += contradictions + on_tables(table_roles)
    findings += [finding for look in looks for finding in on_codes(look)]
    findings += [finding for role in table_roles.of("events") for finding in on_amounts(role.look)]
    findings += on_near_keys(table_roles.links) + on_left_out(table_roles)
    findings += on_present_values(table_roles, _last_values(contract))
    findings += [finding for table in contract.tables for finding in on_treatment_table(table)]
    findings += on_read_columns(table_roles, contract) + _on_aside(contract)
    findings += on_customer_value(contract, table_roles)
    if panel is not None:
        findings = panel.each_once(findings, table_roles)
    return HistoryProposal(contract, tuple(findings), table_roles, tuple(choices))


def _others_say_who_left(
    tables: Mapping[str, ir.Table], system: KnownSystem, customer: str | None, today: date | None
) -> bool:
    """Whether a table of the company's own records the ends that ``system`` does not know."""
    if not system.others_may_end:
        return False
    _, evaluated = _looked_at(tables, system.recognised.preset.system, customer, today)
    return any(choice.kind != "inactive" and choice.has_both for choice in label_choices(evaluated.table_roles))


def _looked_at(
    tables: Mapping[str, ir.Table],
    name: str,
    customer: str | None,
    today: date | None,
    panel: Panel | None = None,
    *,
    is_spells: bool = False,
) -> tuple[Sequence[ProfiledTable], EvaluatedTimes]:
    """The tables with rows, and what they are by their rows."""
    looks = with_counted_times([look for look in look_at(tables) if look.rows])
    if not looks:
        raise ContractError(f"{name}: the tables have no rows, so nothing is known about them")
    if panel is not None:
        return looks, evaluate_panel(looks[0], panel, today)
    spells = find_spells(looks[0], customer) if is_spells and customer is not None else None
    return looks, evaluate_times(spells or find_table_roles(looks, find_links(looks), customer), today)


def _open_ends(evaluated: EvaluatedTimes, choice: LabelChoice | None) -> Sequence[EndCandidate]:
    """The times of the customers that may be their end, where no end is taken."""
    decided = choice is not None and choice.kind != "inactive"
    return () if decided else evaluated.ends.get(evaluated.table_roles.customers.name, ())


def on_label(contract: HistoryContract, choices: Sequence[LabelChoice]) -> list[Finding]:
    """Which way to decide who left was taken and why, what the others say, and what they leave open."""
    taken = next((choice for choice in choices if choice.usable), None)
    if taken is None:
        seen = "; ".join(map(str, choices)) or "there is no end, and no table of events"
        return [Finding("label", "label_missing", f"nothing shows who left: {seen}. Which column or table does?")]
    found = [Finding("label", "label_choice", f"taken: {taken}. Is that what leaving means here?")]
    found += [
        Finding("label", "label_other", f"or {other}{_why_not(other)}") for other in choices if other is not taken
    ]
    if taken.fewer < FEW:
        found.append(Finding("label", "label_few", f"only {taken.fewer} on one side: too few to learn much"))
    if contract.label is not None and contract.label.inactive is None:
        days = contract.label.horizon_days
        found.append(Finding("label", "horizon", f"the label looks {days} days ahead: set `horizon_days` to your need"))
    return found


def _why_not(other: LabelChoice) -> str:
    if not other.usable:
        return ", so it was not taken"
    return "" if other.has_both else f"; only {other.fewer:,} are on one side, so it comes last"


def _contract(
    name: str,
    table_roles: TableRoles,
    choice: LabelChoice | None,
    spells: Spells | None,
    horizon_days: int | None,
    system: KnownSystem | None,
) -> HistoryContract:
    key = table_roles.home
    tables = {key: _of_customers(table_roles, choice)}
    for role in table_roles.of("attributes", "events", "ends"):
        if role.kind != "ends" or (choice is not None and choice.kind == "ends" and choice.role is role):
            tables[role.name] = _of_rows(role, table_roles)
    features = propose_features(table_roles, choice)
    declared = {feature: made.model_dump(exclude_defaults=True) for feature, made in features.features.items()}
    if spells is not None:
        tables |= _of_spells(spells, table_roles)
        declared |= spells.features()
    made = {
        "name": name,
        "customer": table_roles.customer,
        "tables": tables,
        "label": _label(key, choice, horizon_days),
        "features": declared,
        "set_aside": {column: why.model_dump() for column, why in features.set_aside.items()},
    }
    if system is not None:
        made = with_additions(made, system)
    return HistoryContract.from_dict(made, where="the proposed contract")


def _label(customers: str, choice: LabelChoice | None, horizon_days: int | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    if choice.kind == "inactive":
        return {"inactive": {"events": choice.role.name, "days": choice.days}}
    return {"event": f"{customers}.end"} | ({} if horizon_days is None else {"horizon_days": horizon_days})


def _of_customers(table_roles: TableRoles, choice: LabelChoice | None) -> dict[str, Any]:
    role, key = table_roles.customers, table_roles.home
    times = role.times
    start = str(times.start or times.first)
    made: dict[str, Any] = {"start": start}
    if role.look.source != key:
        made["table"] = role.look.source
    if choice is not None and choice.kind in ("end", "lasting"):
        made["end"] = times.end
    if choice is not None and choice.kind == "ends":
        made["ends"] = choice.role.name
    if times.known_at is not None:
        made["start_known_at"] = times.known_at
    if times.end_known_at is not None and made.get("end") is not None:
        made["end_known_at"] = times.end_known_at
    if role.customer != table_roles.customer:
        made["customer"] = role.customer
    return made | _formats(role, [start, times.end, times.known_at, times.end_known_at])


def _of_rows(role: Role, table_roles: TableRoles) -> dict[str, Any]:
    times = role.times
    made: dict[str, Any] = {}
    if role.look.source != role.name:
        made["table"] = role.look.source
    if role.through is not None:
        link = role.through
        made["through"] = {"table": link.to, "column": link.column, "key": link.key, "normal_form": link.normal_form}
    elif role.customer != table_roles.customer:
        made["customer"] = role.customer
    first = str(times.valid_from or times.start or times.first if role.kind == "attributes" else times.first)
    made["valid_from" if role.kind == "attributes" else "event_time"] = first
    if times.known_at is not None:
        made["known_at"] = times.known_at
    if role.where:
        made["where"] = role.where
    dates = role.look.times if role.period_days is not None else [first, times.known_at]
    return made | _formats(role, list(dates))


def _of_spells(spells: Spells, table_roles: TableRoles) -> dict[str, Any]:
    role = spells.role
    named = {"customer": role.customer} if role.customer != table_roles.customer else {}
    return {
        name: made | named | _formats(role, [made["event_time"], made.get("known_at")])
        for name, made in spells.tables().items()
    }


def _formats(role: Role, columns: Sequence[str | None]) -> dict[str, Any]:
    written = {name: role.look.times[name].format for name in columns if name is not None}
    formats = {name: time_format for name, time_format in written.items() if time_format is not None}
    return {"formats": formats} if formats else {}


def _last_values(contract: HistoryContract) -> list[tuple[str, str]]:
    return [
        (feature.reads[0], str(feature.reads[1])) for feature in contract.features.values() if feature.last is not None
    ]


def _on_aside(contract: HistoryContract) -> list[Finding]:
    return [
        Finding(column, why.reason, f"excluded ({why.reason.replace('_', ' ')}): {why.note}")
        for column, why in contract.set_aside.items()
        if why.note not in (NAMES_ROWS, LEFT_OUT)
    ]


def _overview_row(name: str, role: Role, contract: HistoryContract, roles: Mapping[str, Role]) -> dict[str, str]:
    declared = contract.tables.get(name)
    own = {name} | {
        key
        for key, table in contract.tables.items()
        if role.kind != "customers" and key not in roles and table.table == role.look.source
    }
    of_table = sum(feature.reads[0] in own for feature in contract.features.values())
    who = role.customer or (f"through {role.through.to}" if role.through is not None else "")
    used: str = declared.kind if declared is not None else "left out"
    if declared is not None and name == contract.tables[contract.customers].ends:
        used = "ends of customers"
    elif role.grouped:
        used = "customers, by their rows"
    return {
        "table": name,
        "rows": f"{role.look.rows:,}",
        "used_as": used,
        "time": declared.time if declared is not None else "",
        "customer": who,
        "features": str(of_table) if of_table else "",
    }
