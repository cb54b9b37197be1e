"""The aggregates: how a feature is read from rows, gathered over a customer's rows, and finished.

A new aggregate is a class here, its name in `FUNCTIONS`, and a line of `HistoryFeature` in `data/contract/history.py`,
which says what it takes.
"""

# ruff: noqa: D102 - each method does what `Aggregate` says of it.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import ibis.expr.types as ir

from churn_mlops.data.contract import DAYS_OF_UNIT, HistoryContract, HistoryFeature, HistoryTable, Where
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text, read_cell
from churn_mlops.data.engine.collation import ordered, plain
from churn_mlops.data.engine.exact_sums import addend, put_together
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.data.snapshot.known_rows import TIME

Values = Mapping[str, ir.Value]


def named(prefix: str, parts: Values) -> dict[str, ir.Value]:
    """``parts`` as columns beside others: under their names, after ``prefix``."""
    return {f"{prefix}_{part}": value for part, value in parts.items()}


def parts_of(prefix: str, columns: Values) -> dict[str, ir.Value]:
    """The values that :func:`named` made columns of."""
    prefix = f"{prefix}_"
    return {name.removeprefix(prefix): value for name, value in columns.items() if name.startswith(prefix)}


@dataclass(frozen=True)
class Aggregate(ABC):
    """One feature's computation: ``inputs`` of each row, ``gather`` over a customer's rows, ``finish`` the feature.

    Args:
        feature: as the contract declares it.
        column: the database's name of the column that it reads, None where rows are counted.
        table: how the contract declares the table.
        as_of: its date is the last day of every window.
        engine: name of the Ibis backend.
    """

    empty: ClassVar[float | None] = None
    """The feature of a customer without rows; None is a missing value."""
    latest_row: ClassVar[bool] = False
    """Whether only a customer's latest row is gathered, chosen among the rows that `where` keeps."""

    feature: HistoryFeature
    column: str | None
    table: HistoryTable
    as_of: AsOf
    engine: str

    @property
    def where(self) -> Where:
        """Which rows are gathered."""
        return self.feature.where

    def inputs(self, rows: ir.Table) -> dict[str, ir.Value]:
        """The values needed of each row, besides its customer and its time."""
        return {} if self.column is None else {"value": self.read(rows[self.column])}

    def read(self, column: ir.Column) -> ir.Value:
        """The values that the cells of the feature's column stand for."""
        return read_cell(column, self.feature).value

    @abstractmethod
    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        """The values that the group-by takes from a customer's rows.

        Args:
            rows: with `TIME`.
            inputs: the columns of ``rows`` that hold what :meth:`inputs` gave.
            kept: whether a row lies in the window and `where` keeps it; None where all rows do.
        """

    @abstractmethod
    def finish(self, gathered: Values) -> ir.Value:
        """The feature, from what :meth:`gather` took: float64, boolean or text, by its type."""


class Count(Aggregate):
    """Number of rows."""

    empty: ClassVar[float | None] = 0.0

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        return {"rows": rows.count(where=kept)}

    def finish(self, gathered: Values) -> ir.Value:
        return gathered["rows"].cast("float64")


class Sum(Aggregate):
    """Exact sum of numbers; those that are not finite count as missing."""

    empty: ClassVar[float | None] = 0.0

    def read(self, column: ir.Column) -> ir.Value:
        # The sum leaves out by itself what is not finite: a column of numbers is taken as it stands.
        is_read = column.type().is_numeric() and not self.feature.missing_numbers
        return column if is_read else super().read(column)

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        parts = addend(inputs["value"])._asdict()
        return {part: value.sum(where=kept) for part, value in parts.items() if value is not None}

    def finish(self, gathered: Values) -> ir.Value:
        billionths = gathered.get("billionths")
        rest = None if billionths is None else billionths.fill_null(0)
        return put_together(gathered["whole"].fill_null(0), rest)


class Mean(Sum):
    """Exact mean of numbers."""

    empty = None

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        count = addend(inputs["value"]).whole.count(where=kept)
        return super().gather(rows, inputs, kept) | {"count": count}

    def finish(self, gathered: Values) -> ir.Value:
        return super().finish(gathered) / gathered["count"].nullif(0).cast("float64")


class Largest(Aggregate):
    """Largest value; of categories the last one by code point, of booleans true."""

    def read(self, column: ir.Column) -> ir.Value:
        value = super().read(column)
        return ordered(value, self.engine) if self.feature.type == "category" else value

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        return {"value": inputs["value"].max(where=kept)}

    def finish(self, gathered: Values) -> ir.Value:
        value = gathered["value"]
        if self.feature.type == "category":
            return plain(value, self.engine)
        if self.feature.type == "boolean":
            return value == 1.0
        # Which of 0.0 and -0.0 is the smaller depends on the order of the rows.
        return (value == 0.0).ifelse(0.0, value)


class Smallest(Largest):
    """Smallest value; of categories the first one by code point, of booleans false."""

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        return {"value": inputs["value"].min(where=kept)}


class Last(Largest):
    """Value of the latest row; of several such rows the largest, so that it does not depend on their order."""

    latest_row = True


class Distinct(Aggregate):
    """Number of different values: numbers by their value, anything else by its text."""

    empty: ClassVar[float | None] = 0.0

    def read(self, column: ir.Column) -> ir.Value:
        if column.type().is_numeric():
            return super().read(column)
        text, missing = as_text(column), self.feature.missing_values
        return text.isin(missing).ifelse(None, text) if missing else text

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        return {"values": inputs["value"].nunique(where=kept)}

    def finish(self, gathered: Values) -> ir.Value:
        return gathered["values"].cast("float64")


class SinceLast(Aggregate):
    """Days since the latest row."""

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        return {"time": rows[TIME].max(where=kept)}

    def finish(self, gathered: Values) -> ir.Value:
        return self.as_of.days_since(gathered["time"])


class AgeOf(Aggregate):
    """Time since the date of the latest row, in the feature's unit."""

    latest_row = True

    def inputs(self, rows: ir.Table) -> dict[str, ir.Value]:
        return {"time": time_of(rows, str(self.column), self.table)}

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        return {"time": inputs["time"].max(where=kept)}

    def finish(self, gathered: Values) -> ir.Value:
        return self.as_of.days_since(gathered["time"]) / DAYS_OF_UNIT[str(self.feature.unit)]


class Ratio(Aggregate):
    """Daily rate, of rows or of a sum, over a short window by the rate over a long one."""

    @property
    def where(self) -> Where:
        return {} if self.feature.ratio is None else self.feature.ratio.where

    @cached_property
    def _total(self) -> Aggregate:
        total = Count if self.column is None else Sum
        return total(self.feature, self.column, self.table, self.as_of, self.engine)

    @cached_property
    def _windows(self) -> dict[str, int]:
        days = () if self.feature.ratio is None else self.feature.ratio.days
        return dict(zip(("short", "long"), days, strict=True))

    def read(self, column: ir.Column) -> ir.Value:
        return self._total.read(column)

    def gather(self, rows: ir.Table, inputs: Values, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        found: dict[str, ir.Value] = {}
        for window, days in self._windows.items():
            within = self.as_of.within(rows[TIME], days)
            found |= named(window, self._total.gather(rows, inputs, within if kept is None else kept & within))
        return found

    def finish(self, gathered: Values) -> ir.Value:
        short, long = (self._total.finish(parts_of(window, gathered)) / days for window, days in self._windows.items())
        return short / long.nullif(0.0)


FUNCTIONS: Mapping[str, type[Aggregate]] = {
    "last": Last,
    "count": Count,
    "sum": Sum,
    "mean": Mean,
    "smallest": Smallest,
    "largest": Largest,
    "distinct": Distinct,
    "since_last": SinceLast,
    "age_of": AgeOf,
    "ratio": Ratio,
}
"""Each aggregate by its name in a contract."""


def function_of(feature: HistoryFeature, contract: HistoryContract, as_of: AsOf, engine: str) -> Aggregate:
    """The computation of ``feature``."""
    table, named = feature.reads
    column = None if named is None else contract.column(table, named)
    return FUNCTIONS[feature.aggregate](feature, column, contract.tables[table], as_of, engine)
