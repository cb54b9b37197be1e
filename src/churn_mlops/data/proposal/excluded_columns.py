"""Why a column is excluded from the features, and a model does not see it: the reasons that its values give.

Three other places exclude a column: ``flat_proposal.py`` one that repeats another, ``candidate_features.py`` one of a
history, by its name or as a sure leak, and ``pipelines/training/leakage.py`` one that leaks, with ``--strict``.
"""

from __future__ import annotations

import json

from churn_mlops.data.contract import ExcludedColumn, ExclusionReason
from churn_mlops.data.leakage.univariate import Suspicion
from churn_mlops.data.profiling.name_signals import names_identifier, names_person
from churn_mlops.data.profiling.numeric_codes import FEW_LEVELS, is_code, is_long_code, is_number_date, names_rows
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.profiling.unix_times import unix_times_of

SAFE_LEVELS = 50
"""So many levels are a category, however few rows each has."""
MAX_LEVELS = 1_000
"""A text column with more levels is excluded; up to here at least half of the rows must stand in common levels."""
LEVEL_ROWS = 10
"""Rows from which a level is common."""
NEARLY_EMPTY = 0.005
_ENOUGH_ROWS = 1_000  # of a large table, so many are worth a feature, however small a share they are
MOSTLY = 0.8
NEARLY = 0.95
"""So large a share of a column is taken for the whole."""
_FEWEST_NAMES = 10  # so few different texts are levels, even if none stands twice


def exclusion_of(column: ColumnProfile, suspicion: Suspicion | None) -> ExcludedColumn | None:
    """Why a model shall not see ``column``; None where it may. The first of several reasons wins."""
    if not column.present:
        return ExcludedColumn(reason="empty", note="holds nothing")
    if column.distinct == 1 and column.present == column.rows:
        only = repr(column.top[0][0]) if column.top else "the same"
        return ExcludedColumn(reason="constant", note=f"is {only} in every row")
    if suspicion is not None and suspicion.sure:
        return ExcludedColumn(reason="suspected_leak", note=suspicion.message)
    if column.present <= NEARLY_EMPTY * column.rows and column.present < _ENOUGH_ROWS:
        return ExcludedColumn(
            reason="empty", note=f"holds something in {column.present:,} of {column.rows:,} rows only"
        )
    found = _unfit(column)
    return ExcludedColumn(reason=found[0], note=found[1]) if found else None


def _unfit(column: ColumnProfile) -> tuple[ExclusionReason, str] | None:
    if column.kind == "other":
        return "type", f"holds {column.type}: make a number, a flag or a category of it, in a view, to use it"
    counted = unix_times_of(column)
    if column.kind == "date" or _is_text_date(column) or is_number_date(column) or (counted and counted.sure):
        return (
            "date",
            "a date; with the day of the rows (`--as-of`), the days since then are a feature",
        )
    if column.kind == "boolean":
        return None
    if is_number(column):
        if names_rows(column):
            return "identifier", "a whole number that (nearly) never stands twice"
        return _unfit_codes(column) if is_code(column) else None
    return _unfit_text(column)


def _unfit_codes(column: ColumnProfile) -> tuple[ExclusionReason, str] | None:
    """Why whole numbers that name kinds of things make no levels; None where they do."""
    if column.distinct > SAFE_LEVELS and names_identifier(column.name):
        return "identifier", _named_identifier(column)
    if _may_be_levels(column):
        return None
    remedy = (
        f"if they are codes, group them into at most {SAFE_LEVELS}; if they count something, declare {{type: number}}"
    )
    if column.padded:
        return (
            "unclear",
            f"{column.distinct:,} whole numbers, {column.padded:,} with a leading zero, as in 007: {remedy}",
        )
    seen = "of as many digits as a code" if is_long_code(column) else "under the name of a code"
    return "many_levels", f"{column.distinct:,} whole numbers {seen}: {remedy}"


def _unfit_text(column: ColumnProfile) -> tuple[ExclusionReason, str] | None:
    if _holds_json(column):
        return "type", "holds objects or lists of JSON: make a column of each value, or rows of a table, to use them"
    unique = column.distinct >= NEARLY * column.present and column.distinct >= _FEWEST_NAMES
    wordy = column.spaced >= column.present / 2 and column.length >= 20
    if wordy and (unique or not _may_be_levels(column)):
        return "free_text", f"{column.distinct:,} different texts"
    if column.written.question and not column.written.readable and column.distinct > FEW_LEVELS:
        return "unclear", column.written.question
    if almost_number(column) and column.distinct > 2:
        cells = f"{column.present - column.numbers:,} cells such as {_odd(column)}"
        return "unclear", f"numbers, but for {cells}: correct them, or list them under `missing_values` of a number"
    named = names_identifier(column.name) or names_person(column.name)
    if named and column.distinct > SAFE_LEVELS and not unique:
        return "identifier", _named_identifier(column)
    if unique or (column.distinct >= MOSTLY * column.present and not column.spaced and not _may_be_levels(column)):
        hint = "; if it names the customer, say so with `--customer`" if names_identifier(column.name) else ""
        return "identifier", f"{column.distinct:,} different texts in {column.present:,} rows{hint}"
    if not _may_be_levels(column):
        many = f"{column.distinct:,} levels"
        few = "" if column.distinct > MAX_LEVELS else f", most of them in fewer than {LEVEL_ROWS} rows"
        return "many_levels", f"{many}{few}; group them into at most {SAFE_LEVELS} to use it"
    return None


def _named_identifier(column: ColumnProfile) -> str:
    return f"its name is that of an identifier, and it holds {column.distinct:,} of them"


def _may_be_levels(column: ColumnProfile) -> bool:
    """Whether there are rows enough to learn from the levels, be they hundreds."""
    if column.distinct <= SAFE_LEVELS:
        return True
    often = sum(rows for _, rows in column.level_rows if rows >= LEVEL_ROWS)
    return column.distinct <= MAX_LEVELS and often >= column.present / 2


def almost_number(column: ColumnProfile) -> bool:
    """Whether nearly all of a text column is numbers, but some of it is not and does not mean missing either."""
    return column.kind == "text" and NEARLY * column.present <= column.numbers < column.present


def _holds_json(column: ColumnProfile) -> bool:
    """Whether all texts are objects or lists of JSON; where there are many, some of them show it."""
    texts = [text for text, _ in column.level_rows or column.odd]
    return bool(texts) and all(text[:1] + text[-1:] in ("{}", "[]") and _is_json(text) for text in texts)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _odd(column: ColumnProfile) -> str:
    return ", ".join(repr(text) for text, _ in column.odd[:3]) or "others"


def _is_text_date(column: ColumnProfile) -> bool:
    return column.kind == "text" and column.dates >= NEARLY * column.present and not is_number(column)
