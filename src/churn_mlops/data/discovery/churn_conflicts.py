"""Two places of a database say who left, and they do not agree."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import TRUE_TEXTS
from churn_mlops.data.discovery.label_candidates import named
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_anomalies import of_rows
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.times.data_clock import come
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.label_values import read_label
from churn_mlops.data.profiling.name_signals import may_name_leaving, names_leaving
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.errors import ContractError
from churn_mlops.suggestions import words

_BACK = ("reactivat", "winback", "return", "resum", "rejoin", "comeback", "restart")


def on_leaving(table_roles: TableRoles) -> list[Finding]:
    """Flags of leaving that contradict the ends, customers who end twice, and ends of customers who go on."""
    found: list[Finding] = []
    home = table_roles.customers
    for role in table_roles.of("customers", "attributes"):
        if role.look.key is not None:
            found += _flags_and_own_end(role)
    for ends in table_roles.of("ends"):
        if not home.grouped:
            found += _flags_and_ends(home, ends, table_roles)
            found += _end_and_ends(home, ends, table_roles)
        found += _several(ends, table_roles)
        for role in table_roles.of("attributes"):
            if role.times.end is not None and role.customer is not None:
                found += _still_open(role, ends, table_roles)
    return found


def leaving_flags(look: ProfiledTable) -> list[tuple[ColumnProfile, str]]:
    """Columns of two values that say whether the customer of a row left, each with the value of churners."""
    found = []
    for column in look.columns:
        speaks = names_leaving(column.name) or may_name_leaving(column.name)
        value = _left_value(column) if speaks and column.distinct == 2 and column.name not in look.times else None
        if value is not None:
            found.append((column, value))
    return found


def _left_value(column: ColumnProfile) -> str | None:
    try:
        return read_label(column).label.positive
    except ContractError:  # which of the two values means it is not plain, so nothing can be compared
        return None


def _flags_and_own_end(role: Role) -> list[Finding]:
    if role.times.end is None:
        return []
    rows = role.look.table.mutate(__ended__=come(role.look, role.times.end).notnull())
    return _compared(role, rows, f"have an {role.times.end}", role.look)


def _flags_and_ends(home: Role, ends: Role, table_roles: TableRoles) -> list[Finding]:
    return _compared(home, _with_ended(home, ends, table_roles), f"have a row in {ends.name}", home.look)


def _with_ended(home: Role, ends: Role, table_roles: TableRoles) -> ir.Table:
    left = named(ends, table_roles).select("who").distinct().mutate(there=ibis.literal(1))
    own = ibis.null("timestamp") if home.times.end is None else come(home.look, home.times.end)
    rows = home.look.table.mutate(__who__=home.look.text(str(home.customer)), __own__=own)
    joined = rows.left_join(left, rows["__who__"] == left.who)
    return joined.mutate(__ended__=joined.there.notnull())


def _compared(role: Role, rows: ir.Table, what: str, look: ProfiledTable) -> list[Finding]:
    found = []
    for column, value in leaving_flags(look):
        flag = _text_of(rows, column.name) == value
        ended = rows["__ended__"]
        counts = rows.aggregate(
            on=flag.sum(), off=(~flag).sum(), off_ended=(~flag & ended).sum(), on_open=(flag & ~ended).sum()
        )
        held = {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}
        if held["off_ended"] or held["on_open"]:
            message = (
                f"contradicts: {of_rows(held['off_ended'], held['off'])} without {value!r} {what}, and "
                f"{of_rows(held['on_open'], held['on'])} with {value!r} do not; which of the two says who left?"
            )
            against = held["off_ended"] + held["on_open"]
            found.append(Finding(f"{role.name}.{column.name}", "flag_contradicts", message, rows=against))
    return found


def _text_of(rows: ir.Table, column: str) -> ir.StringColumn:
    return as_text(rows[column])


def _end_and_ends(home: Role, ends: Role, table_roles: TableRoles) -> list[Finding]:
    """An end in the table of customers beside a table of ends: the same customers?"""
    if home.times.end is None:
        return []
    rows = _with_ended(home, ends, table_roles)
    own = rows["__own__"].notnull()
    counts = rows.aggregate(only_own=(own & ~rows["__ended__"]).sum(), only_rows=(~own & rows["__ended__"]).sum())
    held = {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}
    if not any(held.values()):
        return []
    message = (
        f"contradicts {ends.name}: {held['only_own']:,} customers have an end here and no row there, "
        f"{held['only_rows']:,} a row there and no end here"
    )
    return [Finding(f"{home.name}.{home.times.end}", "ends_contradict", message)]


def _several(ends: Role, table_roles: TableRoles) -> list[Finding]:
    """Customers who leave more than once."""
    rows = named(ends, table_roles)
    each = rows.group_by("who").agg(k=rows.count())
    held = each.aggregate(all=each.count(), more=(each.k > 1).sum()).to_pyarrow().to_pylist()[0]
    more = int(held["more"] or 0)
    if not more:
        return []
    message = (
        f"{more:,} of {int(held['all']):,} customers in it stand there more than once: did they come back in between? "
        "The first row counts as the end, and what follows is not read"
    )
    return [Finding(ends.name, "several_ends", message + _marked_as_back(ends.look))]


def _marked_as_back(look: ProfiledTable) -> str:
    for column in look.columns:
        if any(word.startswith(_BACK) for word in words(column.name)) and column.distinct <= 2:
            marked = sum(rows for text, rows in column.top if text.lower() in TRUE_TEXTS)
            if marked:
                return (
                    f"; {column.name} marks {of_rows(marked, look.rows)}: is such a row an end, or a return? If it is "
                    "none, say `where` in the table"
                )
    return ""


def _still_open(role: Role, ends: Role, table_roles: TableRoles) -> list[Finding]:
    """Customers who ended by one table and go on by another."""
    look = role.look
    going = with_owner(role, table_roles, look.table.filter(come(look, str(role.times.end)).isnull()))
    going = going.select(who=going[OWNER]).distinct()
    left = named(ends, table_roles).select("who").distinct()
    both = int(left.semi_join(going, "who").count().to_pyarrow().as_py())
    if not both:
        return []
    all_left = int(left.count().to_pyarrow().as_py())
    message = (
        f"{both:,} of {all_left:,} customers with a row in {ends.name} have a row here that has not ended "
        f"({role.times.end} is blank): have they left or not?"
    )
    return [Finding(role.name, "still_open", message)]
