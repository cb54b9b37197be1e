"""The findings about codes and texts that mean missing: numbers that name kinds of things, and NA, be it Namibia."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from churn_mlops.data.contract import FeatureType
from churn_mlops.data.discovery.table_roles import TableRoles
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.numeric_codes import has_stray_zeros
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.column_types import type_of
from churn_mlops.data.proposal.findings.treatment_findings import on_treatment

_ASKED = 5


def on_code(column: ColumnProfile, taken_for: FeatureType) -> list[Finding]:
    """Why a feature of codes, or one that may be of codes, has the type ``taken_for``."""
    if not is_number(column):
        return _on_na(column) if taken_for == "category" else []
    if taken_for == "number" and has_stray_zeros(column):
        what = (
            f"{_padded(column)}: read as numbers, so that '05' and '5' are one; if they are codes, declare "
            "`type: category` with its `levels`"
        )
        return [Finding(column.name, "leading_zero", what)]
    if taken_for != "category":
        return []
    why = _padded(column) if column.padded else "whole numbers under the name of a code"
    what = f"{why}: taken for codes, each a level; if they count something, write `type: number` without `levels`"
    return [Finding(column.name, "codes", what), *_on_equal_numbers(column)]


def _padded(column: ColumnProfile) -> str:
    example = next((text for text, _ in column.level_rows if text[0] == "0" and len(text) > 1), "007")
    return f"{column.padded:,} of {column.numbers:,} whole numbers have a leading zero, as in {example!r}"


def _on_equal_numbers(column: ColumnProfile) -> list[Finding]:
    """The question whether codes that are the same number mean the same."""
    groups: dict[float, list[tuple[str, int]]] = {}
    for text, rows in column.level_rows:
        groups.setdefault(float(text), []).append((text, rows))
    alike = [group for group in groups.values() if len(group) > 1]
    if not alike:
        return []
    asked = [" and ".join(f"{text!r} ({rows:,} rows)" for text, rows in group) for group in alike[:_ASKED]]
    more = f" and {len(alike) - _ASKED} more" if len(alike) > _ASKED else ""
    message = f"do these mean the same: {'; '.join(asked)}{more}? If so, join them by `same` in the contract"
    same = {group[0][0]: [text for text, _ in group[1:]] for group in alike}
    return [Finding(column.name, "same_levels", message, {"same": same})]


def _on_na(column: ColumnProfile) -> list[Finding]:
    rows = dict(column.level_rows).get("NA")
    if rows is None:
        return []
    what = (
        f"'NA' in {rows:,} rows stands among codes of two letters, so it is a level, such as Namibia or North America; "
        "if it means missing, list it under `missing_values`"
    )
    return [Finding(column.name, "marker", what, {"missing_values": ["NA"]})]


def on_read_columns(table_roles: TableRoles, read: Iterable[tuple[str, str]]) -> list[Finding]:
    """The same about the columns that a history reads, and what they have in common with those of a flat table.

    Args:
        table_roles: the tables.
        read: each table and column that a feature reads.
    """
    found: list[Finding] = []
    for table, name in dict.fromkeys(read):
        columns = {column.name: column for column in table_roles.roles[table].look.columns}
        if name in columns:
            findings = [
                *on_markers(columns[name]),
                *on_code(columns[name], type_of(columns[name])),
                *on_treatment(name),
            ]
            found += [replace(finding, column=f"{table}.{name}", suggestion={}) for finding in findings]
    return found


def on_markers(column: ColumnProfile) -> list[Finding]:
    """The texts that are taken for missing."""
    found = []
    for text, count in column.markers:
        among = ": the other cells are numbers" if text in column.written.words else ""
        found.append(Finding(column.name, "marker", f"{text!r} in {count:,} rows is taken for missing{among}"))
    return found
