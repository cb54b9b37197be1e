"""The findings about codes and texts that mean missing: numbers that name kinds of things, and NA, be it Namibia."""

from __future__ import annotations

from collections.abc import Sequence

from churn_mlops.data.contract import FeatureType
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import names_kind
from churn_mlops.data.profiling.numeric_codes import has_stray_zeros
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile

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
    remedy = "if they count something, write `type: number` without `levels`"
    what = f"{why_code(column)}: taken for codes, each a level; {remedy}"
    return [Finding(column.name, "codes", what), *_on_equal_numbers(column)]


def why_code(column: ColumnProfile) -> str:
    """The reason why a column of whole numbers is one of codes."""
    if column.padded:
        return _padded(column)
    if names_kind(column.name):
        return "whole numbers under the name of a code"
    return f"whole numbers of {len(f'{column.smallest:.0f}')} digits or more, none smaller"


def _padded(column: ColumnProfile) -> str:
    example = next((text for text, _ in column.level_rows if text[0] == "0" and len(text) > 1), "007")
    return f"{column.padded:,} of {column.numbers:,} whole numbers have a leading zero, as in {example!r}"


def _on_equal_numbers(column: ColumnProfile) -> list[Finding]:
    """The question whether codes that are the same number mean the same."""
    alike = equal_numbers(column)
    if not alike:
        return []
    message = f"{same_asked(alike)} If so, join them by `same` in the contract"
    same = {group[0][0]: [text for text, _ in group[1:]] for group in alike}
    return [Finding(column.name, "same_levels", message, {"same": same})]


def equal_numbers(column: ColumnProfile) -> list[list[tuple[str, int]]]:
    """Groups of texts that are the same number, such as 001 and 1, each text with its rows."""
    groups: dict[float, list[tuple[str, int]]] = {}
    for text, rows in column.level_rows:
        groups.setdefault(float(text), []).append((text, rows))
    return [group for group in groups.values() if len(group) > 1]


def same_asked(alike: Sequence[Sequence[tuple[str, int]]]) -> str:
    """The question whether the texts of each group mean the same; each text with its rows."""
    asked = [" and ".join(f"{text!r} ({rows:,} rows)" for text, rows in group) for group in alike[:_ASKED]]
    more = f" and {len(alike) - _ASKED} more" if len(alike) > _ASKED else ""
    return f"do these mean the same: {'; '.join(asked)}{more}?"


def _on_na(column: ColumnProfile) -> list[Finding]:
    rows = dict(column.level_rows).get("NA")
    if rows is None:
        return []
    what = (
        f"'NA' in {rows:,} rows stands among codes of two letters, so it is a level, such as Namibia or North America; "
        "if it means missing, list it under `missing_values`"
    )
    return [Finding(column.name, "marker", what, {"missing_values": ["NA"]})]


def on_markers(column: ColumnProfile) -> list[Finding]:
    """The texts that are taken for missing."""
    found = []
    for text, count in column.markers:
        among = ": the other cells are numbers" if text in column.written.words else ""
        found.append(Finding(column.name, "marker", f"{text!r} in {count:,} rows is taken for missing{among}"))
    return found
