"""The findings about a known system's tables: which rows do not count, requests, trials, pauses, failed payments."""

from __future__ import annotations

from collections.abc import Iterator

import ibis.expr.types as ir

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_roles import Role
from churn_mlops.data.discovery.times.data_clock import come
from churn_mlops.data.findings import Finding
from churn_mlops.data.presets import KnownTable
from churn_mlops.data.proposal.billing.kept_tables import as_written, values_of
from churn_mlops.data.proposal.billing.known_system import KnownSystem

_SHOWN = 6


def on_system(system: KnownSystem) -> list[Finding]:
    """The meaning that is taken for the tables of ``system``, with the rows that each part of it is about."""
    home, preset = system.customers, system.recognised.preset
    role = system.evaluated.table_roles.customers
    read = ", ".join(name for name in system.kept)
    what = (
        f"the tables of {preset.system} ({read}) are read as {preset.page} says: {_left(role)}. Is this "
        f"{preset.system}? If not, name the customers with `--customer`"
    )
    found = [Finding(role.name, "system", what)]
    for name, kept in system.kept.items():
        found += kept.findings(name)
    return found if role.times.end is None else [*found, *_on_lives(home.known, role.look, role.times.end, system)]


def _left(role: Role) -> str:
    """When a customer has left."""
    if role.times.end is not None:
        return f"a customer has left when all their rows have ended ({role.times.end})"
    return (
        f"no table says when a customer ends, so a customer is there from their first row in {role.name} on "
        f"({role.times.start}), and has left when no other row follows for the days of the label. Set these days with "
        "`--inactive-days` if you know them"
    )


def _on_lives(known: KnownTable, look: ProfiledTable, end: str, system: KnownSystem) -> Iterator[Finding]:
    newest, preset = system.evaluated.table_roles.newest, known.preset
    ended = come(look, end, newest).notnull()
    request = known.column(preset.request)
    if request is not None and request in look.times and request != end:
        rows = _count(look, look.time(request).notnull() & ~ended)
        what = (
            f"is when a customer asked to end, not the end: {rows:,} rows that asked have not ended yet, and stay "
            f"customers until {end}. Is leaving the request for you? Then write `end: {request}` into the table of "
            "customers"
        )
        yield Finding(f"{look.name}.{request}", "request", what, rows=rows)
    trial = known.column(preset.trial_end)
    if trial is not None and trial in look.times:
        rows = _count(look, (look.time(trial) >= come(look, end, newest)).fill_null(False))
        what = (
            f"is the end of a trial: a customer begins then. {rows:,} rows ended with their trial, and never began. Is "
            "one on trial a customer for you? Then take `trial_end` out of the table of customers"
        )
        yield Finding(f"{look.name}.{trial}", "trial", what, rows=rows)
    pause = None if preset.pause is None else known.column(preset.pause.column)
    if preset.pause is not None and pause is not None:
        rows = _count(look, _is_one_of(look, pause, preset.pause.values) & ~ended)
        so = f"is {' or '.join(preset.pause.values)}" if preset.pause.values else "is filled"
        what = f"{so} while a customer pauses, which is no end: {rows:,} rows pause today, and stay customers"
        yield Finding(f"{look.name}.{pause}", "pause", what, rows=rows)
    yield from _on_stopped(known, look, end, ended)
    yield from _on_cause(known, look, ended)


def _on_stopped(known: KnownTable, look: ProfiledTable, end: str, ended: ir.BooleanValue) -> Iterator[Finding]:
    stopped = known.preset.stopped
    column = None if stopped is None else known.column(stopped.column)
    if stopped is None or column is None:
        return
    stop = _is_one_of(look, column, stopped.values)
    rows, ahead = _count(look, stop), _count(look, stop & look.time(end).notnull() & ~ended)
    if rows:
        what = (
            f"says that a row was stopped, and no column says when: {rows:,} rows count until {end}, {ahead:,} of "
            f"which lie ahead. Is {end} made earlier when a customer stops? If not, write the day into it"
        )
        yield Finding(f"{look.name}.{column}", "stopped", what, rows=rows)


def _on_cause(known: KnownTable, look: ProfiledTable, ended: ir.BooleanValue) -> Iterator[Finding]:
    cause = known.preset.involuntary
    if cause is None:
        return
    column = known.column(cause.column)
    if column is None:
        what = (
            f"no column says why a row ended ({' or '.join(cause.column)}), so ends by failed payments are taken for "
            "ends that customers chose. Export it, and declare `involuntary` in the label"
        )
        yield Finding(look.name, "involuntary", what)
        return
    if not cause.values:
        held = ", ".join(repr(text) for text, _ in look.profile[column].top[:_SHOWN])
        what = (
            f"says in free words why a row ended ({held}): which of them did customers not choose, such as failed "
            f"payments? Write `involuntary: {{column: {column}, values: [...]}}` into the label"
        )
        yield Finding(f"{look.name}.{column}", "involuntary", what)
        return
    rows = _count(look, _is_one_of(look, column, cause.values) & ended)
    what = (
        f"says why a row ended: {rows:,} ended by a failed payment ({', '.join(cause.values)}), which the customer did "
        "not choose: their label is unknown. Do they count as churners? Then write `count_as: left` beside it"
    )
    yield Finding(f"{look.name}.{column}", "involuntary", what, rows=rows)


def _is_one_of(look: ProfiledTable, column: str, values: tuple[str, ...]) -> ir.BooleanValue:
    if not values:
        return look.text(column).notnull()
    return look.text(column).isin(as_written(values, values_of(look.table, column))).fill_null(False)


def _count(look: ProfiledTable, condition: ir.BooleanValue) -> int:
    found = condition.cast("int64").sum().to_pyarrow().as_py()
    return int(found or 0)
