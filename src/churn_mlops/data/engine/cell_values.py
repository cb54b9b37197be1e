"""The meaning of a cell, as expressions that any engine computes.

The Python scorer reads a cell the same way; the sets and the pattern that both use stand in ``contract``.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import FALSE_TEXTS, TRUE_TEXTS, Feature
from churn_mlops.data.contract.number_format import NUMBER_TEXT, PLAIN, NumberFormat

_BLANKS = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace())  # what str.strip removes
_NO_BLANK = "^[!-~]+$"  # ASCII that is seen; quicker to find than outer blanks
_WHOLE_LIMIT = 1e15  # as in contract.level_text: beyond it a float is not written as a whole number


class Cell(NamedTuple):
    """A column read by its meaning: ``value`` is null where the cell is missing or bad; the others say which."""

    value: ir.Column
    bad: ir.BooleanColumn
    missing: ir.BooleanColumn


def strip(text: ir.StringColumn) -> ir.StringColumn:
    """``text`` without outer blanks. Only what may have some is cut: cutting every cell costs ten times as much."""
    blank = f"[{_BLANKS}]"
    return ibis.ifelse(text.re_search(_NO_BLANK), text, text.re_replace(f"^{blank}+|{blank}+$", ""))


def as_text(column: ir.Column) -> ir.StringColumn:
    """The text of each cell as ``contract.level_text`` writes it; null where the cell is null, NaN or blank."""
    kind = column.type()
    if kind.is_string():
        return strip(column).nullif("")
    if kind.is_boolean():
        return ibis.ifelse(column, "true", ibis.ifelse(column.isnull(), ibis.null("string"), "false"))
    if kind.is_floating():
        number = column.cast("float64").nullif(float("nan"))
        whole = is_whole(number) & (number.abs() < _WHOLE_LIMIT)
        as_whole = ibis.ifelse(whole, number, ibis.null("float64")).cast("int64").cast("string")
        return ibis.ifelse(whole, as_whole, number.cast("string"))
    text = column.cast("string")
    if kind.is_decimal():  # 2.00 is "2" and 2.50 is "2.5", as for floats
        text = text.nullif("NaN")
        return ibis.ifelse(text.contains("."), text.re_replace("[.]?0+$", ""), text)
    return text


def is_whole(number: ir.FloatingColumn) -> ir.BooleanColumn:
    """Whether a number is whole. Not by ``floor``: Ibis makes an int64 of it, which fails beyond that type's range."""
    infinite = is_infinite(number)
    return ~infinite & (ibis.ifelse(infinite, 0.0, number) % 1 == 0)


def is_infinite(number: ir.FloatingColumn) -> ir.BooleanColumn:
    """Whether a number that is not NaN is infinite. Not by ``isinf``, which Ibis 12 makes into FALSE for Spark."""
    return number.abs() > sys.float_info.max


def _present_text(column: ir.Column, feature: Feature, plain: ir.BooleanColumn | None = None) -> ir.StringColumn:
    """The text of each cell, null where it is missing; ``plain`` spares the look at cells that need no cutting."""
    text = as_text(column)
    gone = feature.missing_values if column.type().is_string() else feature.missing_of_numbers
    if gone:
        text = ibis.ifelse(text.isin(gone), ibis.null("string"), text)
    return text if plain is None else ibis.ifelse(plain, column, text)


def text_to_number(text: ir.StringColumn, number_format: NumberFormat = PLAIN) -> ir.FloatingColumn:
    """The number that each stripped text is in ``number_format``, else null (also where it is not finite)."""
    pattern = f"^{NUMBER_TEXT if number_format.is_plain else number_format.pattern}$"
    found = ibis.ifelse(text.re_search(pattern), text, ibis.null("string"))
    if not number_format.is_plain:
        # Not by a replacement with `\1`: in the SQL that Ibis writes for Spark, it is the digit 1.
        one, two, three = (found.re_extract(pattern, group).fill_null("") for group in (1, 2, 3))
        found = (one + two + three).nullif("")
        if number_format.thousands_pattern:
            found = found.re_replace(number_format.thousands_pattern, "")
        found = found.replace(number_format.decimal, ".")
    parsed = found.try_cast("float64")
    return ibis.ifelse(is_infinite(parsed), ibis.null("float64"), parsed)


def _number(column: ir.Column, feature: Feature) -> Cell:
    kind = column.type()
    native = kind.is_numeric() or kind.is_boolean()
    cell = _native_number(column) if native else _number_text(column, feature)
    if not feature.missing_numbers:
        return cell
    gone = cell.value.isin(feature.missing_numbers).fill_null(False)
    return Cell(ibis.ifelse(gone, ibis.null("float64"), cell.value), cell.bad, cell.missing | gone)


def _native_number(column: ir.Column) -> Cell:
    kind = column.type()
    number = (column.cast("int8") if kind.is_boolean() else column).cast("float64")
    if kind.is_floating() or kind.is_decimal():
        number = number.nullif(float("nan"))
    bad = is_infinite(number).fill_null(False)
    return Cell(ibis.ifelse(bad, ibis.null("float64"), number), bad, number.isnull())


def _number_text(column: ir.Column, feature: Feature) -> Cell:
    text = _present_text(column, feature)
    value = text_to_number(text, feature.number_format)
    return Cell(value, text.notnull() & value.isnull(), text.isnull())


def _boolean(column: ir.Column, feature: Feature) -> Cell:
    known = sorted({"0", "1", "Yes", "No", "true", "false"} - set(feature.missing_values))
    text = _present_text(column, feature, column.isin(known) if column.type().is_string() else None)
    lower = text.lower()
    value = ibis.cases(
        (lower.isin(sorted(TRUE_TEXTS)), 1.0), (lower.isin(sorted(FALSE_TEXTS)), 0.0), else_=ibis.null("float64")
    )
    return Cell(value, text.notnull() & value.isnull(), text.isnull())


def _category(column: ir.Column, feature: Feature) -> Cell:
    known = [level for level in feature.levels or () if level and level not in feature.missing_values]
    spared = column.isin(known) if known and column.type().is_string() else None
    text = _present_text(column, feature, spared)
    joined = {other: level for level, others in feature.same.items() for other in others}
    return Cell(text.substitute(joined) if joined else text, ibis.literal(False), text.isnull())


def read_cell(column: ir.Column, feature: Feature) -> Cell:
    """``column`` read as ``feature`` declares it: number and boolean as float64, category as text."""
    if feature.type == "category":
        return _category(column, feature)
    if feature.type == "number":
        return _number(column, feature)
    return _boolean(column, feature)
