"""The as-of date of a run, and until when the source is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.findings import Problem
from churn_mlops.data.snapshot.date_range import last_day
from churn_mlops.data.snapshot.label_freshness import stale_labels

STALE_DAYS = 7


def as_of_date(settings: Settings, tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> date:
    """The as-of date of a run: today, the last complete day of the source, or the day that ``source.as_of`` names."""
    wanted = settings.source.as_of
    if wanted == "today":
        return today
    return last_day(tables, contract, today) if wanted == "latest" else date.fromisoformat(wanted)


def loaded_until(settings: Settings, tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> date:
    """Until when labels may have matured: the as-of date of a run, or the day up to which the source tells who left.

    Of what came after its newest row a database says nothing; read as of today, an old one would say that all stayed.
    Nor does it where the table that tells who left is loaded no more, while the others are.
    """
    lag = stale_labels(tables, contract, today)
    known = last_day(tables, contract, today) + timedelta(days=1) if lag is None else lag.until
    return min(as_of_date(settings, tables, contract, today), known)


def not_loaded(
    tables: Mapping[str, ir.Table], contract: HistoryContract, day: date, today: date
) -> tuple[Problem, ...]:
    """What is missing on the as-of date ``day``: the source ends days before it, or the table that tells who left."""
    newest = last_day(tables, contract, today) + timedelta(days=1)
    lag = stale_labels(tables, contract, today)
    found = []
    if (day - newest).days > STALE_DAYS:
        said = (
            f"the newest row is of {newest}, {(day - newest).days:,} days before the as-of date {day}: has its loading "
            "stopped? A database that is no longer written is read with `source.as_of: latest`"
        )
        found.append(Problem("warning", "", "stale_source", 0, (), said))
    if lag is not None and (min(day, newest) - lag.until).days > STALE_DAYS:
        said = (
            f"the newest row is of {lag.until}, the other tables go on to {lag.newest}; in the year before, no more "
            f"than {_days(lag.usual_days)} passed without one. Has its loading stopped? It tells who left: labels are "
            "known up to there only, and who is a customer today is not told. Load it"
        )
        found.append(Problem("warning", lag.table, "ends_behind", 0, (), said))
    return tuple(found)


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"
