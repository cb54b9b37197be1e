"""Sums of numbers that are equal on every engine and from run to run, whatever the order of the rows.

Adding doubles in parallel gives another last digit each time. So a number is cut into its whole part and its fraction
in billionths, both whole numbers, which are added without loss and put together at the end.
"""

from __future__ import annotations

from typing import NamedTuple

import ibis
import ibis.expr.types as ir

LARGEST = 1e15
"""A number beyond it, up or down, counts as missing in sums and means: no measured thing of a customer is as large."""
_PARTS = 1e9  # the fraction is kept in billionths
_EXACT = 4e6  # below it, all billionths of a sum of up to four million rows are exact in a double


class Addend(NamedTuple):
    """A number as whole part and billionths, both int64; ``billionths`` is None where the numbers are whole."""

    whole: ir.IntegerColumn
    billionths: ir.IntegerColumn | None


def addend(column: ir.Column) -> Addend:
    """The parts of a numeric ``column``, null where it is null or beyond :data:`LARGEST`."""
    kind = column.type()
    if kind.is_integer():
        small = kind.nbytes <= 4
        return Addend((column if small else _in_range(column, int(LARGEST))).cast("int64"), None)
    number = _in_range(column.cast("float64"), LARGEST)
    whole = number.floor().cast("int64")
    return Addend(whole, ((number - whole.cast("float64")) * _PARTS + 0.5).floor().cast("int64"))


def put_together(whole: ir.NumericValue, billionths: ir.NumericValue | None) -> ir.FloatingValue:
    """The double nearest to the sum whose parts these are."""
    units = whole.cast("float64")
    if billionths is None:
        return units
    rest = billionths.cast("float64")
    # Divided once where that is exact: units and fraction added would be off by a last digit now and then.
    return ibis.ifelse(units.abs() < _EXACT, (units * _PARTS + rest) / _PARTS, units + rest / _PARTS)


def _in_range(column: ir.NumericColumn, limit: float) -> ir.NumericColumn:
    return ibis.ifelse(column.between(-limit, limit), column, ibis.null(column.type()))
