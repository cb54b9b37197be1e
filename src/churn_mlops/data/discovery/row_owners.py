"""The customer that each row of a table belongs to, directly or through other tables."""

from __future__ import annotations

import ibis.expr.types as ir

from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.normal_forms import normal_form

OWNER = "__who__"
"""The customer, as the table of customers writes them."""
_LINK = "__link__"


def with_owner(role: Role, table_roles: TableRoles, rows: ir.Table | None = None) -> ir.Table:
    """The rows of a table with `OWNER`; rows that lead to no customer are left out where another table is between.

    Args:
        role: the table.
        table_roles: the tables that its links lead through.
        rows: those of the table, with other columns beside its own; the table as it stands if None.
    """
    rows = role.look.table if rows is None else rows
    link = role.through
    if link is None:
        return rows.mutate(**{OWNER: as_text(rows[str(role.customer)])})
    between = with_owner(table_roles.roles[link.to], table_roles)
    key = normal_form(as_text(between[link.key]), link.normal_form)
    keys = between.select(**{_LINK: key, OWNER: between[OWNER]}).distinct()  # a row stored twice counts once
    own = normal_form(as_text(rows[link.column]), link.normal_form)
    return rows.join(keys, own == keys[_LINK]).drop(_LINK)
