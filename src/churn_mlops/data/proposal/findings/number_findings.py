"""The findings about numbers: how they are written, those below zero, and those that may mean missing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.numeric_codes import FEW_LEVELS
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile

_FEWEST = 4  # different numbers, below which none lies far from the others
_NINES = re.compile(r"-?9{2,}(\.0+)?")
_SELDOM = 0.05
_FAR = 10.0  # an age of 0 beside 18, 19, 20
_LARGEST = 1_000.0
_OFTEN = 0.01
_SENTINELS = (-1.0, -9.0, -99.0, -999.0, -9999.0)


def on_number(column: ColumnProfile) -> list[Finding]:
    """How numbers are written, where not plainly, and what has to be asked about it."""
    written, found = column.written, []
    if not written.number_format.is_plain:
        message = f"numbers are written as in {written.number_format.example()!r}"
        unit = f"; their unit is {written.unit}" if written.unit else ""
        found.append(Finding(column.name, "notation", message + unit))
    if written.question:
        found.append(Finding(column.name, "unclear", written.question, written.suggestion))
    lone = _on_lone_negative(column)
    return found + (lone or _on_outlying(column) + _on_below_zero(column))


def _on_outlying(column: ColumnProfile) -> list[Finding]:
    """The question whether a number of nines far from all others, such as -99 beside 0 to 10, means missing."""
    if not (is_number(column) and column.written.number_format.is_plain and len(column.level_rows) >= _FEWEST):
        return []
    held = sorted((float(text), text, rows) for text, rows in column.level_rows)
    for end, others in ((held[0], held[1:]), (held[-1], held[:-1])):
        low, high = others[0][0], others[-1][0]
        gap = max(low - end[0], end[0] - high)
        if (_NINES.fullmatch(end[1]) and gap > 2 * (high - low)) or _is_placeholder(end, others):
            what = (
                f"{end[1]} in {end[2]:,} rows lies far from all others ({low:g} to {high:g}): if it means missing, "
                "list it under `missing_values`"
            )
            known = [text for text, _ in column.markers]
            return [Finding(column.name, "outlying", what, {"missing_values": [*known, end[1]]})]
    return []


def _is_placeholder(end: tuple[float, str, int], others: Sequence[tuple[float, str, int]]) -> bool:
    """Whether 0, or -1, stands in many rows, far below a dense run of all others, as an age that is not known does."""
    numbers = [number for number, *_ in others]
    if end[0] not in (0.0, -1.0) or numbers[-1] > _LARGEST or not all(number.is_integer() for number in numbers):
        return False
    steps = sorted(high - low for low, high in itertools.pairwise(numbers))
    rows = sum(held for *_, held in others)
    return numbers[0] - end[0] >= _FAR and steps[len(steps) // 2] == 1.0 and end[2] >= _OFTEN * rows


def _on_lone_negative(column: ColumnProfile) -> list[Finding]:
    """The question whether the only number below zero, such as -1 among days, means missing, or never."""
    low = column.smallest or 0.0
    if not (is_number(column) and column.whole and column.written.number_format.is_plain and low in _SENTINELS):
        return []
    below = [text for text, _ in column.level_rows if float(text) < 0]
    lone = len(below) == 1 or (not below and low == -1)  # whole numbers below zero, down to -1, are all -1
    if not (lone and column.distinct > FEW_LEVELS and column.below_zero >= _OFTEN * column.present):
        return []
    text = below[0] if below else f"{low:.0f}"
    what = (
        f"{text} in {column.below_zero:,} of {column.present:,} rows is the only number below zero: does it mean "
        "missing, or that it never happened? If so, list it under `missing_values`"
    )
    known = [text for text, _ in column.markers]
    return [Finding(column.name, "outlying", what, {"missing_values": [*known, text]})]


def _on_below_zero(column: ColumnProfile) -> list[Finding]:
    """The question about a few numbers below zero among many that are not."""
    rows = column.below_zero
    if not is_number(column) or not 0 < rows <= _SELDOM * column.present:
        return []
    what = (
        f"{rows:,} of {column.present:,} numbers are below zero, down to {column.smallest:,g}: refunds, corrections "
        "or faults? If they cannot be, correct them and set `min: 0`"
    )
    return [Finding(column.name, "negative", what)]
