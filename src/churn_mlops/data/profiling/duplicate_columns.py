"""Columns that repeat another, and blanks that follow from another column's value: proven in the engine."""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np

from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.profiling.sample import Sample
from churn_mlops.data.profiling.table_profile import ColumnProfile, kind_of

_NUMBERS = 50  # a number of more values is a copy only if its values are the same
_LEVELS = 1_000
_RULES = 20


def find_copies(table: ir.Table, columns: Sequence[ColumnProfile], sample: Sample) -> dict[str, str]:
    """For each column that says the same as an earlier one, be it under other names of its levels, the earlier one."""
    first: dict[bytes, str] = {}
    pairs: list[tuple[str, str]] = []
    for column in columns:
        sign = _sign(column, sample)
        if sign in first:
            pairs.append((column.name, first[sign]))
        else:
            first[sign] = column.name
    return dict(pair for pair in pairs if _same(table, *pair))


def _sign(column: ColumnProfile, sample: Sample) -> bytes:
    """Equal for columns that may be copies: few levels by their order of appearance, many by their values."""
    values = sample.values[column.name]
    most = _NUMBERS if column.name in sample.numeric else _LEVELS
    if column.distinct > most or values.size < 10 * column.distinct:
        return column.kind.encode() + values.tobytes() if column.name in sample.numeric else column.name.encode()
    _, seen, codes = np.unique(values, return_index=True, return_inverse=True)
    order = np.empty(seen.size, dtype=np.int64)
    order[np.argsort(seen)] = np.arange(seen.size)
    return order[codes].tobytes()


def _same(table: ir.Table, one: str, other: str) -> bool:
    """Whether the two columns part the rows alike: as many pairs of cells as cells of either."""
    a, b = (as_text(table[name]).fill_null("") for name in (one, other))
    counts = table.aggregate(a=a.nunique(), b=b.nunique(), both=(a + "\x1f" + b).nunique()).to_pyarrow().to_pylist()[0]
    return bool(counts["a"] == counts["b"] == counts["both"])


def blank_rules(table: ir.Table, columns: Sequence[ColumnProfile]) -> dict[str, tuple[str, str]]:
    """For columns with few blanks: another column and its value that stands in exactly the rows of the blanks."""
    rules: dict[str, tuple[str, str]] = {}
    few = [column for column in columns if 0 < column.missing <= max(1, column.rows // 10)]
    for column in few[:_RULES]:
        others = [other for other in columns if other.name != column.name and other.missing == 0]
        others.sort(key=lambda other: other.numbers < other.rows)  # a number that is 0 explains more than a text
        found = _rule(table, column, others) if others else None
        if found is not None:
            rules[column.name] = found
    return rules


def _rule(table: ir.Table, column: ColumnProfile, others: Sequence[ColumnProfile]) -> tuple[str, str] | None:
    blank = table.filter(as_text(table[column.name]).isnull())
    ends = {}
    for place, other in enumerate(others):
        text = as_text(blank[other.name])
        ends[f"a{place}"], ends[f"b{place}"] = text.min(), text.max()
    seen = blank.aggregate(**ends).to_pyarrow().to_pylist()[0]
    alike = {
        place: seen[f"a{place}"] for place in range(len(others)) if seen[f"a{place}"] == seen[f"b{place}"] is not None
    }
    if not alike:
        return None
    counts = {f"k{place}": (as_text(table[others[place].name]) == value).sum() for place, value in alike.items()}
    held = table.aggregate(**counts).to_pyarrow().to_pylist()[0]
    for place, value in alike.items():
        if held[f"k{place}"] == column.missing:
            return others[place].name, str(value)
    return None


def repeated_rows(table: ir.Table, customer: str | None = None) -> int:
    """How many rows repeat an earlier row in every column; of those that name a ``customer`` where there is one."""
    if customer is not None:
        table = table.filter(as_text(table[customer]).notnull())
    table = table.mutate(**{name: as_text(table[name]) for name in table.columns if kind_of(table[name]) == "other"})
    rows, distinct = (as_arrow(one.count().name("rows").as_table())["rows"][0] for one in (table, table.distinct()))
    return int(rows.as_py()) - int(distinct.as_py())
