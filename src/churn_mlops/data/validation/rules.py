"""The rules that a contract sets, each as an expression that is true for a row that breaks it."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import ABSURD, DataContract, Feature, Label
from churn_mlops.data.contract.number_format import NumberFormat
from churn_mlops.data.engine.cell_values import as_text, read_cell
from churn_mlops.data.findings import Severity


@dataclass(frozen=True)
class Check:
    """One rule: ``broken`` is true for a row that breaks it; ``shown`` is what to show of such a row."""

    severity: Severity
    column: str
    rule: str
    broken: ir.BooleanColumn
    shown: ir.Column
    advice: str


def read_cells(table: ir.Table, contract: DataContract, names: Container[str]) -> ir.Table:
    """The features of ``names``, read once: the value of each, whether it is bad or missing; with customer and label.

    A feature's columns carry its place in the contract.
    """
    columns: list[ir.Value] = []
    if contract.customer in table.columns:
        columns.append(as_text(table[contract.customer]).name("customer"))
    if contract.label is not None and contract.label.column in table.columns:
        columns.append(as_text(table[contract.label.column]).name("label"))
    for place, (name, feature) in enumerate(contract.features.items()):
        column = contract.column_of(name)
        if name in names and column in table.columns:
            cell = read_cell(table[column], feature)
            columns += [cell.value.name(f"v{place}"), cell.bad.name(f"b{place}"), cell.missing.name(f"m{place}")]
            columns.append(table[column].name(f"raw{place}"))
    return table.select([*columns, _place(table).name("place")])


# Spark's own function, called by its name; only its type stands here.
@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def monotonically_increasing_id() -> int:  # type: ignore[empty-body]
    """Spark's number of a row: ascending, with gaps."""


def _place(table: ir.Table) -> ir.IntegerColumn:
    """The place of each row. Counting rows one by one would take all of them through one task of Spark."""
    if table.get_backend().name == "pyspark":
        return monotonically_increasing_id()
    return ibis.row_number()


def feature_checks(cells: ir.Table, contract: DataContract) -> list[Check]:
    """The rules on the features that :func:`read_cells` read, in the order of the contract."""
    checks: list[Check] = []
    for place, (name, feature) in enumerate(contract.features.items()):
        column = contract.column_of(name)
        if f"v{place}" not in cells.columns:
            continue
        value, bad, raw = cells[f"v{place}"], cells[f"b{place}"], cells[f"raw{place}"]
        if feature.type == "number":
            checks.append(_bad_number(column, feature.number_format, bad, raw))
            checks += _number_checks(column, feature, value)
        elif feature.type == "boolean":
            advice = (
                "write 1/0, true/false or yes/no, or declare `type: category` with its `levels`; if the text means "
                "missing, list it under `missing_values`"
            )
            checks.append(Check("stop", column, "not_yes_or_no", bad, as_text(raw), advice))
        else:
            unknown = value.notnull() & ~value.isin(feature.levels or ())
            advice = "a new level counts as no level: add it to `levels` and train again, or correct it"
            checks.append(Check("warning", column, "unknown_level", unknown, value, advice))
    return checks


def _bad_number(column: str, number_format: NumberFormat, bad: ir.BooleanColumn, raw: ir.Column) -> Check:
    if raw.type().is_numeric():
        return Check("stop", column, "infinite", bad, raw, "leave the cell blank where the number is not known")
    plain = number_format.is_plain
    way = "with a decimal point and no thousands sign" if plain else f"as in {number_format.example()!r}"
    declared = ", declare how numbers are written (`decimal`, `thousands`, `around`)" if plain else ""
    advice = f"write a number {way}{declared}, or list the text under `missing_values`"
    return Check("stop", column, "not_a_number", bad, as_text(raw), advice)


def _number_checks(column: str, feature: Feature, value: ir.FloatingColumn) -> list[Check]:
    absurd = value.abs() > ABSURD
    checks = [Check("stop", column, "absurd", absurd, value, "no such number is measured: leave the cell blank")]
    beyond = absurd
    if feature.min is not None:
        below = (value < feature.min) & ~absurd
        beyond = beyond | below
        checks.append(Check("stop", column, "below_min", below, value, f"correct it, or lower `min` ({feature.min:g})"))
    if feature.max is not None:
        above = (value > feature.max) & ~absurd
        beyond = beyond | above
        checks.append(Check("stop", column, "above_max", above, value, f"correct it, or raise `max` ({feature.max:g})"))
    if feature.range is not None:
        low, high = feature.range
        outside = ~value.between(low, high) & ~beyond
        advice = f"so far {low:g} to {high:g}: check the unit; if it is right, widen `range` when training again"
        checks.append(Check("warning", column, "outside_range", outside, value, advice))
    return checks


def label_check(cells: ir.Table, label: Label, need_label: bool) -> Check:
    """The rule that a label is one of its values, or blank."""
    text = cells["label"]
    other = text.notnull() & ~text.isin([label.positive, *label.negatives])
    advice = f"a label is {label.positive!r}, {label.stayed}, or blank where it is not known yet"
    return Check("stop" if need_label else "warning", label.column, "label_other_value", other, text, advice)
