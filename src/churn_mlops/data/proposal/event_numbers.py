"""Whole numbers of events: quantities are summed, codes are counted, and a place in the calendar is neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt

from churn_mlops.data.contract import ExcludedColumn
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.engine.cell_values import read_cell
from churn_mlops.data.profiling.numeric_codes import may_be_code
from churn_mlops.data.profiling.quantity_names import names_quantity
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.column_types import feature_of, type_of

_EXPLAINED = 0.98  # of the variance, so much is explained by the time where it gives the number
_CORRELATED = 0.99
_FEWEST = 20  # days with rows, below which nothing follows from them
_DENSE = 2.0  # rows of a day, on average, from which the rows of a day can be compared with each other

_Floats = npt.NDArray[np.float64]


def names_nothing(column: ColumnProfile) -> bool:
    """Whether ``column`` holds whole numbers, taken for a quantity, although its name does not say so."""
    return column.whole and type_of(column) == "number" and not names_quantity(column.name)


def counted_as_codes(columns: Sequence[ColumnProfile]) -> frozenset[str]:
    """Names of ``columns`` that may be codes: their different values are counted."""
    return frozenset(column.name for column in columns if type_of(column) == "number" and may_be_code(column))


def in_calendar(look: ProfiledTable, time: str, columns: Sequence[ColumnProfile]) -> dict[str, ExcludedColumn]:
    """The ``columns`` that the time of the row gives, such as a week, a year, or a number of the day.

    Args:
        look: the table of events.
        time: the column of the time when a row happened.
        columns: the columns in question.
    """
    note = f"follows from {time}, as a week or a year does, so it counts nothing"
    able = [column for column in columns if names_nothing(column) and column.distinct > 1]
    return {
        column.name: ExcludedColumn(reason="date", note=note) for column in able if _is_given_by(look, time, column)
    }


def _is_given_by(look: ProfiledTable, time: str, column: ColumnProfile) -> bool:
    """Whether rows of one day, or of one hour of any day, have the same number, and others other ones.

    In a table with hardly two rows a day, whether the number grows with a part of the calendar.
    """
    value = read_cell(look.table[column.name], feature_of(column)).value
    rows = look.table.select(at=look.time(time), value=value).filter(lambda t: t["at"].notnull() & t.value.notnull())
    days = _grouped(rows, rows["at"].date())
    if len(days.keys) < _FEWEST:
        return False
    if days.rows.sum() >= _DENSE * len(days.keys):
        return _explains(days) or _explains(_grouped(rows, rows["at"].hour()))
    return any(_correlated(days.mean, part) for part in _parts_of([date.fromisoformat(day) for day in days.keys]))


@dataclass(frozen=True)
class _Groups:
    """Groups of rows: the key of each, how many rows it has, the mean and the variance of their values."""

    keys: list[str]
    rows: _Floats
    mean: _Floats
    variance: _Floats


def _grouped(rows: ir.Table, key: ir.Value) -> _Groups:
    groups = rows.mutate(key=key.cast("string")).group_by("key")
    found = groups.aggregate(
        rows=lambda t: t.count().cast("float64"),
        mean=lambda t: t.value.mean(),
        variance=lambda t: t.value.var(how="pop").fill_null(0.0),
    )
    held = found.order_by("key").to_pyarrow()
    return _Groups(held["key"].to_pylist(), *(held[name].to_numpy() for name in ("rows", "mean", "variance")))


def _explains(groups: _Groups) -> bool:
    """Whether hardly any variance is left within ``groups``."""
    weight = groups.rows / groups.rows.sum()
    between = float(weight @ (groups.mean - weight @ groups.mean) ** 2)
    return between > 0 and between >= _EXPLAINED * (between + float(weight @ groups.variance))


def _parts_of(days: Sequence[date]) -> list[_Floats]:
    """Parts of the calendar that ``days`` lie in: years, months, weeks, days of the year, month and week, and days."""
    parts = [
        (day.year, day.month, day.isocalendar().week, int(f"{day:%j}"), day.day, day.weekday(), day.isoweekday() % 7)
        for day in days
    ]
    counted = [day.toordinal() for day in days]
    return [np.asarray(part, dtype=np.float64) for part in (*zip(*parts, strict=True), counted)]


def _correlated(numbers: _Floats, part: _Floats) -> bool:
    if not numbers.std() or not part.std():
        return False
    return float(np.corrcoef(numbers, part)[0, 1]) >= _CORRELATED
