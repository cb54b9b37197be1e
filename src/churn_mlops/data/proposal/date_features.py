"""Dates of a flat table as features: the days from each to the day on which the rows were taken, or until it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import ExcludedColumn, Feature
from churn_mlops.data.discovery.time_columns import TimeColumn, time_column
from churn_mlops.data.discovery.time_roles import role_by_name
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.engine.timestamps import parsed_time
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import title
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.suggestions import words

_TAKEN = frozenset(
    "snapshot asof reference extract extracted extraction export exported observation cutoff reporting stichtag".split()
)
_PAST = 0.999
"""Least share of the dates that have come: one of a thousand may be a slip."""
_AHEAD = 0.5
"""Least share of the dates of a planned day, such as the end of a contract, that lie ahead."""


@dataclass(frozen=True)
class DateFeatures:
    """The features of the dates of a flat table, and what was noticed.

    Attributes:
        features: by name.
        as_of: the column of the day on which each row was taken; None where there is none.
        formats: how the columns write dates as text, if not as ISO 8601.
        used: the columns that are read.
        leaks: the columns with dates that had not come, each with the reason.
        findings: about the day.
    """

    features: Mapping[str, Feature] = field(default_factory=dict)
    as_of: str | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    used: frozenset[str] = frozenset()
    leaks: Mapping[str, ExcludedColumn] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def date_features(
    table: ir.Table, columns: Sequence[ColumnProfile], aside: Mapping[str, ExcludedColumn], day: date | None
) -> DateFeatures:
    """The features of the excluded dates of ``table``, where the day is known on which its rows were taken.

    Args:
        table: one row for each customer.
        columns: those that may be features.
        aside: the excluded ones, each with its reason.
        day: on which the rows were taken, where a person has said it.
    """
    able = [one for one in columns if one.name in aside and aside[one.name].reason in ("date", "constant")]
    times = {one.name: time for one in able if (time := time_column(table[one.name], one)) is not None}
    dates = {name: time for name, time in times.items() if aside[name].reason == "date"}
    taken = None if day is not None else next((name for name in times if _says_when_taken(name)), None)
    dates.pop(str(taken), None)
    if not dates:
        return DateFeatures()
    if day is None and taken is None:
        named = ", ".join(dates)
        what = (
            f"{named} hold{'s' if len(dates) == 1 else ''} dates. On which day were the rows taken? Say "
            "`--as-of YYYY-MM-DD`: then the days since each date, or until it, are features"
        )
        return DateFeatures(findings=(Finding(None, "as_of_unknown", what),))
    as_of = ibis.literal(day) if day is not None else _day_of(table, times[str(taken)])
    return _counted(table, dates, taken, as_of, f"on {day}" if day is not None else f"on the day in {taken}", times)


def _counted(
    table: ir.Table,
    dates: Mapping[str, TimeColumn],
    taken: str | None,
    as_of: ir.DateValue,
    when: str,
    times: Mapping[str, TimeColumn],
) -> DateFeatures:
    features: dict[str, Feature] = {}
    leaks: dict[str, ExcludedColumn] = {}
    for name, (present, after) in _ahead(table, dates, as_of).items():
        gone = 1 - present / max(int(table.count().to_pyarrow().as_py()), 1)
        data = {"type": "number", "unit": "days", "required": False, "missing": round(gone, 6)}
        if after <= (1 - _PAST) * present:
            features[_named("days_since", name, table)] = Feature(
                since=name, title=f"days since {title(name)}", **data | ({"min": 0} if not after else {})
            )
        elif role_by_name(name) in ("end", "other") and after >= _AHEAD * present:
            features[_named("days_until", name, table)] = Feature(until=name, title=f"days until {title(name)}", **data)
        else:
            note = f"{after:,} of its {present:,} dates had not come {when}, when the rows were taken"
            leaks[name] = ExcludedColumn(reason="suspected_leak", note=note)
    used = {str(feature.date_column) for feature in features.values()}
    read = used | ({taken} if taken is not None else set())
    formats = {name: text for name in read if (text := times[name].format) is not None}
    what = f"the rows were taken {when}, and dates are read as days from or to it: {', '.join(sorted(used))}"
    findings = (Finding(None, "as_of", what),) if used else ()
    return DateFeatures(features, taken if used else None, formats, frozenset(used), leaks, findings)


def _says_when_taken(name: str) -> bool:
    found = words(name)
    return bool(set(found) & _TAKEN) or ("as", "of") in pairwise(found)


def _day_of(table: ir.Table, time: TimeColumn) -> ir.DateValue:
    return without_sentinels(parsed_time(table[time.name], time.format)).date()


def _ahead(table: ir.Table, dates: Mapping[str, TimeColumn], as_of: ir.DateValue) -> dict[str, tuple[int, int]]:
    """How many dates each column holds, and how many of them lie after ``as_of``."""
    counts: dict[str, ir.Scalar] = {}
    for place, time in enumerate(dates.values()):
        day = _day_of(table, time)
        counts |= {f"present{place}": day.count(), f"after{place}": (day > as_of).sum()}
    held = as_arrow(table.aggregate(**counts)).to_pylist()[0]
    return {name: (int(held[f"present{place}"]), int(held[f"after{place}"] or 0)) for place, name in enumerate(dates)}


def _named(what: str, column: str, table: ir.Table) -> str:
    name = f"{what}_{'_'.join(words(column)) or column}"
    return name if name not in table.columns else f"{name}_counted"
