"""Numbers counted from 1 January 1970 in UTC, as the company's local time, on any engine."""

from __future__ import annotations

from datetime import UTC, datetime

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract.time_format import UNIX_UNITS
from churn_mlops.data.engine.cell_values import as_text

_WHOLE = "([0-9]{1,18}|[0-8][0-9]{18})"  # as many digits as 64 bits hold
_TEXT = rf"^{_WHOLE}(?:[.]([0-9]+))?$"
_LAST = 253_402_214_400  # seconds until the last day but one of 9999
_MOST = 2**63 - 1
_MICROSECONDS = 1_000_000


def from_unix_time(column: ir.Column, unit: str) -> ir.TimestampColumn:
    """The local time of each number or text of ``column``, cut to microseconds; null where it is none.

    Args:
        column: whole numbers, floats or texts; of texts, seconds may have decimals.
        unit: of them, one of ``UNIX_UNITS``.
    """
    per_second = UNIX_UNITS[unit]
    whole, rest = _parts(column, per_second)
    read = whole.between(0, min(_LAST * per_second, _MOST))
    whole, rest = (ibis.ifelse(read, part, ibis.null("int64")) for part in (whole, rest))
    start = ibis.literal(datetime(1970, 1, 1, tzinfo=UTC), type="timestamp('UTC')")
    units = whole % per_second
    # Divided without a rest: Ibis divides as doubles, which hold nanoseconds to about 200 of them.
    seconds = ((whole - units) // per_second).cast("int64")
    micros = (units * _MICROSECONDS // per_second).cast("int64") + rest
    return (start + seconds.as_interval("s") + micros.as_interval("us")).cast("timestamp")


def _parts(column: ir.Column, per_second: int) -> tuple[ir.IntegerValue, ir.IntegerValue]:
    """Whole units, and the microseconds of the decimals after them."""
    kind, none = column.type(), ibis.literal(0, type="int64")
    if kind.is_integer() and not kind.is_unsigned_integer():
        return column.cast("int64"), none
    if kind.is_floating():
        found = column.cast("float64")
        found = ibis.ifelse(found.between(0, _LAST * per_second), found, ibis.null("float64"))
        whole = found.floor().cast("int64")
        return whole, ((found - whole.cast("float64")) * _MICROSECONDS / per_second).floor().cast("int64")
    text = as_text(column)
    found = ibis.ifelse(text.re_search(_TEXT), text, ibis.null("string"))
    decimals = found.re_extract(_TEXT, 2).substr(0, 6).rpad(6, "0").nullif("").cast("int64").fill_null(0)
    return found.re_extract(_TEXT, 1).nullif("").cast("int64"), (decimals // per_second).cast("int64")
