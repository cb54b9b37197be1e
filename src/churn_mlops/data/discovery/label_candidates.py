"""The ways in which a database may say who left, each counted, so that a person can choose."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.times.data_clock import come, day_after
from churn_mlops.data.snapshot.event_rhythm import DEFAULT_DAYS, Rhythm, rhythm_of

FEW = 50
"""Churners or retained customers, below which there is little to learn."""
_AT = "__at__"
_NEXT_TO_NONE = 10
_STAYING = 0.05  # least share of retained customers by inactivity: if next to all are inactive, rows are too rare


@dataclass(frozen=True)
class LabelChoice:
    """One way to decide who left.

    Attributes:
        kind: "end" in the table of customers, "ends" in a table of their own, "lasting" rows all of which have ended,
            "inactive" where nothing happens any more.
        role: the table that decides.
        left: customers who left by it.
        customers: customers that it can decide about.
        days: of inactivity.
        why: what shows that these days fit; blank where a person chose them.
        too_rare: whether the rows are too rare, or too few, to show by inactivity who left.
    """

    kind: str
    role: Role
    left: int
    customers: int
    days: int = DEFAULT_DAYS
    why: str = ""
    too_rare: bool = False

    @property
    def usable(self) -> bool:
        """Whether there are churners and retained customers."""
        return 0 < self.left < self.customers

    @property
    def fewer(self) -> int:
        """Churners or retained customers, whichever are fewer."""
        return min(self.left, self.customers - self.left)

    @property
    def has_both(self) -> bool:
        """Whether there are enough churners and retained customers; a recorded end needs fewer than inactivity."""
        if self.kind != "inactive":
            return self.fewer >= _NEXT_TO_NONE
        return self.fewer >= FEW and self.customers - self.left >= _STAYING * self.customers

    def __str__(self) -> str:
        """The customers who left by it, and how many."""
        share = f"{self.left:,} of {self.customers:,} customers ({self.left / max(self.customers, 1):.1%})"
        times = self.role.times
        if self.kind == "end":
            return f"a customer left where {self.role.name}.{times.end} has come by the newest day: {share}"
        if self.kind == "ends":
            return f"a customer left with their first row in {self.role.name} ({times.first}): {share}"
        if self.kind == "lasting":
            return f"a customer left when the last of their rows in {self.role.name} ended ({times.end}): {share}"
        silent = f"a customer left who has no row in {self.role.name} for {self.days} days"
        return f"{silent}: {share} by the last day there{self.why}"

    def how(self) -> str:
        """The part of the contract that declares it."""
        times, name = self.role.times, self.role.name
        if self.kind in ("end", "lasting"):
            start = times.start or times.first
            return f"tables: {{customers: {{table: {self.role.look.source}, start: {start}, end: {times.end}}}}}"
        if self.kind == "ends":
            return f"`ends: {name}` in the table of customers, {name}: {{event_time: {times.first}}}"
        return f"label: {{inactive: {{events: {name}, days: {self.days}}}}}"


def label_choices(table_roles: TableRoles, inactive_days: int | None = None) -> list[LabelChoice]:
    """All ways that the tables offer, the best one first: a recorded end comes before inactivity.

    A way with hardly any customers on one side comes after all ways with enough on both; inactivity in a table whose
    rows are too rare for it after that in a table where customers act often.

    Args:
        table_roles: the tables.
        inactive_days: days of inactivity, if a person wants them to decide; then that way comes first.
    """
    home, found = table_roles.customers, []
    if home.times.end is not None and not home.grouped:
        ended = come(home.look, home.times.end, table_roles.newest).count().to_pyarrow().as_py()
        found.append(LabelChoice("end", home, int(ended or 0), home.look.rows))
    total = _customers(home)
    for role in table_roles.of("ends"):
        held = int(named(role, table_roles).who.nunique().to_pyarrow().as_py())
        found.append(LabelChoice("ends", role, held, total))
    lasting = [home] if home.grouped else table_roles.of("attributes")
    found += [
        _lasting(role, table_roles) for role in lasting if role.customer is not None and role.times.end is not None
    ]
    silent = [_inactive(role, table_roles, inactive_days) for role in table_roles.of("events")]
    found += sorted(silent, key=lambda choice: (choice.too_rare, -choice.customers, choice.days))
    if inactive_days is not None:
        return sorted(found, key=lambda choice: (choice.kind != "inactive", _rank(choice)))
    return sorted(found, key=_rank)


def _rank(choice: LabelChoice) -> int:
    """How well a way decides: lower is better."""
    if not choice.usable:
        return 4
    if not choice.too_rare and choice.has_both:
        return 0
    if not choice.too_rare and choice.kind == "inactive" and choice.fewer >= _NEXT_TO_NONE:
        return 1  # a few who are inactive where customers act often say more than many where they seldom do
    return 2 if choice.has_both else 3


def named(role: Role, table_roles: TableRoles) -> ir.Table:
    """The rows of a table with ``who`` they belong to and ``at`` what time, without the rows of no customer."""
    at = role.look.time(str(role.times.first))
    rows = with_owner(role, table_roles, role.look.table.mutate(at.name(_AT)))
    found = rows.select(who=rows[OWNER], at=rows[_AT])
    return found.filter(found.who.notnull() & found["at"].notnull())


def _customers(home: Role) -> int:
    return int(home.look.profile[str(home.customer)].distinct)


def _lasting(role: Role, table_roles: TableRoles) -> LabelChoice:
    look = role.look
    rows = look.table.select(who=look.text(str(role.customer)), end=come(look, str(role.times.end), table_roles.newest))
    each = rows.filter(rows.who.notnull()).group_by("who").agg(open=rows.end.isnull().any())
    held = each.aggregate(customers=each.count(), left=(~each.open).sum()).to_pyarrow().to_pylist()[0]
    return LabelChoice("lasting", role, int(held["left"] or 0), int(held["customers"]))


def last_rows(role: Role, table_roles: TableRoles) -> ir.Table:
    """Each customer (``who``) of a table of events, the time of their ``last`` row, and of the ``newest`` of all."""
    rows = _happened(role, table_roles)
    each = rows.group_by("who").agg(last=rows["at"].max())
    return each.mutate(newest=each["last"].max().over(ibis.window()))


def is_inactive(held: ir.Table, days: int) -> ir.BooleanValue:
    """Whether customers of :func:`last_rows` had no row for ``days`` days up to the newest one, as labels count it.

    The day of the last row and the newest day are ``days`` apart, or more.
    """
    return held["last"] < held.newest.truncate("D") - ibis.interval(days=days - 1)


def _happened(role: Role, table_roles: TableRoles) -> ir.Table:
    """The rows of :func:`named` up to the newest day: what is planned is no sign of life."""
    rows = named(role, table_roles)
    if table_roles.newest is None:
        return rows
    return rows.filter(rows["at"] < ibis.literal(day_after(table_roles.newest)))


def _inactive(role: Role, table_roles: TableRoles, inactive_days: int | None) -> LabelChoice:
    known_days = inactive_days or role.period_days
    rhythm = rhythm_of(_happened(role, table_roles)) if known_days is None else Rhythm(known_days)
    held = last_rows(role, table_roles)
    counts = (
        held.aggregate(customers=held.count(), left=is_inactive(held, rhythm.days).sum()).to_pyarrow().to_pylist()[0]
    )
    left, customers = int(counts["left"] or 0), int(counts["customers"])
    too_rare = known_days is None and (rhythm.is_short or rhythm.pause is None)
    return LabelChoice("inactive", role, left, customers, rhythm.days, str(rhythm), too_rare)
