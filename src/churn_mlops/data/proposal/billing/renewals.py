"""Rows of customers that end with their last day, and are followed by another row on the day after or weeks later."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.times.data_clock import come
from churn_mlops.data.findings import Finding
from churn_mlops.data.proposal.billing.kept_tables import KeptTable
from churn_mlops.data.proposal.billing.known_system import KnownSystem
from churn_mlops.data.sources.files import identifier, quoted

_MOST_DAYS = 31
"""Days after the last one within which the next row is taken for a renewal."""
_FEW = 0.01


@dataclass(frozen=True)
class Renewals:
    """Rows that go on in a row of their own, so that the customer is gone in between by the days of both.

    Attributes:
        customers: the table of customers, as the contract calls it.
        served: what the table with the day until which each row is served is to be called.
        end: the column of the last day.
        ended: rows that have ended.
        next_day: those whose next row begins on the day after.
        later: those whose next row begins later, within 31 days.
        statement: the query that adds a column with the day until which each row is served.
    """

    customers: str
    served: str
    end: str
    ended: int
    next_day: int
    later: int
    statement: str

    def finding(self) -> Finding:
        """The question in which of them a customer left, with the query that answers it."""
        what = (
            f"{self.end} is the last day of a row, and not the end of a customer: of {self.ended:,} rows that have "
            f"ended, {self.next_day:,} go on in a new row on the day after, and {self.later:,} in one that begins up "
            f"to {_MOST_DAYS} days after. By these days the customer is gone in between, so no label is proposed. "
            f"Make a table (or a view) {self.served} of this query, and start again: {self.statement}. Change "
            f"the {_MOST_DAYS} days if you renew later. If each of these ends is leaving for you, write "
            f"`end: {self.end}` into the table of customers, and `label: {{event: {self.customers}.end}}`"
        )
        return Finding("label", "end_unknown", what)


def renewals_of(system: KnownSystem) -> Renewals | None:
    """The renewals that the tables of ``system`` hold as rows of their own.

    None where an end is the end of the service, or where hardly any row goes on in another one.
    """
    kept, roles = system.customers, system.evaluated.table_roles
    role = roles.customers
    start, end = role.times.start, role.times.end
    if start is None or end is None or end != kept.known.column(kept.known.preset.last_day):
        return None
    look = role.look
    who = look.text(str(role.customer))
    rows = look.table.select(who=who, start=look.time(start).date(), last=come(look, end, roles.newest).date())
    found = _counts(rows)
    if found["next_day"] + found["later"] <= _FEW * found["ended"]:
        return None
    return Renewals(
        roles.home, kept.known.preset.names[0], end, **found, statement=_statement(kept, str(role.customer), start, end)
    )


def _counts(rows: ir.Table) -> dict[str, int]:
    """How many rows ended, and when the next row of the same customer began."""
    starts = rows.select(owner=rows.who, following=rows.start).distinct()
    ended = rows.filter(rows["last"].notnull()).mutate(row=ibis.row_number())
    days = starts.following.delta(ended["last"], unit="day")
    both = ended.left_join(starts, [ended.who == starts.owner, days >= 1, days <= _MOST_DAYS])
    both = both.mutate(days=both.following.delta(both["last"], unit="day"))
    each = both.group_by("row").aggregate(days=both.days.min())
    counts = each.aggregate(ended=each.count(), next_day=(each.days == 1).sum(), later=(each.days > 1).sum())
    return {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}


def _statement(kept: KeptTable, customer: str, start: str, end: str) -> str:
    """The query of all rows with one more column: the start of the renewal, or the last day."""
    table, who = identifier(kept.known.source), identifier(customer)
    first, last = f"CAST(n.{identifier(start)} AS DATE)", f"CAST(c.{identifier(end)} AS DATE)"
    counts = "".join(
        f" AND CAST(n.{identifier(column)} AS VARCHAR) IN ({', '.join(map(quoted, values))})"
        for column, values in kept.where.items()
    )
    near = f"{first} > {last} AND {first} <= {last} + {_MOST_DAYS}{counts}"
    renewal = f"SELECT MIN({first}) FROM {table} n WHERE n.{who} = c.{who} AND {near}"  # noqa: S608 shown, never run
    return f"SELECT c.*, COALESCE(({renewal}), {last}) AS served_until FROM {table} c"  # noqa: S608 shown, never run
