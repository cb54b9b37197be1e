"""A panel: one table with a row for each customer and month, quarter or policy year, as the roles of a history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.churn_conflicts import leaving_flags
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import Times, role_by_name
from churn_mlops.data.discovery.times.data_clock import newest_of
from churn_mlops.data.discovery.times.evaluate import EvaluatedTimes
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.timestamps import parsed_time
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.label_values import read_label
from churn_mlops.data.proposal.option_hints import SEVERAL_ROWS
from churn_mlops.data.proposal.shapes.single_table import SingleTable

PERIODS: Mapping[str, tuple[int, int]] = {"week": (7, 7), "month": (28, 31), "quarter": (89, 92), "year": (365, 366)}
"""Fewest and most days from one row of a customer to the next."""
_REGULAR, _ONCE, _SHOWN = 0.9, 0.98, 0.9
"""Least share of the pauses that are one period, of the rows that are the only one of their customer and day, and of
the customers whose rows stop that an end or a flag must explain."""


@dataclass(frozen=True)
class Panel:
    """The shape of a panel.

    Attributes:
        customer: the column that names the customer.
        time: the column of the date of each row.
        period: a key of `PERIODS`.
        label: the column that says who left, where a person has said it.
        positive: the value of ``label`` of a customer who left, where a person has said it.
    """

    customer: str
    time: str
    period: str
    label: str | None = None
    positive: str | None = None

    @property
    def days(self) -> int:
        """The most days from one row of a customer to the next."""
        return PERIODS[self.period][1]

    def finding(self, table_roles: TableRoles) -> Finding:
        """The shape in words, and the question that it leaves open."""
        look = table_roles.customers.look
        customers = look.profile[self.customer].distinct
        what = (
            f"each customer has a row for each {self.period}: {look.rows:,} rows of {customers:,} customers. Does a "
            f"row hold what is known on its date? If it is complete only when its {self.period} is over, read each "
            f"date as the name of the {self.period}"
        )
        flagged = next((column for role in table_roles.of("ends") for column in role.where), None)
        if flagged is not None:
            what += (
                f". A row where {flagged} says that the customer left is not read to predict it, for both are known "
                f"together. If {flagged} says what follows after the row, `--inactive-days {self.days}` lets the "
                "missing next row decide instead"
            )
        return Finding(f"{look.name}.{self.time}", "panel", what)

    def each_once(self, findings: Sequence[Finding], table_roles: TableRoles) -> list[Finding]:
        """``findings`` without those that say again of other tables what was noticed in the same rows."""
        first = table_roles.customers.name
        again = tuple(role.name for role in table_roles.roles.values() if role.name != first)
        return [one for one in findings if one.column is None or one.column.partition(".")[0] not in again]


def find_panel(single: SingleTable, customer: str | None = None) -> Panel | None:
    """The shape of a panel; None if the table is another one.

    A customer has one row at most on each date, and nine in ten pauses between two rows are of one length: a week, a
    month, a quarter or a year.

    Args:
        single: the table.
        customer: the column that names the customer, where a person has said it.
    """
    table = single.table
    named = single.named_customers() if customer is None else [customer]
    if not named or named[0] not in table.columns:
        return None
    who = named[0]
    counts = table.aggregate(rows=table[who].count(), who=table[who].nunique()).to_pyarrow().to_pylist()[0]
    if counts["rows"] < SEVERAL_ROWS * max(counts["who"], 1):
        return None
    for time in single.times:
        if time.name != who and role_by_name(time.name) not in ("end", "known_at"):
            days = table.select(who=table[who], day=parsed_time(table[time.name], time.format).date())
            period = _period(days.filter(days.who.notnull(), days.day.notnull()), counts["rows"])
            if period is not None:
                return Panel(who, time.name, period)
    return None


def _period(days: ir.Table, rows: int) -> str | None:
    """The period of the rows of ``who`` and ``day``; None where they have none."""
    once = days.distinct()
    before = once.day.lag().over(ibis.window(group_by="who", order_by="day"))
    pauses = once.mutate(pause=once.day.delta(before, unit="day").cast("int64"))
    counted = as_arrow(pauses.group_by("pause").agg(rows=ibis._.count())).to_pylist()
    held = {row["pause"]: row["rows"] for row in counted}
    if sum(held.values()) < _ONCE * rows:
        return None
    later = {pause: count for pause, count in held.items() if pause is not None}
    for name, (fewest, most) in PERIODS.items():
        if later and sum(later.get(day, 0) for day in range(fewest, most + 1)) >= _REGULAR * sum(later.values()):
            return name
    return None


def evaluate_panel(look: ProfiledTable, panel: Panel, today: date | None = None) -> EvaluatedTimes:
    """The one table as that of the customers, of what changes about them, of their rows, and of their ends.

    The ends are those of a column of ends, or the rows with a flag of leaving, if nearly all customers whose rows stop
    have one. Otherwise a customer left whose rows stop.

    Args:
        look: the table.
        panel: its shape.
        today: rows that are dated later have not happened; None if that is not to be asked.

    Raises:
        ContractError: the label of ``panel`` has no value that is plainly that of churners.
    """
    rows = replace(look, name=f"{look.name}_rows")
    first, valid, event = Times(start=panel.time), Times(valid_from=panel.time), Times(event=panel.time)
    who, days = panel.customer, panel.days
    home = "customers" if look.name != "customers" else "all_customers"
    roles = {
        home: Role(look, "customers", first, who, grouped=True),
        look.name: Role(look, "attributes", valid, who, period_days=days),
        rows.name: Role(rows, "events", event, who, period_days=days),
    }
    ends = _shown_ends(look, panel) if panel.label is None else _given_ends(look, panel, panel.label)
    if ends is not None:
        roles[ends.name] = ends
    found = TableRoles(who, roles, ())
    return EvaluatedTimes(replace(found, newest=newest_of(found, today)), {}, {})


def _given_ends(look: ProfiledTable, panel: Panel, label: str) -> Role:
    if label in look.times:
        return _dated_ends(look, panel, label)
    found = read_label(look.profile[label], panel.positive).label
    return _flagged_ends(look, panel, label, found.positive)


def _shown_ends(look: ProfiledTable, panel: Panel) -> Role | None:
    dated = [name for name in look.times if name != panel.time and look.profile[name].present < _REGULAR * look.rows]
    able = [_dated_ends(look, panel, name) for name in dated]
    able += [_flagged_ends(look, panel, column.name, value) for column, value in leaving_flags(look)]
    return next((role for role in able if _explain(role, look, panel)), None)


def _dated_ends(look: ProfiledTable, panel: Panel, column: str) -> Role:
    ended = look.table.filter(look.time(column).notnull())
    named = replace(look, name=f"{look.name}_ended", table=ended)
    return Role(named, "ends", Times(event=column), panel.customer)


def _flagged_ends(look: ProfiledTable, panel: Panel, column: str, value: str) -> Role:
    flagged = look.table.filter((look.text(column) == value).fill_null(False))
    named = replace(look, name=f"{look.name}_left", table=flagged)
    return Role(named, "ends", Times(event=panel.time), panel.customer, where={column: (value,)})


def _explain(ends: Role, look: ProfiledTable, panel: Panel) -> bool:
    """Whether nearly all customers whose rows stop have an end, and nearly all who have one stop."""
    who = look.text(panel.customer)
    last = look.table.select(who=who, day=look.time(panel.time).date()).group_by("who").agg(last=ibis._.day.max())
    last = last.mutate(stops=last["last"] < last["last"].max().over(ibis.window()) - ibis.interval(days=panel.days))
    at = ends.look.time(str(ends.times.event)).date()
    held = ends.look.table.select(owner=ends.look.text(panel.customer), at=at)
    held = held.group_by("owner").agg(end=ibis._["at"].min())
    both = last.left_join(held, last.who == held.owner)
    ended = both.end.notnull()
    over = both.end <= both["last"].max().over(ibis.window())
    late = both["last"] > both.end + ibis.interval(days=panel.days)
    both = both.select(
        stops=both.stops, both=both.stops & ended, ended=ended & over, later=(ended & late).fill_null(False)
    )
    found = as_arrow(both.aggregate(**{name: both[name].sum() for name in both.columns})).to_pylist()[0]
    counts = {name: int(count or 0) for name, count in found.items()}
    return counts["both"] >= _SHOWN * max(counts["stops"], 1) and counts["later"] <= (1 - _SHOWN) * counts["ended"]
