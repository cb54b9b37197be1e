"""The as-of date of a run, and the day until which the source is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis.expr.types as ir

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.findings import Problem
from churn_mlops.data.snapshot.date_range import complete_day, newest_row
from churn_mlops.data.snapshot.label_freshness import stale_labels
from churn_mlops.errors import ConfigError

STALE_DAYS = 7


def as_of_date(
    as_of: str, tables: Mapping[str, ir.Table], contract: HistoryContract, today: date, newest: date | None = None
) -> date:
    """The as-of date of a run.

    Args:
        as_of: the setting ``source.as_of``: "today", "latest" (the last complete day of the source), or a date (ISO).
        tables: of the history, by their keys in the contract.
        contract: what they mean.
        today: the present day.
        newest: the day of the newest row, where it is known; otherwise the tables are asked for it.
    """
    if as_of == "today":
        return today
    if as_of != "latest":
        return date.fromisoformat(as_of)
    return complete_day(newest or newest_row(tables, contract, today), contract)


def day_of_table(as_of: str, contract: DataContract, today: date) -> date:
    """The as-of date of a flat table: the present day, unless features count days and the setting names their day.

    Args:
        as_of: the setting ``source.as_of``.
        contract: of the table; where it names a column of as-of dates, the setting is not read.
        today: the present day.

    Raises:
        ConfigError: the setting is "latest", which is a day of a history.
    """
    counts_days = any(feature.date_column is not None for feature in contract.features.values())
    if not counts_days or contract.as_of is not None or as_of == "today":
        return today
    if as_of == "latest":
        raise ConfigError(
            "source.as_of is `latest`, and a table with one row for each customer has no newest day: set it to the day "
            "on which the rows were taken, or to `today`"
        )
    return date.fromisoformat(as_of)


def loaded_until(as_of: str, tables: Mapping[str, ir.Table], contract: HistoryContract, today: date) -> date:
    """The day until which labels are known: the as-of date, or the day where the source stops to record churn.

    A database says nothing of what came after its newest row: read as of today, an old one would say that all stayed.
    The same holds where the table of churn dates is no longer loaded, while the other tables are.

    Args:
        as_of: as in :func:`as_of_date`.
        tables: of the history, by their keys in the contract.
        contract: what they mean.
        today: the present day.
    """
    newest = newest_row(tables, contract, today)
    lag = stale_labels(tables, contract, today, newest)
    return min(as_of_date(as_of, tables, contract, today, newest), newest if lag is None else lag.until)


def not_loaded(
    tables: Mapping[str, ir.Table], contract: HistoryContract, day: date, today: date, newest: date
) -> tuple[Problem, ...]:
    """Warnings of data missing at the as-of date ``day``: the source, or its table of churn dates, ends days before.

    Args:
        tables: of the history, by their keys in the contract.
        contract: what they mean.
        day: the as-of date.
        today: the present day.
        newest: the day of the newest row.
    """
    lag = stale_labels(tables, contract, today, newest)
    found = []
    if (day - newest).days > STALE_DAYS:
        message = (
            f"the newest row is of {newest}, {(day - newest).days:,} days before the as-of date {day}: has its loading "
            "stopped? A database that is no longer written is read with `source.as_of: latest`"
        )
        found.append(Problem("warning", "", "stale_source", 0, (), message))
    if lag is not None and (min(day, newest) - lag.until).days > STALE_DAYS:
        message = (
            f"the newest row is of {lag.until}, the other tables go on to {lag.newest}; in the year before, no more "
            f"than {_days(lag.usual_days)} passed without one. Has its loading stopped? It holds the churn dates: "
            "after its newest row, labels and active customers are unknown. Load it"
        )
        found.append(Problem("warning", lag.table, "ends_behind", 0, (), message))
    return tuple(found)


def _days(count: int) -> str:
    return f"{count:,} day{'' if count == 1 else 's'}"
