"""The smallest and the largest of texts, by code point on every engine.

PostgreSQL orders texts by the rules of a language, which differ from database to database. It orders the digits of
their bytes as all engines do.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def ordered(text: ir.StringColumn, engine: str) -> ir.StringColumn:
    """``text`` as ``engine`` (an Ibis backend's name) has to compare it; :func:`plain` converts it back."""
    return _encode(_convert_to(text, "UTF8"), "hex") if engine == "postgres" else text


def plain(found: ir.StringValue, engine: str) -> ir.StringValue:
    """The text that :func:`ordered` stood for."""
    return _convert_from(_decode(found, "hex"), "UTF8") if engine == "postgres" else found


# These are functions of PostgreSQL, declared by their types.
@ibis.udf.scalar.builtin(name="convert_to")  # type: ignore[untyped-decorator]
def _convert_to(text: str, encoding: str) -> bytes: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="encode")  # type: ignore[untyped-decorator]
def _encode(data: bytes, encoding: str) -> str: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="decode")  # type: ignore[untyped-decorator]
def _decode(text: str, encoding: str) -> bytes: ...  # type: ignore[empty-body]


@ibis.udf.scalar.builtin(name="convert_from")  # type: ignore[untyped-decorator]
def _convert_from(data: bytes, encoding: str) -> str: ...  # type: ignore[empty-body]
