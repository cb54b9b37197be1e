"""A fence around a long expression, so that the statement holds it once, however often its column is used.

Ibis joins selections into one by writing a column's expression wherever its name stands. A number read from a text, cut
into parts, becomes a hundred kilobytes of SQL. It never does so with a function that it does not know.
"""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir


def fenced(value: ir.Value) -> ir.Value:
    """The same number, text or timestamp without zone: of one argument, COALESCE is that argument."""
    kind = value.type()
    if kind.is_timestamp():
        return _same_time(value)
    return _same_text(value) if kind.is_string() else _same_number(value)


# Ibis knows an engine's own function by a declaration without a body, under a decorator that has no types: hence the
# exceptions for mypy, here and nowhere else.
@ibis.udf.scalar.builtin(name="coalesce")  # type: ignore[untyped-decorator]
def _same_number(value: float) -> float: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="coalesce")  # type: ignore[untyped-decorator]
def _same_text(value: str) -> str: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="coalesce")  # type: ignore[untyped-decorator]
def _same_time(value: datetime) -> datetime: ...  # type: ignore[empty-body]
