"""Anomalies among the codes and the amounts of a table: prefixes, other shapes, signs."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_anomalies import of_rows
from churn_mlops.data.engine.cell_values import text_to_number
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.suggestions import words

_FEWEST_CODES = 20  # a column of fewer is one of levels
_MOST_SHAPES = 200
_RARE = 0.01  # share of the rows below which a shape is odd
_USUAL = 0.9  # share of the rows of the few usual shapes
_FEW_SHAPES = 3
_NEARLY = 0.95
_SELDOM = 0.05
_COUNTED = frozenset(
    "quantity qty count counts units items amount price cost total charge charges fee usage minutes seconds secs hours "
    "duration seats sessions logins visits sales revenue spend value paid payment".split()
)


@dataclass(frozen=True)
class _Shape:
    """Codes with digits as 9: their rows, how many codes, some of them, and rows where each amount is below zero."""

    text: str
    rows: int
    codes: int
    examples: tuple[str, ...]
    below: tuple[int, ...]

    @property
    def plain(self) -> str:
        """The shape with letters as A too."""
        letters = "".join("A" if sign.isalpha() else sign for sign in self.text)
        while "AA" in letters:
            letters = letters.replace("AA", "A")
        return letters


def on_codes(look: ProfiledTable) -> list[Finding]:
    """Amounts below zero, codes with a prefix that goes with them, and codes of another shape than nearly all."""
    amounts = [column for column in look.columns if is_number(column) and (column.smallest or 0) < 0]
    found = _on_amounts(look, amounts)
    for column in look.columns:
        if column.kind == "text" and not is_number(column) and column.name not in look.times and _are_codes(column):
            found += _on_column(look, column, amounts)
    return found


def _on_amounts(look: ProfiledTable, amounts: list[ColumnProfile]) -> list[Finding]:
    if not amounts:
        return []
    counts = {f"n{place}": (_number(look, one) < 0).sum() for place, one in enumerate(amounts)}
    below = look.table.aggregate(**counts).to_pyarrow().to_pylist()[0]
    found = []
    for place, column in enumerate(amounts):
        rows = int(below[f"n{place}"])
        if set(words(column.name)) & _COUNTED and rows <= _SELDOM * column.present:
            what = (
                f"{of_rows(rows, look.rows)} are below zero, down to {column.smallest:,g}: returns, corrections, or "
                "faults? They are subtracted from sums"
            )
            found.append(Finding(f"{look.name}.{column.name}", "negative", what))
    return found


def _are_codes(column: ColumnProfile) -> bool:
    return column.distinct >= _FEWEST_CODES and column.spaced <= 0.02 * column.present and column.length <= 20


def _on_column(look: ProfiledTable, column: ColumnProfile, amounts: list[ColumnProfile]) -> list[Finding]:
    shapes = _shapes(look, column, amounts)
    rows = sum(shape.rows for shape in shapes)
    if not shapes or len(shapes) > _MOST_SHAPES:
        return []
    usual: dict[str, int] = {}
    for shape in shapes:
        usual[shape.plain] = usual.get(shape.plain, 0) + shape.rows
    common = sorted((plain for plain, held in usual.items() if held >= _RARE * rows), key=lambda plain: -usual[plain])
    if len(common) > _FEW_SHAPES or sum(usual[plain] for plain in common) < _USUAL * rows or "9" not in common[0]:
        return []
    prefixed = [shape for shape in shapes if shape.plain != common[0] and _is_prefixed(shape, shapes[0])]
    found, explained = [], set()
    for shape in prefixed:
        for place, amount in enumerate(amounts):
            others = sum(other.below[place] for other in shapes if other is not shape)
            if shape.below[place] >= _NEARLY * shape.rows and others <= _SELDOM * (rows - shape.rows):
                found.append(_prefix(look, column, shape, amount.name, shape.below[place], others, rows - shape.rows))
                explained.add(shape.text)
                break
    odd = [shape for shape in shapes if shape.plain not in common and shape.text not in explained]
    return found + (_odd(look, column, odd) if odd else [])


def _is_prefixed(shape: _Shape, main: _Shape) -> bool:
    head = shape.text.removesuffix(main.text)
    return shape.rows < main.rows and head != shape.text and bool(head) and not any(sign.isdigit() for sign in head)


def _prefix(
    look: ProfiledTable, column: ColumnProfile, shape: _Shape, amount: str, below: int, others: int, rest: int
) -> Finding:
    head = shape.text.split("9")[0]
    what = (
        f"{of_rows(shape.rows, look.rows)} begin with {head!r}, and {amount} is below zero in "
        f"{below / shape.rows:.1%} of them, in {others / rest:.1%} of the others: cancellations or returns? "
        "They count as rows like the others, and so as a sign that the customer is there"
    )
    return Finding(f"{look.name}.{column.name}", "code_prefix", what)


def _odd(look: ProfiledTable, column: ColumnProfile, odd: list[_Shape]) -> list[Finding]:
    rows, codes = sum(shape.rows for shape in odd), sum(shape.codes for shape in odd)
    examples = [text for shape in sorted(odd, key=lambda shape: -shape.rows) for text in shape.examples][:6]
    held = f"{codes:,} codes" if codes > 1 else "one code"
    what = (
        f"{of_rows(rows, look.rows)} hold {held} of another shape than most ({', '.join(map(repr, examples))}): do "
        "they mean the same kind of thing, or something else, such as a fee, a test or a correction?"
    )
    return [Finding(f"{look.name}.{column.name}", "odd_codes", what)]


def _shapes(look: ProfiledTable, column: ColumnProfile, amounts: list[ColumnProfile]) -> list[_Shape]:
    """The shapes of the codes, the most frequent first."""
    below = {f"n{place}": (_number(look, one) < 0).cast("int32") for place, one in enumerate(amounts)}
    rows = look.table.select(text=look.text(column.name), **below).filter(lambda t: t.text.notnull())
    sums = {name: rows[name].sum() for name in below}
    codes = rows.group_by("text").agg(k=rows.count(), **sums)
    codes = codes.mutate(shape=codes.text.re_replace("[0-9]+", "9"))
    order = codes.mutate(place=ibis.row_number().over(ibis.window(group_by="shape", order_by=[ibis.desc("k"), "text"])))
    example = order.filter(order.place < 3)
    counts = codes.group_by("shape").agg(
        rows=codes.k.sum(), codes=codes.count(), **{name: codes[name].sum() for name in below}
    )
    held = counts.order_by([ibis.desc("rows"), "shape"]).limit(_MOST_SHAPES + 1).to_pyarrow().to_pylist()
    if len(held) > _MOST_SHAPES:
        return []
    examples: dict[str, list[tuple[int, str]]] = {}
    for row in example.select("shape", "text", "k").to_pyarrow().to_pylist():
        examples.setdefault(row["shape"], []).append((-row["k"], row["text"]))
    return [
        _Shape(
            row["shape"],
            int(row["rows"]),
            int(row["codes"]),
            tuple(text for _, text in sorted(examples[row["shape"]])),
            tuple(int(row[name] or 0) for name in below),
        )
        for row in held
    ]


def _number(look: ProfiledTable, column: ColumnProfile) -> ir.NumericColumn:
    if column.kind == "number":
        return look.table[column.name]
    return text_to_number(look.text(column.name), column.written.number_format)
