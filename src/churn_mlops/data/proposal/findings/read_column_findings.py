"""The findings about the columns that the features of a history read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.discovery.table_roles import TableRoles
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.level_variants import written_apart
from churn_mlops.data.profiling.name_signals import names_identifier
from churn_mlops.data.profiling.numeric_codes import is_code, may_be_code
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.column_types import type_of
from churn_mlops.data.proposal.event_numbers import names_nothing
from churn_mlops.data.proposal.excluded_columns import SAFE_LEVELS
from churn_mlops.data.proposal.findings.code_findings import (
    equal_numbers,
    on_code,
    on_markers,
    same_asked,
    why_code,
)
from churn_mlops.data.proposal.findings.column_findings import on_same_levels
from churn_mlops.data.proposal.findings.treatment_findings import on_treatment


def on_read_columns(table_roles: TableRoles, contract: HistoryContract) -> list[Finding]:
    """Texts taken for missing, codes, levels that seem the same, treatments, and sums of what may be no quantity."""
    read: dict[tuple[str, str], str] = {}
    for feature in contract.features.values():
        table, name = feature.reads
        if name is not None:
            read.setdefault((table, name), feature.aggregate)
    found: list[Finding] = []
    summed: dict[str, list[str]] = {}
    for (table, name), aggregate in read.items():
        column = next((one for one in table_roles.roles[table].look.columns if one.name == name), None)
        if column is None:
            continue
        kinds = _on_counted(column) if aggregate == "distinct" else _on_value(column)
        findings = [*on_markers(column), *kinds, *on_treatment(name)]
        found += [replace(finding, column=f"{table}.{name}", suggestion={}) for finding in findings]
        if aggregate == "sum" and names_nothing(column):
            summed.setdefault(table, []).append(name)
    return found + [_on_summed(table, names) for table, names in summed.items()]


def _on_value(column: ColumnProfile) -> list[Finding]:
    kind = type_of(column)
    return on_code(column, kind) + (on_same_levels(column) if kind == "category" and not is_number(column) else [])


def _on_counted(column: ColumnProfile) -> list[Finding]:
    """The questions about a column whose different values are counted."""
    found = []
    coded = is_code(column) or may_be_code(column)
    if coded:
        why = why_code(column) if is_code(column) else _may_be_codes(column)
        what = f"{why}: the different ones are counted; if they count something, write `sum` instead of `distinct`"
        found.append(Finding(column.name, "codes", what))
    named = names_identifier(column.name) and column.distinct > SAFE_LEVELS  # capitals of an ID may mean something
    alike = equal_numbers(column) if coded else [] if named or is_number(column) else written_apart(column.level_rows)
    if alike:
        what = (
            f"{same_asked(alike)} They are counted as different ones. If they mean the same, write them alike: in the "
            "database, or in a view"
        )
        found.append(Finding(column.name, "same_levels", what))
    return found


def _may_be_codes(column: ColumnProfile) -> str:
    return (
        f"whole numbers from {column.smallest:.0f} to {column.largest:.0f}, {column.distinct:,} different ones, which "
        "may be codes"
    )


def _on_summed(table: str, names: Sequence[str]) -> Finding:
    what = (
        f"{', '.join(names)}: whole numbers that are summed, though no name says what they count. Is each a quantity? "
        "If one is a code, write `distinct` instead of `sum`; if it is a score, write `mean`"
    )
    return Finding(table, "summed_numbers", what)
