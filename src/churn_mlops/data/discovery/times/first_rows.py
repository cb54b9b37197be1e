"""Since when a customer is one, by their first rows: a start that lies after these was written later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import ibis

from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import role_by_name, with_start
from churn_mlops.data.engine.sentinel_dates import without_sentinels

_FILLED = 0.95
_OFTEN, _SELDOM = 0.25, 0.05  # shares of the customers
_REFUTED = 0.1  # share of the customers with rows before a start, from which it is none
_FEWEST = 20
_DAY = "__day__"


@dataclass(frozen=True)
class StartTimes:
    """The times of the customers that may be their start.

    Attributes:
        taken: the one that is taken.
        earlier: others that lie before it, and in how many rows; the rows do not decide between them.
        refuted: one that is called like a start, the customers who have rows before it, and the customers with rows.
    """

    taken: str
    earlier: tuple[tuple[str, int], ...] = ()
    refuted: tuple[str, int, int] | None = None


def evaluate_starts(table_roles: TableRoles) -> tuple[TableRoles, StartTimes | None]:
    """``table_roles`` with the start that the customers' rows bear out, and what else may be one.

    A start with rows of many customers before it gives way to the last of the times that have hardly any.
    """
    role = table_roles.customers
    taken = role.times.start or role.times.first
    if role.grouped or taken is None:
        return table_roles, None
    earlier = _earlier(role, taken)
    if not earlier or role.times.valid_from is not None:
        return table_roles, StartTimes(taken, earlier)
    fit, refuted = _borne_out(table_roles, [taken, *(name for name, _ in earlier)])
    if fit is None:
        return table_roles, StartTimes(taken, earlier)
    changed = replace(role, times=with_start(role.look, role.times, fit))
    roles = {name: changed if one is role else one for name, one in table_roles.roles.items()}
    return replace(table_roles, roles=roles), StartTimes(fit, _earlier(changed, fit), (taken, *refuted))


def _earlier(role: Role, taken: str) -> tuple[tuple[str, int], ...]:
    """Times that nearly all customers have, that often lie before ``taken`` and hardly ever after it."""
    look = role.look
    others = [name for name in look.times if name != taken and role_by_name(name) in ("start", "event")]
    filled = [name for name in others if look.profile[name].present >= _FILLED * look.rows]
    if not filled:
        return ()
    start, days = look.time(taken).date(), [without_sentinels(look.time(name)).date() for name in filled]
    counts = {f"b{place}": (day < start).sum() for place, day in enumerate(days)}
    counts |= {f"a{place}": (day > start).sum() for place, day in enumerate(days)}
    held = look.table.aggregate(**counts).to_pyarrow().to_pylist()[0]
    each = [(name, int(held[f"b{place}"] or 0), int(held[f"a{place}"] or 0)) for place, name in enumerate(filled)]
    return tuple(
        (name, before) for name, before, after in each if before >= _OFTEN * look.rows and after <= _SELDOM * look.rows
    )


def _borne_out(table_roles: TableRoles, names: Sequence[str]) -> tuple[str | None, tuple[int, int]]:
    """The last of the times before which hardly any customer has a row, if many have one before the first of them.

    Returns:
        that time, the customers with a row before the first of ``names``, and all who have rows.
    """
    home = table_roles.customers
    first_rows = [_days(role, table_roles) for role in table_roles.of("events")]
    if not first_rows:
        return None, (0, 0)
    rows = ibis.union(*first_rows) if len(first_rows) > 1 else first_rows[0]
    firsts = rows.group_by(OWNER).agg(**{_DAY: rows[_DAY].min()})
    starts = home.look.table.select(
        who=home.look.text(str(home.customer)),
        **{f"t{place}": without_sentinels(home.look.time(name)).date() for place, name in enumerate(names)},
    )
    both = starts.join(firsts, starts.who == firsts[OWNER])
    counts = {"all": both.count()}
    for place in range(len(names)):
        counts[f"n{place}"] = (both[_DAY] < both[f"t{place}"]).sum()
        counts[f"m{place}"] = both[f"t{place}"].cast("timestamp").epoch_seconds().mean()
    held = {name: float(value or 0) for name, value in both.aggregate(**counts).to_pyarrow().to_pylist()[0].items()}
    if held["all"] < _FEWEST or held["n0"] < _REFUTED * held["all"]:
        return None, (0, 0)
    fit = [place for place in range(1, len(names)) if held[f"n{place}"] <= _SELDOM * held["all"]]
    best = max(fit, key=lambda place: held[f"m{place}"], default=None)
    return None if best is None else names[best], (int(held["n0"]), int(held["all"]))


def _days(role: Role, table_roles: TableRoles) -> ibis.Table:
    rows = with_owner(role, table_roles, role.look.table.mutate(**{_DAY: role.look.time(str(role.times.first)).date()}))
    return rows.select(OWNER, _DAY)
