"""Which time of a table is the end of its customers: the rows decide whether they stop to act after it.

A name and the rows that are filled do not decide: trials, discounts and periods end too, and their customers go on.
Customers with an end must stop, while the others must go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from churn_mlops.data.discovery.label_candidates import named
from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import is_term, role_by_name
from churn_mlops.data.discovery.times.data_clock import by_newest, day_after
from churn_mlops.data.discovery.times.open_day import without_open_day
from churn_mlops.data.profiling.name_signals import names_leaving
from churn_mlops.suggestions import words

Days = npt.NDArray[np.datetime64]
_GRACE = np.timedelta64(7, "D")  # a last bill and the like come after an end
_NO_ROOM = np.timedelta64(14, "D")  # so near to the newest day no one can show that they go on
_FEWEST = 10
_STOPPED = 0.35  # most of those with an end may go on
_APART = 0.15  # by so much more the others have to go on
_CLEARLY = 0.5  # and by so much more, whatever other tables say
_ACTIVE = 0.25  # least share of the others who go on, below which nothing can be said
_ALL_GO_ON = 0.98  # and above which no one stops for anything, as with mailings
_CLOSE = 0.15  # candidates that part the customers alike, but for so much, are ranked by what they mean
_SOON = 0.15  # so many may have an event right after an end
_NEXT_DAYS = 14.0  # days within which an end follows on the last event
_SAME = 0.6  # of the share of the others who go on
_REQUESTED = frozenset("request requested notice notified scheduled".split())
_REQUEST_STEMS = ("eingegangen", "eingang", "beantragt", "antrag", "demand", "solicit", "aanvraag", "richiest")
_FORMAL = frozenset("delete deleted deletion removed purged archived anonymized anonymised erased closed".split())
_PLAIN = frozenset(
    "end ended ends termination terminated left exit exited inactive churn churned effective "
    "ende vertragsende laufzeitende beendet zum wirksam fin fim fine einde".split()
)
Verdict = Literal["parts", "same", "late", "ahead", "unknown"]


@dataclass(frozen=True)
class EndCandidate:
    """A time of a table that may be the end of its customers.

    Attributes:
        column: the time.
        left: customers all of whose rows have it by the newest day.
        customers: of the table.
        ahead: customers who have it on a later day, other than one that stands for none.
        going_on: share of customers who left by it that have events after it; None where there are too few.
        others_going_on: share of the others who have events after as long a time; None where there are too few.
        soon_after: share of customers who left by it that have an event on a later day, however near.
        verdict: it "parts" customers who stop from customers who go on, is the "same" for both, comes "late" after they
            stopped, lies "ahead" for most, or is "unknown".
    """

    column: str
    left: int
    customers: int
    ahead: int
    going_on: float | None = None
    others_going_on: float | None = None
    soon_after: float = 0.0
    verdict: Verdict = "unknown"

    @property
    def is_term(self) -> bool:
        """Whether its name is that of a period, a trial, a discount."""
        return is_term(self.column)

    @property
    def is_named(self) -> bool:
        """Whether its name speaks of an end of customers."""
        return role_by_name(self.column) == "end" and not self.is_term

    @property
    def apart(self) -> float:
        """By how much more the others go on."""
        return (self.others_going_on or 0.0) - (self.going_on or 0.0)

    def __str__(self) -> str:
        """The facts that its rows show."""
        said = [f"{self.left:,} of {self.customers:,} customers have it by the newest day"]
        if self.ahead:
            said.append(f"{self.ahead:,} have it on a later day")
        if self.going_on is not None and self.others_going_on is not None:
            said.append(f"{self.going_on:.0%} of these go on after it, {self.others_going_on:.0%} of the others")
        return ", ".join(said)


def evaluate_ends(role: Role, table_roles: TableRoles) -> list[EndCandidate]:
    """Each time of a table of customers but its first and its recorded time, by how it parts the customers."""
    given = {role.times.first, role.times.start, role.times.known_at}
    columns = [name for name in role.look.times if name not in given and role_by_name(name) != "known_at"]
    if not columns or role.customer is None:
        return []
    rows = _rows(role, table_roles, columns)
    return [_evaluated(name, place, rows, table_roles) for place, name in enumerate(columns)]


def evaluate_ends_table(ends: Role, table_roles: TableRoles) -> EndCandidate:
    """How the first rows of a table of ends part the customers."""
    home = table_roles.customers
    starts = home.look.table.select(who=home.look.text(str(home.customer)), start=home.look.time(str(home.times.first)))
    each = starts.filter(starts.who.notnull()).group_by("who").agg(start=starts["start"].min().date())
    each = _with_first(each, ends, table_roles).mutate(ahead0=ibis.literal(False))
    return _evaluated(str(ends.times.first), 0, _fetched(each, ends, table_roles), table_roles)


def chosen_end(candidates: Sequence[EndCandidate]) -> EndCandidate | None:
    """The candidate that is taken for the end: one that the rows bear out, or else one by its name that none denies."""
    parts = [one for one in candidates if one.verdict == "parts" and not one.is_term]
    if parts:
        best = max(one.apart for one in parts)
        close = [one for one in parts if one.apart >= best - _CLOSE]
        spoken = [one for one in close if one.is_named] or close
        return _the_end(spoken)
    open_ = [one for one in candidates if one.is_named and one.verdict == "unknown"]
    spoken_of = [one for one in candidates if names_leaving(one.column) and one.verdict != "ahead"]
    return _the_end(open_ or spoken_of) if open_ or spoken_of else None


def _the_end(candidates: Sequence[EndCandidate]) -> EndCandidate:
    """The end among several: not the request, after which customers go on, nor the formality that follows."""
    return min(candidates, key=lambda one: (not one.left, one.soon_after > _SOON, _rank(one), -one.apart))


def _rank(one: EndCandidate) -> int:
    said = set(words(one.column))
    if said & (_REQUESTED | _FORMAL) or any(word.startswith(_REQUEST_STEMS) for word in said):
        return 2
    return 0 if said & _PLAIN else 1


def _rows(role: Role, table_roles: TableRoles, columns: Sequence[str]) -> Mapping[str, npt.NDArray[Any]]:
    """One row for each customer: start, each column's day and whether it is ahead, the last day in each table."""
    look, newest = role.look, table_roles.newest
    # First, for the statement to hold the reading of a text once.
    read = look.table.mutate(**{f"__time{place}__": look.time(name) for place, name in enumerate(columns)})
    kept: dict[str, ir.Value] = {"__start__": look.time(str(role.times.first))}
    for place, name in enumerate(columns):
        time = without_open_day(look, name, read[f"__time{place}__"])
        kept[f"__end{place}__"] = by_newest(time, newest)
        kept[f"__ahead{place}__"] = ibis.literal(False) if newest is None else time >= ibis.literal(day_after(newest))
    owned = with_owner(role, table_roles, read.mutate(**kept))
    rows = owned.select(*kept, who=owned[OWNER]).filter(owned[OWNER].notnull())
    made: dict[str, ir.Value] = {"start": rows["__start__"].min().date()}
    for place in range(len(columns)):
        end = rows[f"__end{place}__"]
        made[f"end{place}"] = ibis.ifelse(end.isnull().any(), ibis.null("timestamp"), end.max()).date()
        made[f"ahead{place}"] = rows[f"__ahead{place}__"].fill_null(False).any()
    return _fetched(rows.group_by("who").agg(**made), role, table_roles)


def _fetched(each: ir.Table, role: Role, table_roles: TableRoles) -> Mapping[str, npt.NDArray[Any]]:
    """The rows of ``each`` with the last day of each customer in every other table of events."""
    for place, other in enumerate(table_roles.of("events")):
        if other.look is not role.look:
            each = _with_last(each, other, table_roles, place)
    arrow = each.drop("who").to_pyarrow()
    return {name: arrow[name].to_numpy(zero_copy_only=False) for name in arrow.column_names}


def _with_first(each: ir.Table, ends: Role, table_roles: TableRoles) -> ir.Table:
    rows = _until_newest(named(ends, table_roles), table_roles)
    first = rows.group_by("who").agg(end0=rows["at"].min().date()).rename(of="who")
    return each.left_join(first, each.who == first["of"]).drop("of")


def _with_last(each: ir.Table, other: Role, table_roles: TableRoles, place: int) -> ir.Table:
    name, key = f"last{place}", f"of{place}"
    events = _until_newest(named(other, table_roles), table_roles)
    last = events.group_by("who").agg(**{name: events["at"].max().date()}).rename({key: "who"})
    return each.left_join(last, each.who == last[key]).drop(key)


def _until_newest(rows: ir.Table, table_roles: TableRoles) -> ir.Table:
    if table_roles.newest is None:
        return rows
    return rows.filter(rows["at"] < ibis.literal(day_after(table_roles.newest)))


def _evaluated(column: str, place: int, rows: Mapping[str, Any], table_roles: TableRoles) -> EndCandidate:
    end, ahead, start = _days(rows[f"end{place}"]), rows[f"ahead{place}"].astype(bool), _days(rows["start"])
    has = ~np.isnat(end)
    made = EndCandidate(column, int(has.sum()), len(end), int((ahead & ~has).sum()))
    if made.ahead > (made.customers - made.left) / 2:
        return replace(made, verdict="ahead")
    newest = np.datetime64("NaT") if table_roles.newest is None else np.datetime64(table_roles.newest.date())
    lasts = [rows[name] for name in rows if name.startswith("last")]
    shares = [found for last in lasts if (found := _shares(end, start, _days(last), newest)) is not None]
    if not shares:
        return made
    found = max(shares, key=lambda one: (one.weight, one.others - one.going))
    verdict: Verdict = "late" if found.verdict == "parts" and found.late and _is_formal(column) else found.verdict
    return replace(made, going_on=found.going, others_going_on=found.others, soon_after=found.soon, verdict=verdict)


def _is_formal(column: str) -> bool:
    """Whether ``column`` is called like what may follow on an end, or is not called like an end at all."""
    return bool(set(words(column)) & _FORMAL) or role_by_name(column) != "end"


@dataclass(frozen=True)
class _Shares:
    """The shares of customers with events after an end: of those with one, a week later and at all; of the others.

    ``late`` says that the events of those with an end stop long before it.
    """

    going: float
    soon: float
    others: float
    error: float
    late: bool

    @property
    def verdict(self) -> Verdict:
        if self.going <= _STOPPED and self.others - self.going >= max(_APART, 3 * self.error):
            return "parts"
        decides = _ACTIVE <= self.others <= _ALL_GO_ON
        return "same" if decides and self.going >= _SAME * self.others else "unknown"

    @property
    def weight(self) -> float:
        """How much the verdict counts beside those by other tables: rare rows say little against frequent ones."""
        apart = self.others - self.going
        if self.verdict == "parts":
            return apart + 1 if apart >= _CLEARLY else apart
        return self.going if self.verdict == "same" else -1.0


def _shares(end: Days, start: Days, last: Days, newest: Any) -> _Shares | None:
    """The shares by the events of one table; None where too few customers have an end, or have none."""
    has = ~np.isnat(end) & ~(end > newest - _NO_ROOM)
    others = np.isnat(end) & ~np.isnat(start)
    if min(has.sum(), others.sum()) < _FEWEST:
        return None
    ends = np.sort(end[has])
    # Each of the others is asked about the ends that came after their start: do they have events after these?
    before, until = np.searchsorted(ends, start[others]), np.searchsorted(ends, _seen(last, start)[others] - _GRACE)
    asked = len(ends) - before
    if (asked > 0).sum() < _FEWEST:
        return None
    of_others = float(np.mean((np.clip(until - before, 0, None) / np.maximum(asked, 1))[asked > 0]))
    going = float(np.mean(last[has] > end[has] + _GRACE))
    error = going * (1 - going) / has.sum() + of_others * (1 - of_others) / (asked > 0).sum()
    late = _median_days(end[has] - last[has]) > max(_NEXT_DAYS, 2 * _median_days(newest - last[others]))
    return _Shares(going, float(np.mean(last[has] > end[has])), of_others, float(np.sqrt(error)), late)


def _median_days(gaps: npt.NDArray[Any]) -> float:
    """The median of gaps between days; 0 where there is none."""
    known = gaps[~np.isnat(gaps)] / np.timedelta64(1, "D")
    return float(np.median(known)) if known.size else 0.0


def _seen(last: Days, start: Days) -> Days:
    return np.where(np.isnat(last), start, last)


def _days(values: npt.NDArray[Any]) -> Days:
    return values.astype("datetime64[D]")
