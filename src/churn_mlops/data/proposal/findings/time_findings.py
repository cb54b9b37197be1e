"""The findings about who the customers are, up to when the data goes, and what each time is taken for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import is_trial_end
from churn_mlops.data.discovery.times.data_clock import come, newest_by_table
from churn_mlops.data.discovery.times.end_candidates import EndCandidate
from churn_mlops.data.discovery.times.end_events import EndEvent
from churn_mlops.data.discovery.times.evaluate import NEXT_TO_ALL, EvaluatedTimes
from churn_mlops.data.discovery.times.recorded_times import RecordedTime
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import names_leaving, speaks_of_customer
from churn_mlops.data.snapshot.data_clock import timestamp_of

_MOST = 4  # other tables that are named
_APART = timedelta(days=28)
_NOT_TAKEN = {
    "ahead": "most who stay have it on a day to come, as the end of a period or a bill",
    "same": "customers who have it go on as the others do, as after a trial or a discount",
    "late": "it comes long after their last events, as when their rows are deleted",
    "parts": "it parts customers who stop from the others as well",
    "unknown": "the rows do not decide",
}


def on_customers(table_roles: TableRoles, said: str | None = None) -> list[Finding]:
    """The table whose rows the customers are, and which other tables may hold them.

    Args:
        table_roles: the tables.
        said: column that names the customer, or ``table.column``, where a person has said it; that answers the
            question, unless other tables have a key of this name.
    """
    home = table_roles.customers
    held = home.look.profile[str(home.customer)]
    what = f"a value of {home.name}.{home.customer}" if home.grouped else f"a row of {home.name} ({home.customer})"
    own = [role.look for role in table_roles.of("undated") if role.look.key == role.customer is not None]
    what += "".join(
        f", the same as a row of {look.name} ({look.key}), which has no time"
        for look in own
        if look.rows >= held.distinct
    )
    called = f"; `{table_roles.customer}` in lists" if home.customer != table_roles.customer else ""
    others = [
        f"{role.name} ({role.look.rows:,} rows; `--customer {role.look.name}.{role.look.key}`)"
        for role in table_roles.roles.values()
        if role.look is not home.look
        and role.look.key is not None
        and said in (None, role.look.key)
        and _may_be_customers(role, table_roles)
    ]
    asked = f"; or are they those of {', or of '.join(others[:_MOST])}?" if others else ""
    return [Finding(table_roles.home, "customers", f"a customer is {what}: {held.distinct:,} customers{called}{asked}")]


def _may_be_customers(role: Role, table_roles: TableRoles) -> bool:
    """Whether rows that happen lead to ``role``; beside a customer who is plainly named, it is what they act on."""
    if role.kind in ("events", "ends", "undated") and role.look.key == role.customer:
        return False
    home = table_roles.customers
    plain = speaks_of_customer(str(home.customer)) or (speaks_of_customer(home.name) and not home.grouped)
    acts = {  # articles of an album are no acts
        one.name for one in table_roles.roles.values() if one.look.times and not (plain and one.customer is not None)
    }
    named = any(link.to == role.name and link.table in acts for link in table_roles.links)
    return named or speaks_of_customer(role.name)


def on_newest_day(table_roles: TableRoles, ends: Sequence[EndCandidate] = ()) -> list[Finding]:
    """Up to when the data goes, where its tables do not agree, or one of the customers' open ``ends`` goes on."""
    if table_roles.newest is None:
        return []
    day = table_roles.newest.date()
    each = newest_by_table(table_roles)
    ahead = {name: last for name, last in each.items() if last.date() > day}
    found = [
        Finding(
            name.partition(".")[0],
            "newest_day",
            f"{name} goes on to {last.date()}, after {day}, where the other tables end: these rows are taken for "
            "planned, and do not count before their day. Or are the other tables no longer loaded?",
        )
        for name, last in ahead.items()
    ]
    near = [name for name, last in each.items() if table_roles.newest - last <= _APART]
    if len(each) > 1 and len(near) < 2:
        before = max((last for name, last in each.items() if name not in near), default=table_roles.newest)
        alone = near[0] if near else "ends of customers"
        what = (
            f"the newest day of the data is {day}, by {alone} alone; all other times "
            f"end at {before.date()}: are the later rows planned? Then set `source.as_of` to the last day of loading"
        )
        found.append(Finding(table_roles.home, "newest_day", what))
    return found + [_on_end_ahead(table_roles, one) for one in ends if _is_undecided(one) and one.ahead]


def _on_end_ahead(table_roles: TableRoles, one: EndCandidate) -> Finding:
    home, day = table_roles.customers, table_roles.newest
    last = timestamp_of(come(home.look, one.column).max())
    what = (
        f"holds days up to {last and last.date()}, in {one.ahead:,} of {one.customers:,} customers after "
        f"{day and day.date()}, where all other times end. Have these days come? Then the data goes on until the last "
        f"of them: write `end: {one.column}` into the table of customers if it says who left"
    )
    return Finding(f"{home.name}.{one.column}", "newest_day", what)


def on_times(evaluated: EvaluatedTimes, contract: HistoryContract) -> list[Finding]:
    """The meaning that each time is taken for, and the times that are called like an end or a recorded time."""
    found: list[Finding] = []
    taken = times_taken(evaluated.table_roles, contract)
    for role in _once(evaluated.table_roles):
        name = role.name
        found += _on_ends(role, evaluated.ends.get(name, ()), contract)
        found += [_on_recorded(name, one) for one in evaluated.refused.get(name, ())]
        if role.look.times:
            said = [f"{column} is {taken.get(f'{name}.{column}', 'not used')}" for column in role.look.times]
            found.append(Finding(name, "times", f"its times: {', '.join(said)}"))
    return found


def _once(table_roles: TableRoles) -> list[Role]:
    """One role for each table of the database: several may read the same rows."""
    found: dict[str, Role] = {}
    for role in table_roles.roles.values():
        found.setdefault(role.look.source, role)
    return list(found.values())


def on_end_events(events: Sequence[EndEvent]) -> list[Finding]:
    """Values of events after which customers stop to act; the first ones are taken for the end if they speak of it."""
    found = []
    for event in events[:_MOST]:
        name, values = event.role.name, f"{{{event.column}: [{', '.join(event.values)}]}}"
        taken = event is events[0] and event.spoken
        so = "they are taken for the end" if taken else "they are not taken for the end"
        ends = (
            f"{name}_ends: {{table: {event.role.look.source}, event_time: {event.role.times.first}, where: {values}}}"
        )
        how = (
            "take `ends` out of the table of customers" if taken else f"declare `{ends}`, and `ends: {name}_ends` there"
        )
        what = (
            f"may be the end of customers: {event}; {so}. Is a customer gone then? If {'not' if taken else 'so'}, {how}"
        )
        found.append(Finding(f"{name}.{event.column}", "end_event", what))
    return found


def times_taken(table_roles: TableRoles, contract: HistoryContract) -> Mapping[str, str]:
    """The meaning of each ``table.column`` of a time in ``contract``."""
    names = {role.look.source: role.name for role in _once(table_roles)}
    found: dict[str, str] = {}
    grouped = table_roles.customers.grouped  # the first of a customer's rows is the start
    for key, table in contract.tables.items():
        name = names.get(table.table or key, key)
        meanings = {
            table.start: "the start (a customer's first row)" if grouped else "the start",
            table.end: "the end",
            table.valid_from: "when the values hold from",
            table.event_time: "when it happened",
            table.start_known_at: "when the start was recorded",
            table.end_known_at: "when the end was recorded",
            table.known_at: "when a row was recorded",
        }
        for column, meaning in meanings.items():
            of = f"{name}.{column}"
            is_of_spells = key not in table_roles.roles and of in found  # the same time, as that of an event
            if column is not None and not is_of_spells:
                before = found.get(of, meaning)
                found[of] = before if meaning in before else f"{meaning} and {before}"
    for feature, made in contract.features.items():
        key, column = made.reads
        if made.age_of is not None and column is not None:
            source = contract.tables[key].table or key
            found.setdefault(f"{names.get(source, key)}.{column}", f"what the feature {feature} reads")
    return found


def _on_ends(role: Role, candidates: Sequence[EndCandidate], contract: HistoryContract) -> Iterator[Finding]:
    table, home = role.name, contract.tables[contract.customers]
    whole = role.kind == "events"  # the table would be one of ends
    elsewhere = home.ends or (f"{contract.customers}.{home.end}" if home.end is not None else None)
    own = None if role.times.end is None else f"{table}.{role.times.end}"
    taken = elsewhere if whole else own
    if role.kind == "ends":
        yield from (_on_ends_table(table, one) for one in candidates)
        return
    for one in candidates:
        open_end = taken is None and _is_undecided(one)
        if f"{table}.{one.column}" != taken and (open_end or _is_worth_a_question(one)):
            instead = f"; {taken} is taken" if taken is not None else ""
            how = f"ends: {table}" if whole else f"end: {one.column}"
            what = (
                f"may be an end of customers: {one}. It is not taken{instead}: {_NOT_TAKEN[one.verdict]}. Does it say "
                f"who left? Then write `{how}` into the table of customers"
            )
            is_trial = table == contract.customers and is_trial_end(one.column)
            if is_trial:
                what += f". Does a customer begin when this trial is over? Then write `trial_end: {one.column}` there"
            elif one.verdict == "ahead" and table in contract.tables and contract.tables[table].kind != "events":
                what += f". Is it when a contract renews? Then write `renewal: {table}.{one.column}`: agents see it"
            yield Finding(f"{table}.{one.column}", "end_other", what)


def _on_ends_table(table: str, one: EndCandidate) -> Finding:
    what = (
        f"is taken for the ends of customers by its rows, not by its name: {one}. Is a customer gone then? If not, "
        "take `ends` out of the table of customers"
    )
    return Finding(f"{table}.{one.column}", "end_table", what)


def _is_undecided(one: EndCandidate) -> bool:
    return one.verdict == "unknown" and 0 < one.left < NEXT_TO_ALL * one.customers


def _is_worth_a_question(one: EndCandidate) -> bool:
    return one.is_named or one.is_term or names_leaving(one.column) or one.verdict in ("parts", "late")


def _on_recorded(table: str, one: RecordedTime) -> Finding:
    what = (
        f"is called like the time when a row was recorded, but {one.refused}: it seems to be the time of the last "
        f"change or load, and is not taken; a row counts from its {one.of} on. When was it recorded?"
    )
    return Finding(f"{table}.{one.column}", "known_refused", what)
