"""Customers who come back: what their earlier spells say, as tables and features of the contract, and as a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.label_candidates import LabelChoice
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_roles import Role, TableRoles, by_lasting_rows
from churn_mlops.data.discovery.time_roles import times_of
from churn_mlops.data.discovery.times.data_clock import come
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import title

_LEAST_SHARE = 0.01
"""Share of the customers with several spells from which these say something about all."""


@dataclass(frozen=True)
class Spells:
    """Rows with a start and an end, several for some customers, the last end of which is theirs.

    Attributes:
        role: the table of the rows.
        customers: all that it names.
        again: those with more than one spell.
        after_gap: spells that begin on a later day than that on which all earlier ones of the customer had ended.
        same_day: spells that begin on that day.
        beside: spells that begin while an earlier one runs.
    """

    role: Role
    customers: int
    again: int
    after_gap: int
    same_day: int
    beside: int

    def tables(self) -> dict[str, dict[str, Any]]:
        """The starts and the ends of the spells as tables of events, without the formats of their times."""
        name, times = self.role.name, self.role.times
        source = {"table": self.role.look.source}
        ends = source | {"event_time": times.end}
        if times.end_known_at is not None:
            ends |= {"known_at": times.end_known_at}
        return {f"{name}_started": source | {"event_time": times.start or times.first}, f"{name}_ended": ends}

    def features(self) -> dict[str, dict[str, Any]]:
        """The features of the earlier spells."""
        started, ended = self.tables()
        what, rest = title(self.role.name), {"required": False, "min": 0}
        return {
            started: {"count": started, "title": f"{what} so far", **rest},
            ended: {"count": ended, "title": f"{what} that have ended", **rest},
            f"days_since_{started}": {"since_last": started, "title": f"days since the last start of {what}", **rest},
            f"days_since_{ended}": {"since_last": ended, "title": f"days since the last end of {what}", **rest},
        }

    def finding(self) -> Finding:
        """How many come back, and the meaning for leaving."""
        parts = {"after a gap": self.after_gap, "on the day of an end": self.same_day, "beside one": self.beside}
        rows = ", ".join(f"{count:,} begin {how}" for how, count in parts.items() if count)
        what = (
            f"{self.again:,} of {self.customers:,} customers have several rows: of the later ones, {rows}. A customer "
            "has left when all their rows have ended, and is back with the next one; earlier rows are read as features"
        )
        return Finding(self.role.name, "several_spells", what)


def find_spells(look: ProfiledTable, customer: str) -> TableRoles | None:
    """The customers of one table of rows with a start and an end; None if each of them has one row.

    Args:
        look: the table, whatever it is called.
        customer: its column that names the customer.
    """
    times = times_of(look)
    role = Role(look, "attributes", times, customer)
    if times.first is None or times.end is None or role.one_row_each:
        return None
    return by_lasting_rows(TableRoles(customer, {look.name: role}, ()), role)


def spells_of(table_roles: TableRoles, choice: LabelChoice | None) -> Spells | None:
    """The spells of customers, where some of them have several; None elsewhere.

    Args:
        table_roles: the tables.
        choice: how it is decided who left.
    """
    home = table_roles.customers
    start, end = home.times.start or home.times.first, home.times.end
    if choice is None or choice.kind != "lasting" or not home.grouped or start is None or end is None:
        return None
    look = home.look
    rows = look.table.select(
        who=look.text(str(home.customer)), start=look.time(start).date(), end=come(look, end, table_roles.newest).date()
    )
    found = Spells(home, **count_spells(rows))
    return found if found.again >= _LEAST_SHARE * found.customers else None


def count_spells(rows: ir.Table) -> dict[str, int]:
    """The counts of :class:`Spells` in a table of ``who``, ``start`` and ``end``: days, of which an end may be null."""
    rows = rows.filter(rows.who.notnull(), rows.start.notnull())
    rows = rows.mutate(until=ibis.coalesce(rows.end, ibis.date("9999-12-30")))
    earlier = ibis.window(group_by="who", order_by=["start", "until"], preceding=(None, 1))
    rows = rows.mutate(before=rows.until.max().over(earlier))
    counts = rows.aggregate(
        customers=rows.who.nunique(),
        again=rows.before.notnull().ifelse(rows.who, ibis.null("string")).nunique(),
        after_gap=(rows.start > rows.before).sum(),
        same_day=(rows.start == rows.before).sum(),
        beside=(rows.start < rows.before).sum(),
    )
    return {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}
