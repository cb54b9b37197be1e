"""Features that count, add up or compare the rows of one table, all of them by one group-by."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryFeature
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text, read_cell
from churn_mlops.data.engine.collation import ordered, plain
from churn_mlops.data.engine.exact_sums import addend, put_together
from churn_mlops.data.engine.optimization_fence import fenced
from churn_mlops.data.snapshot.known_rows import KEY, TIME, matches

ZERO_WITHOUT_ROWS = frozenset({"count", "sum", "distinct"})
"""Aggregates that are 0, not missing, where a customer has no rows."""


def aggregated(rows: ir.Table, features: Mapping[str, HistoryFeature], as_of: AsOf) -> ir.Table:
    """One row for each customer who has rows in time: `KEY` and each feature under its name.

    Numbers are float64, booleans boolean, categories text.

    Args:
        rows: those of the features' table that count, with `KEY` and `TIME`.
        features: of any aggregate but ``last`` and ``age_of``, which need a customer's latest row.
        as_of: its date is the last day of every window.
    """
    days = [feature.longest_days for feature in features.values()]
    known = [one for one in days if one is not None]
    if len(known) == len(days):
        rows = rows.filter(as_of.within(rows[TIME], max(known)))
    engine = rows.get_backend().name
    plans = {name: _Plan(f"f{place}", feature, as_of, engine) for place, (name, feature) in enumerate(features.items())}
    read = _selected(rows, plans, _Plan.cells)
    wide = _selected(read, plans, _Plan.columns)
    metrics = {name: value for plan in plans.values() for name, value in plan.metrics(wide).items()}
    made = wide.group_by(KEY).aggregate(**metrics)
    return made.select(**{KEY: made[KEY]}, **{name: plan.result(made) for name, plan in plans.items()})


def _selected(
    rows: ir.Table, plans: Mapping[str, _Plan], columns: Callable[[_Plan, ir.Table], dict[str, ir.Value]]
) -> ir.Table:
    needed = {name: value for plan in plans.values() for name, value in columns(plan, rows).items()}
    return rows.select(**{KEY: rows[KEY], TIME: rows[TIME]}, **needed)


class _Plan:
    """How one feature goes through the group-by: what its rows need, what is gathered, and what is made of that."""

    def __init__(self, prefix: str, feature: HistoryFeature, as_of: AsOf, engine: str) -> None:
        ratio = feature.ratio
        self._prefix = prefix
        self._feature = feature
        self._as_of = as_of
        self._engine = engine
        self._where = feature.where if ratio is None else ratio.where
        self._windows = (feature.days,) if ratio is None else ratio.days
        self._adds_up = feature.aggregate in ("sum", "mean") or (ratio is not None and ratio.sum is not None)

    def cells(self, rows: ir.Table) -> dict[str, ir.Value]:
        """What the cells of the feature's rows mean, by name."""
        found = {self._named("kept"): matches(rows, self._where)} if self._where else {}
        name = self._feature.reads[1]
        if name is not None:
            value = _number(rows[name], self._feature) if self._adds_up else self._compared(rows[name])
            found[self._named("value")] = fenced(value) if rows[name].type().is_string() else value
        return found

    def columns(self, read: ir.Table) -> dict[str, ir.Value]:
        """What is gathered of the feature's rows, by name."""
        found: dict[str, ir.Value | None] = {}
        if self._where:
            found["kept"] = read[self._named("kept")]
        if self._adds_up:
            found["whole"], found["billionths"] = addend(read[self._named("value")])
        elif self._feature.reads[1] is not None:
            found["value"] = read[self._named("value")]
        return {self._named(part): value for part, value in found.items() if value is not None}

    def metrics(self, wide: ir.Table) -> dict[str, ir.Value]:
        """What the group-by gathers, by name: for a ratio once for each window."""
        found: dict[str, ir.Value] = {}
        for place, days in enumerate(self._windows):
            for part, value in self._gathered(wide, self._condition(wide, days)).items():
                found[self._named(f"{part}_{place}")] = value
        return found

    def result(self, made: ir.Table) -> ir.Value:
        """The feature, from what was gathered."""
        aggregate = self._feature.aggregate
        if aggregate == "ratio":
            short, long = (self._total(made, place) / days for place, days in enumerate(self._windows) if days)
            return short / long.nullif(0.0)
        if aggregate in ("sum", "count"):
            return self._total(made, 0)
        found = made[self._named("found_0")]
        if aggregate == "mean":
            return self._total(made, 0) / found.nullif(0).cast("float64")
        if aggregate == "since_last":
            return self._as_of.days_since(found)
        if aggregate == "distinct":
            return found.cast("float64")
        return plain(found, self._engine) if self._feature.type == "category" else as_declared(found, self._feature)

    def _named(self, part: str) -> str:
        return f"{self._prefix}_{part}"

    def _condition(self, wide: ir.Table, days: int | None) -> ir.BooleanValue | None:
        kept = wide[self._named("kept")] if self._where else None
        if days is None:
            return kept
        within = self._as_of.within(wide[TIME], days)
        return within if kept is None else kept & within

    def _gathered(self, wide: ir.Table, kept: ir.BooleanValue | None) -> dict[str, ir.Value]:
        aggregate = self._feature.aggregate
        if self._adds_up:
            parts = [part for part in ("whole", "billionths") if self._named(part) in wide.columns]
            sums = {part: wide[self._named(part)].sum(where=kept) for part in parts}
            count = {"found": wide[self._named("whole")].count(where=kept)} if aggregate == "mean" else {}
            return sums | count
        if aggregate in ("count", "ratio"):
            return {"whole": wide.count(where=kept)}
        if aggregate == "since_last":
            return {"found": wide[TIME].max(where=kept)}
        value = wide[self._named("value")]
        method = {"smallest": value.min, "largest": value.max, "distinct": value.nunique}[aggregate]
        return {"found": method(where=kept)}

    def _total(self, made: ir.Table, place: int) -> ir.FloatingValue:
        billionths = self._named(f"billionths_{place}")
        rest = made[billionths].fill_null(0) if billionths in made.columns else None
        return put_together(made[self._named(f"whole_{place}")].fill_null(0), rest)

    def _compared(self, column: ir.Column) -> ir.Value:
        if self._feature.distinct is not None:
            return _different(column, self._feature)
        value = read_cell(column, self._feature).value
        return ordered(value, self._engine) if self._feature.type == "category" else value


def as_declared(value: ir.Value, feature: HistoryFeature) -> ir.Value:
    """A cell's value of ``read_cell`` as the snapshot holds it: a boolean as such, no negative zero among numbers."""
    if feature.type == "boolean":
        return value == 1.0
    # Which of 0.0 and -0.0 is the smaller depends on the order of the rows.
    return value if feature.type == "category" else (value == 0.0).ifelse(0.0, value)


def _number(column: ir.Column, feature: HistoryFeature) -> ir.Column:
    """What is added up: a column of numbers as it stands, for the sum leaves out by itself what is not finite."""
    as_it_stands = column.type().is_numeric() and not feature.missing_numbers
    return column if as_it_stands else read_cell(column, feature).value


def _different(column: ir.Column, feature: HistoryFeature) -> ir.Value:
    """What is counted once: a number by its value, anything else by its text."""
    kind = column.type()
    if kind.is_numeric():
        return read_cell(column, feature).value
    text = as_text(column)
    return text if not feature.missing_values else text.isin(feature.missing_values).ifelse(None, text)
