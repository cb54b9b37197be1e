"""The contract that a look at a table suggests, and everything noticed on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis.expr.types as ir

from churn_mlops.data.contract import LABEL, DataContract, ExcludedColumn, Label
from churn_mlops.data.findings import Finding
from churn_mlops.data.leakage.univariate import suspects
from churn_mlops.data.profiling.copied_rows import copied_rows
from churn_mlops.data.profiling.duplicate_columns import blank_rules, find_copies, repeated_rows
from churn_mlops.data.profiling.label_values import LabelCounts, may_be_label, read_label
from churn_mlops.data.profiling.sample import Sample, take_sample
from churn_mlops.data.profiling.table_profile import ColumnProfile, Profile, profile_table
from churn_mlops.data.proposal.column_types import feature_of
from churn_mlops.data.proposal.date_features import date_features
from churn_mlops.data.proposal.excluded_columns import exclusion_of
from churn_mlops.data.proposal.findings.column_findings import on_column, on_customer, on_label
from churn_mlops.data.proposal.findings.shape_findings import on_shape
from churn_mlops.data.proposal.option_hints import on_copies, on_history, on_no_label, on_rows
from churn_mlops.data.proposal.survival_times import survival_times
from churn_mlops.data.sources.dataframes import table_of_frame
from churn_mlops.errors import ContractError
from churn_mlops.suggestions import did_you_mean

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Proposal:
    """A contract for a table, and what was noticed.

    Attributes:
        contract: what the table seems to mean; a person may change it.
        findings: what was noticed, the table first, then by column in the order of the table.
        profile: the counts that it rests on.
    """

    contract: DataContract
    findings: tuple[Finding, ...]
    profile: Profile

    def overview(self) -> list[dict[str, str]]:
        """One row of texts for each column: ``column``, ``used_as``, ``type``, ``missing`` and ``values``."""
        return [_overview_row(column, self.contract) for column in self.profile.columns]


def propose(
    table: ir.Table,
    *,
    name: str,
    customer: str | None = None,
    label: str | None = None,
    positive: object = None,
    knows_label: bool = False,
    as_of: date | None = None,
) -> Proposal:
    """Look at ``table`` and suggest its contract.

    Args:
        table: one row for each customer.
        name: what to call the data set.
        customer: column that names the customer; None where there is none.
        label: column that says who left; None where there is none.
        positive: value of ``label`` of a customer who left; None takes it where it is obvious.
        knows_label: the label is elsewhere, so no column is kept out of the features for being perhaps the label.
        as_of: the day on which the rows were taken; None takes it from a column that says so.

    Raises:
        ContractError: ``customer`` or ``label`` is not a column, the label has not two values, or nothing is left to
            learn from.
    """
    for role, column in (("customer", customer), ("label", label)):
        if column is not None and column not in table.columns:
            raise ContractError(f"there is no column {column!r} for the {role}; {did_you_mean(column, table.columns)}")
    if label is not None and customer == label:
        raise ContractError(f"column {label!r} cannot be both the customer and the label")
    if LABEL in table.columns:
        raise ContractError(f"{name}: the column {LABEL!r} has a name that is kept for labels: give it another name")
    profile = profile_table(table)
    if profile.rows == 0:
        raise ContractError(f"{name}: the table has no rows, so nothing is known about it")
    counts = read_label(profile[label], positive) if label is not None else None
    columns = [column for column in profile.columns if column.name not in (customer, label)]
    aside, leaks = _excluded_columns(table, columns, counts, profile.rows)
    if label is None and not knows_label:
        aside = {**aside, **_perhaps_labels(columns, aside)}
    if label is not None:
        aside = {**aside, **survival_times(columns, aside, label)}
    dates = date_features(table, columns, aside, as_of)
    aside = {name: why for name, why in {**aside, **dates.leaks}.items() if name not in dates.used | {dates.as_of}}
    kept = [column for column in columns if column.name not in {*aside, *dates.used, dates.as_of}]
    if not kept and not dates.features:
        reasons = ", ".join(f"{column} ({why.reason.replace('_', ' ')})" for column, why in aside.items())
        typed = next((f". {column} {why.note}" for column, why in aside.items() if why.reason == "type"), "")
        raise ContractError(f"{name}: no column is left to learn from: {reasons or 'there is none'}{typed}")
    contract = DataContract(
        name=name,
        customer=customer,
        label=counts.label if counts else None,
        as_of=dates.as_of,
        formats=dates.formats,
        features={column.name: feature_of(column) for column in kept} | dict(dates.features),
        set_aside=aside,
    )
    shape = [] if knows_label else on_shape(profile, contract)
    found = _findings(table, profile, contract, counts, leaks)
    return Proposal(contract, (*dates.findings, *shape, *found), profile)


def _perhaps_labels(columns: Sequence[ColumnProfile], aside: Mapping[str, ExcludedColumn]) -> dict[str, ExcludedColumn]:
    note = "may say who left, and no label is named"
    found = (column.name for column in columns if column.name not in aside and may_be_label(column))
    return {name: ExcludedColumn(reason="suspected_leak", note=note) for name in found}


def propose_for_frame(frame: pd.DataFrame, *, customer: str | None = None, name: str = "data") -> Proposal:
    """The same for a DataFrame without a label, whose columns may hold mixed things.

    Raises:
        ContractError: as :func:`propose`.
        DataError: a column's name is not a text, or stands there twice.
    """
    return propose(table_of_frame(frame), name=name, customer=customer, knows_label=True)


def _excluded_columns(
    table: ir.Table, columns: Sequence[ColumnProfile], counts: LabelCounts | None, rows: int
) -> tuple[dict[str, ExcludedColumn], dict[str, str]]:
    """Columns that the model shall not see, in table order, and remarks on those that may be leaks but stay.

    The first of several reasons wins, in the order of ``exclusion_of``; the last is that a column repeats another.
    """
    alive = [column for column in columns if column.kind != "other" and column.present and column.distinct]
    if not alive:
        return {column.name: why for column in columns if (why := exclusion_of(column, None))}, {}
    sample = _sample(table, alive, counts, rows)
    suspicions = {found.column: found for found in suspects(alive, sample)}
    aside: dict[str, ExcludedColumn] = {}
    for column in columns:
        reason = exclusion_of(column, suspicions.get(column.name))
        if reason is not None:
            aside[column.name] = reason
    kept = [column for column in columns if column.name not in aside]
    for copy, original in find_copies(table, kept, sample).items():
        aside[copy] = ExcludedColumn(reason="duplicate", note=f"says the same as {original}")
    ordered = {column.name: aside[column.name] for column in columns if column.name in aside}
    return ordered, {found.column: found.message for found in suspicions.values() if not found.sure}


def _sample(table: ir.Table, columns: Sequence[ColumnProfile], counts: LabelCounts | None, rows: int) -> Sample:
    label: Label | None = counts.label if counts else None
    return take_sample(table, columns, label, (counts.stayed, counts.left) if counts else (rows, 0))


def _findings(
    table: ir.Table, profile: Profile, contract: DataContract, counts: LabelCounts | None, leaks: dict[str, str]
) -> tuple[Finding, ...]:
    found = on_label(counts, profile.rows) if counts else on_no_label(profile)
    found += on_history(profile, contract)
    copies = _copies(table, profile, contract)
    if contract.customer is not None:
        who = profile[contract.customer]
        found += on_customer(who, repeated_rows(table, who.name) if who.distinct < who.present else 0)
    else:
        found += on_rows(0 if copies else repeated_rows(table), profile, contract)
    found += on_copies(copies, contract)
    features = [column for column in profile.columns if column.name in contract.features]
    rules = blank_rules(table, features)
    for column in profile.columns:
        if column.name in contract.set_aside or column.name in contract.features:
            found += on_column(column, contract, rules.get(column.name), leaks.get(column.name))
    return tuple(found)


def _copies(table: ir.Table, profile: Profile, contract: DataContract) -> int:
    """How many rows are copies of an earlier one under another customer ID; 0 where a customer repeats, or no label."""
    who = profile[contract.customer] if contract.customer is not None else None
    if contract.label is None or (who is not None and who.distinct < who.present):
        return 0
    named = (contract.features[name].date_column or contract.column_of(name) for name in contract.features)
    features = sorted((profile[name] for name in named), key=lambda one: one.distinct)
    return copied_rows(table, [column.name for column in features], features[-1].name, contract.label)


def _overview_row(column: ColumnProfile, contract: DataContract) -> dict[str, str]:
    gone = column.rows - column.present
    row = {
        "column": column.name,
        "used_as": "feature",
        "type": "",
        "missing": f"{gone:,}" if gone else "",
        "values": "",
    }
    if column.name == contract.customer:
        return row | {"used_as": "customer"}
    if column.name == contract.as_of:
        return row | {"used_as": "as-of date"}
    counted = next((one for one in contract.features.values() if one.date_column == column.name), None)
    if counted is not None:
        return row | {"type": "number", "values": "days since then" if counted.since else "days until then"}
    if contract.label is not None and column.name == contract.label.column:
        return row | {"used_as": "label", "values": f"{contract.label.positive} = left"}
    if column.name in contract.set_aside:
        return row | {"used_as": f"excluded: {contract.set_aside[column.name].reason.replace('_', ' ')}"}
    feature = contract.features[column.name]
    levels = ", ".join(feature.levels or ())
    shown = levels if len(levels) <= 60 else f"{len(feature.levels or ())} levels"
    if feature.range is not None:
        shown = f"{feature.range[0]:g} to {feature.range[1]:g}"
    return row | {"type": feature.type, "values": shown}
