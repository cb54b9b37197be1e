"""A statement that is compiled once and run often: parameters stand where each run puts its values.

Ibis 12 writes the values of its own parameters into the statement. So a parameter is a call of a function that no
engine has, which is replaced in the compiled statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from secrets import token_hex
from typing import Any, cast

import duckdb
import ibis
import ibis.expr.types as ir
import sqlglot.expressions as sge

_TYPES = {"churn_text": "TEXT", "churn_whole": "BIGINT", "churn_time": "TIMESTAMP", "churn_day": "DATE"}
"""The types of parameters, by the functions that stand for them."""
_MADE = re.compile(r"MAKE_(DATE|TIMESTAMP)\(([0-9]+(?:, [0-9]+)*)(?:[.]0)?\)")


# Ibis knows an engine's own function by a declaration without a body, under a decorator that has no types.
@ibis.udf.scalar.builtin(name="churn_text")  # type: ignore[untyped-decorator]
def text_parameter(called: str) -> str:  # type: ignore[empty-body]
    """A text that each run gives under the name ``called``."""


@ibis.udf.scalar.builtin(name="churn_whole")  # type: ignore[untyped-decorator]
def whole_parameter(called: str) -> int:  # type: ignore[empty-body]
    """A whole number (int64) that each run gives under the name ``called``."""


@ibis.udf.scalar.builtin(name="churn_time")  # type: ignore[untyped-decorator]
def time_parameter(called: str) -> datetime:  # type: ignore[empty-body]
    """A local time that each run gives under the name ``called``."""


@ibis.udf.scalar.builtin(name="churn_day")  # type: ignore[untyped-decorator]
def day_parameter(called: str) -> date:  # type: ignore[empty-body]
    """A date that each run gives under the name ``called``."""


@dataclass(frozen=True)
class PreparedStatement:
    """A compiled statement with gaps, where values go.

    Args:
        texts: those between the gaps, one more than there are gaps.
        gaps: the name and the type of the value of each gap, such as ("day", "DATE").
        columns: of the result.
        dialect: of the engine.
    """

    texts: tuple[str, ...]
    gaps: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    dialect: Any

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the values, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.gaps))

    @cached_property
    def sql(self) -> str:
        """The statement with ``$1``, ``$2`` ... for the values, in the order of `names`."""
        return self._filled(
            lambda name, kind: sge.cast(sge.Parameter(this=sge.Literal.number(self.names.index(name) + 1)), kind)
        )

    def with_days(self, values: Mapping[str, date | datetime]) -> str:
        """The statement with dates and local times by their names written into it."""
        return self._filled(lambda name, kind: sge.cast(sge.Literal.string(str(values[name])), kind))

    def _filled(self, value: Callable[[str, str], sge.Expression]) -> str:
        written = {gap: value(*gap).sql(dialect=self.dialect) for gap in set(self.gaps)}
        rest = (written[gap] + text for gap, text in zip(self.gaps, self.texts[1:], strict=True))
        return "".join((self.texts[0], *rest))

    def on(self, connection: Any) -> Callable[[Mapping[str, Any]], list[dict[str, Any]]]:
        """A function that runs the statement on a driver's ``connection`` with the values by name, and gives the rows.

        Args:
            connection: of DuckDB, or of psycopg in its mode ``autocommit``; it stays open. PostgreSQL plans the
                statement at the first runs. DuckDB 2 reads it once, and plans it at each run.
        """
        run = self._on_duckdb(connection) if isinstance(connection, duckdb.DuckDBPyConnection) else None
        run = run or self._on_postgres(connection)

        def rows(values: Mapping[str, Any]) -> list[dict[str, Any]]:
            found = run([values[name] for name in self.names])
            return [dict(zip(self.columns, row, strict=True)) for row in found]

        return rows

    def _on_duckdb(self, connection: duckdb.DuckDBPyConnection) -> Callable[[list[Any]], Sequence[tuple[Any, ...]]]:
        (statement,) = connection.extract_statements(self.sql)
        return lambda values: connection.execute(statement, values).fetchall()

    def _on_postgres(self, connection: Any) -> Callable[[list[Any]], Sequence[tuple[Any, ...]]]:
        import psycopg

        cursor = psycopg.RawCursor(connection)
        return lambda values: cursor.execute(self.sql, values, prepare=True).fetchall()


def prepared(rows: ir.Table) -> PreparedStatement:
    """The expression ``rows``, compiled for its engine."""
    compiler = rows.get_backend().compiler
    mark = f"gap_{token_hex(16)}_"  # no text of the statement can hold it
    gaps: list[tuple[str, str]] = []

    def placed(node: sge.Expression) -> sge.Expression:
        kind = _TYPES.get(str(node.this).lower()) if isinstance(node, sge.Anonymous) else None
        if kind is None:
            return _as_literal(node, compiler.dialect)
        gaps.append((str(node.expressions[0].this), kind))
        return sge.Var(this=f"{mark}{len(gaps) - 1}_")

    text = cast(sge.Expression, compiler.to_sqlglot(rows)).transform(placed).sql(dialect=compiler.dialect)
    texts = re.split(f"{mark}([0-9]+)_", text)
    order = tuple(gaps[int(place)] for place in texts[1::2])
    return PreparedStatement(tuple(texts[::2]), order, tuple(rows.columns), compiler.dialect)


def _as_literal(node: sge.Expression, dialect: Any) -> sge.Expression:
    """A date or a time as a literal where ``node`` makes it of numbers, which takes DuckDB a tenth of its planning."""
    made = _MADE.fullmatch(node.sql(dialect=dialect)) if isinstance(node, sge.Func) else None
    if made is None:
        return node
    numbers = [int(number) for number in made[2].split(", ")]
    if made[1] == "DATE":
        return sge.cast(sge.Literal.string(date(*numbers).isoformat()), "DATE")
    return sge.cast(sge.Literal.string(datetime(*numbers).isoformat(" ")), "TIMESTAMP")  # type: ignore[arg-type]
