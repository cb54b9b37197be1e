"""The findings about since when a customer is one, where a table of customers holds several times that may say so."""

from __future__ import annotations

from churn_mlops.data.discovery.table_roles import TableRoles
from churn_mlops.data.discovery.time_roles import role_by_name
from churn_mlops.data.findings import Finding

_FILLED, _NEVER_AFTER, _OFTEN_BEFORE = 0.95, 0.05, 0.25


def on_start(table_roles: TableRoles) -> list[Finding]:
    """Times of the customers that lie before the one taken for their start; the rows do not decide between them."""
    role = table_roles.customers
    look, taken = role.look, role.times.start or role.times.first
    others = [name for name in look.times if name != taken and role_by_name(name) in ("start", "event")]
    filled = [name for name in others if look.profile[name].present >= _FILLED * look.rows]
    if role.grouped or taken is None or not filled:
        return []
    start = look.time(taken).date()
    counts = {f"b{place}": (look.time(name).date() < start).sum() for place, name in enumerate(filled)}
    counts |= {f"a{place}": (look.time(name).date() > start).sum() for place, name in enumerate(filled)}
    held = look.table.aggregate(**counts).to_pyarrow().to_pylist()[0]
    found = []
    for place, name in enumerate(filled):
        before, after = int(held[f"b{place}"] or 0), int(held[f"a{place}"] or 0)
        if before >= _OFTEN_BEFORE * look.rows and after <= _NEVER_AFTER * look.rows:
            what = (
                f"lies before {look.name}.{taken}, which is taken for the start of a customer, in {before:,} of "
                f"{look.rows:,} rows: since when is a customer one? If since then, write `start: {name}`"
            )
            found.append(Finding(f"{look.name}.{name}", "start_other", what, rows=before, of=look.rows))
    return found
