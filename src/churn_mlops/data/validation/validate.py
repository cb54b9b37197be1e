"""Whether a table keeps its contract: rows that break a rule are counted in a few scans, then examples are read."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import DataContract, Label
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.findings import Problem as Problem
from churn_mlops.data.findings import ValidationReport as ValidationReport
from churn_mlops.data.findings import repeated
from churn_mlops.data.profiling.duplicate_columns import repeated_rows
from churn_mlops.data.validation.rules import Check, feature_checks, label_check, read_cells
from churn_mlops.suggestions import did_you_mean

_EXAMPLES = 5
_TOGETHER = 20  # features of one query: planning a query of hundreds takes an engine half a minute


def validate(table: ir.Table, contract: DataContract, *, need_label: bool = False) -> ValidationReport:
    """Check ``table`` against ``contract``; nothing is fetched but counts and the first rows that break a rule.

    Args:
        table: one row for each customer.
        contract: what the columns should hold.
        need_label: whether a model is trained on the rows, so that both classes must be there.
    """
    names = list(contract.features)
    batches = [names[first : first + _TOGETHER] for first in range(0, len(names), _TOGETHER)]
    cells = read_cells(table, contract, ())
    counted = [
        *(_count_features(table, contract, batch) for batch in batches),
        _count_rows(cells, contract, need_label),
    ]
    counts = {name: count for one in counted for name, count in one.counts.items()}
    rows = counts["rows"]
    problems = list(_structure(table, contract, need_label))
    if rows == 0:
        problems.append(Problem("stop", "", "empty_table", 0, (), "there are no rows: check the source"))
    problems += _customers(table, cells, contract, counts)
    for one in counted:
        broken = ((check, one.counts[f"check{place}"]) for place, check in enumerate(one.checks))
        problems += [_broken(one.cells, check, count) for check, count in broken if count]
    problems += _missing_more(table, contract, counts)
    if "label" in cells.columns and contract.label is not None and need_label and rows:
        problems += _label(contract.label, counts)
    return ValidationReport(rows, tuple(sorted(problems, key=lambda problem: problem.severity != "stop")))


class RuleCounts(NamedTuple):
    """Cells, the rules on them, and how many rows break each; with what else was counted in the same scan."""

    cells: ir.Table
    checks: list[Check]
    counts: dict[str, int]


def _count_features(table: ir.Table, contract: DataContract, names: list[str]) -> RuleCounts:
    """How many rows break each rule on some features, and how many cells are missing."""
    cells = read_cells(table, contract, names)
    missing = {name: cells[name].sum() for name in cells.columns if name.startswith("m") and name[1:].isdigit()}
    return _count(cells, feature_checks(cells, contract), missing)


def _count_rows(cells: ir.Table, contract: DataContract, need_label: bool) -> RuleCounts:
    """How many rows and customers there are, and how many rows have each label."""
    counts, checks = {"rows": cells.count()}, []
    if "customer" in cells.columns:
        counts["no_customer"] = cells["customer"].isnull().sum()
        counts["customers"] = cells["customer"].nunique()
    if "label" in cells.columns and contract.label is not None:
        counts["churned"] = (cells["label"] == contract.label.positive).sum()
        counts["retained"] = cells["label"].isin(contract.label.negatives).sum()
        checks = [label_check(cells, contract.label, need_label)]
    return _count(cells, checks, counts)


def _count(cells: ir.Table, checks: list[Check], more: dict[str, ir.Scalar]) -> RuleCounts:
    """One scan."""
    wanted = {f"check{place}": check.broken.sum() for place, check in enumerate(checks)} | more
    found = as_arrow(cells.aggregate(**wanted)).to_pylist()[0] if wanted else {}
    return RuleCounts(cells, checks, {name: int(count or 0) for name, count in found.items()})


def _structure(table: ir.Table, contract: DataContract, need_label: bool) -> Iterator[Problem]:
    needed = [contract.column_of(name) for name in contract.features]
    if contract.customer is not None:
        needed.insert(0, contract.customer)
    known = {*needed, *contract.set_aside}
    if contract.label is not None:
        known.add(contract.label.column)
        if need_label:
            needed.append(contract.label.column)
    elif need_label:
        yield Problem("stop", "", "no_label_declared", 0, (), "declare `label` in the contract: training needs one")
    spare = [name for name in table.columns if name not in known]
    for name in needed:
        if name not in table.columns:
            hint = did_you_mean(name, spare or table.columns)
            yield Problem("stop", name, "missing_column", 0, (), f"the table has no such column; {hint}")
    for name in spare:
        yield Problem(
            "warning", name, "extra_column", 0, (), "not in the contract, so not looked at; `churn init` adds it"
        )


def _customers(table: ir.Table, cells: ir.Table, contract: DataContract, counts: dict[str, int]) -> Iterator[Problem]:
    if "customer" not in cells.columns or contract.customer is None:
        return
    column, text = contract.customer, cells["customer"]
    if counts["no_customer"]:
        check = Check("stop", column, "customer_missing", text.isnull(), text, "every row needs its customer")
        yield _broken(cells, check, counts["no_customer"])
    again = counts["rows"] - counts["no_customer"] - counts["customers"]
    if again:
        twice = (
            cells.filter(text.notnull()).group_by("customer").agg(k=lambda t: t.count(), first=lambda t: t.place.min())
        )
        twice = as_arrow(twice.filter(twice.k > 1).order_by("first").limit(_EXAMPLES)).to_pylist()
        examples = tuple((str(row["customer"]), f"{row['k']} rows") for row in twice)
        advice = repeated(again, repeated_rows(table, column))
        yield Problem("stop", column, "customer_repeated", again, examples, advice)


def _broken(cells: ir.Table, check: Check, rows: int) -> Problem:
    customer = cells["customer"] if "customer" in cells.columns else ibis.null("string")
    first = cells.select(place=cells["place"], customer=customer, shown=check.shown.cast("string"), broken=check.broken)
    first = as_arrow(first.filter(first.broken).order_by("place").limit(_EXAMPLES)).to_pylist()
    examples = tuple(
        (row["customer"] if row["customer"] is not None else f"row {row['place'] + 1} of the data", row["shown"] or "")
        for row in first
    )
    advice = check.advice
    if check.rule == "unknown_level":
        advice = f"{_levels(cells, check)}; {advice}"
    return Problem(check.severity, check.column, check.rule, rows, examples, advice)


def _levels(cells: ir.Table, check: Check) -> str:
    """The unknown levels and how often each stands there."""
    levels = cells.select(level=check.shown, broken=check.broken)
    levels = levels.filter(levels.broken).group_by("level").agg(k=lambda t: t.count())
    found = as_arrow(levels.order_by([ibis.desc("k"), "level"]).limit(_EXAMPLES + 1)).to_pylist()
    shown = ", ".join(f"{row['level']!r} ({row['k']:,})" for row in found[:_EXAMPLES])
    return shown + (", ..." if len(found) > _EXAMPLES else "")


def _missing_more(table: ir.Table, contract: DataContract, counts: dict[str, int]) -> Iterator[Problem]:
    """Features that are missing far more often than the contract has seen, beyond chance; if it says what it saw."""
    rows = counts["rows"]
    for place, (name, feature) in enumerate(contract.features.items()):
        missing = counts.get(f"m{place}", 0)
        undeclared = not feature.required and "missing" not in feature.model_fields_set
        if rows == 0 or not missing or undeclared:
            continue
        # Three standard errors above usual; a column that was never missing counts as one that is in 1 % of rows.
        usual = max(feature.missing, 0.01)
        beyond_chance = usual + 3 * math.sqrt(usual * (1 - usual) / rows)
        if missing / rows > max(min(3 * feature.missing, 0.5), beyond_chance):
            advice = f"missing in {missing / rows:.1%}, usually in {feature.missing:.1%}: did its source fail?"
            yield Problem("warning", contract.column_of(name), "missing_more", missing, (), advice)


def _label(label: Label, counts: dict[str, int]) -> Iterator[Problem]:
    if not counts["churned"] and not counts["retained"]:
        advice = f"no row says {label.positive!r} or {label.stayed}: training needs rows whose label is known"
        yield Problem("stop", label.column, "label_unknown", counts["rows"], (), advice)
    elif not counts["churned"] or not counts["retained"]:
        left, stayed = repr(label.positive), label.stayed
        present, absent = (left, stayed) if counts["churned"] else (stayed, left)
        advice = f"every known label is {present}, none is {absent}: training needs both"
        yield Problem("stop", label.column, "label_constant", counts["churned"] + counts["retained"], (), advice)
