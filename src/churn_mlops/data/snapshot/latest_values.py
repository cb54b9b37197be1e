"""Features of a customer's latest row: last values, and the time since a date."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from churn_mlops.data.contract import DAYS_OF_UNIT, HistoryContract, HistoryFeature
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import read_cell
from churn_mlops.data.engine.collation import ordered, plain
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.data.snapshot.aggregates import as_declared
from churn_mlops.data.snapshot.known_rows import KEY, KNOWN, TIME, matches


def latest(rows: ir.Table, features: Mapping[str, HistoryFeature], as_of: AsOf, contract: HistoryContract) -> ir.Table:
    """One row for each customer who has rows: `KEY` and each feature under its name.

    The latest row is the one of the latest time, then the one that was known last. Of several such rows, the largest
    value is taken, so that the answer never depends on their order.

    Args:
        rows: those of the features' table that count, with `KEY`, `TIME` and `KNOWN`.
        features: with the aggregates ``last`` and ``age_of``, all with the same ``where``.
        as_of: its date ends the windows, and ages are told on it.
        contract: knows what columns are called in the database.
    """
    first = next(iter(features.values()))
    if first.where:
        rows = rows.filter(matches(rows, first.where))
    engine = rows.get_backend().name
    # Only what is needed goes on: an engine may keep these rows while it looks for the latest.
    values = {f"f{place}": _value(rows, feature, contract, engine) for place, feature in enumerate(features.values())}
    rows = rows.select(**{name: rows[name] for name in (KEY, TIME, KNOWN)}, **values)
    declared = contract.tables[first.reads[0]]
    for name in (TIME,) if declared.known == declared.time else (TIME, KNOWN):
        rows = _with_greatest(rows, name)
    made = rows.group_by(KEY).aggregate(**{TIME: rows[TIME].max()}, **{name: rows[name].max() for name in values})
    results = {
        name: _result(made, made[f"f{place}"], feature, as_of, engine)
        for place, (name, feature) in enumerate(features.items())
    }
    return made.select(**{KEY: made[KEY]}, **results)


def _with_greatest(rows: ir.Table, name: str) -> ir.Table:
    """Each customer's rows of his greatest ``name``. By a group-by and a join: a window would sort all rows."""
    greatest = rows.group_by(KEY).aggregate(greatest=rows[name].max())
    return rows.semi_join(greatest, [rows[KEY] == greatest[KEY], rows[name] == greatest.greatest])


def _value(rows: ir.Table, feature: HistoryFeature, contract: HistoryContract, engine: str) -> ir.Value:
    table, named = feature.reads
    column = contract.column(table, str(named))
    if feature.aggregate == "age_of":
        return time_of(rows, column, contract.tables[table])
    value = read_cell(rows[column], feature).value
    return ordered(value, engine) if feature.type == "category" else value


def _result(made: ir.Table, found: ir.Value, feature: HistoryFeature, as_of: AsOf, engine: str) -> ir.Value:
    if feature.aggregate == "age_of":
        return as_of.days_since(found) / DAYS_OF_UNIT[str(feature.unit)]
    value = plain(found, engine) if feature.type == "category" else as_declared(found, feature)
    return value if feature.days is None else as_of.within(made[TIME], feature.days).ifelse(value, None)
