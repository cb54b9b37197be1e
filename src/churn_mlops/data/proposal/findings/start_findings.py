"""The findings about since when a customer is one, where a table of customers holds several times that may say so."""

from __future__ import annotations

from churn_mlops.data.discovery.table_roles import TableRoles
from churn_mlops.data.discovery.times.first_rows import StartTimes
from churn_mlops.data.findings import Finding


def on_start(table_roles: TableRoles, starts: StartTimes | None) -> list[Finding]:
    """Times of the customers that lie before the one taken for their start, and one that their rows refute."""
    look = table_roles.customers.look
    if starts is None or table_roles.customers.grouped:
        return []
    found = []
    for name, before in starts.earlier:
        what = (
            f"lies before {look.name}.{starts.taken}, which is taken for the start of a customer, in {before:,} of "
            f"{look.rows:,} rows: since when is a customer one? If since then, write `start: {name}`"
        )
        found.append(Finding(f"{look.name}.{name}", "start_other", what, rows=before, of=look.rows))
    if starts.refuted is not None:
        name, early, customers = starts.refuted
        what = (
            f"is called like the start of a customer, but {early:,} of {customers:,} customers have rows before it: "
            f"{look.name}.{starts.taken} is taken. Was the row only written then? If a customer starts then, write "
            f"`start: {name}`"
        )
        found.append(Finding(f"{look.name}.{name}", "start_other", what, rows=early, of=customers))
    return found
