"""The cells of a column, grouped and counted inside the engine."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import ABSURD, level_text
from churn_mlops.data.contract.number_format import NumberFormat
from churn_mlops.data.engine.cell_values import as_text, is_infinite, is_whole, text_to_number
from churn_mlops.data.profiling.number_detection import FIRST_ZERO, MOST_SHAPES, SHAPING, Shape, shapes_of

MISSING_TEXTS = frozenset({"na", "n/a", "#n/a", "null", "nan", "<na>", "nil", "?", "-", "--"})
"""Lower-case texts that usually stand for "missing"."""
# Capitals sign by sign: PostgreSQL knows no `(?i:`.
_MONTHS = (
    "([Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][AaÄä][Rr]|[Aa][Pp][Rr]|[Mm][Aa][IiYy]|[Jj][Uu][NnLl]|[Aa][Uu][Gg]|[Ss][Ee][Pp]|"
    "[Oo][CcKk][Tt]|[Nn][Oo][Vv]|[Dd][Ee][CcZz])[a-z]{0,6}\\.?"
)
_TIME = r"([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?(Z| ?UTC| ?GMT| ?[+-]\d{2}:?\d{2})?)?"
_DATES = (
    r"\d{4}[-/]\d{1,2}([-/]\d{1,2})?",
    r"\d{4}\.\d{1,2}\.\d{1,2}",
    r"\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})",
    r"(0?[1-9]|1[0-2])/(19|20)\d{2}",
    r"\d{4}[- ]?[QWM]\d{1,2}",
    r"\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}",
    r"([A-Za-z]{3,9},? )?[A-Za-z]{3,9}\.? \d{1,2},? \d{4}",
    _MONTHS + r"[ -/]'?\d{2,4}",
    r"\d{4}[ -/]" + _MONTHS,
    r"(19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])[T ]\d{1,2}:?\d{2}(:?\d{2})?Z?",
)
DATE = ("^((" + "|".join(_DATES) + ")" + _TIME + ")$").replace("\\d", "[0-9]")
"""Pattern of a text that is a date."""
PADDED = "^0[0-9]+$"
"""Pattern of a whole number with a leading zero."""
_INITIALS = re.compile("[A-Z]{2}")
ODD = 5
_SAMPLE = 5_000
_FEWEST_CODES = 2
_INFINITE = ("inf", "-inf", "+inf", "infinity", "-infinity")


def grouped(column: ir.Column, kind: str, number_format: NumberFormat, words: tuple[str, ...] = ()) -> ir.Table:
    """The distinct cells, what each may be, and ``k``, how many rows hold it; ``text`` is null where it is missing.

    ``words`` are texts that mean missing, besides those of ``MISSING_TEXTS``.
    """
    cells = column.name("cell").as_table().group_by("cell").agg(k=lambda t: t.count())
    cells = cells.mutate(text=as_text(cells.cell))
    if kind == "number":
        number = cells.cell.cast("float64").nullif(float("nan"))
        infinite = is_infinite(number).fill_null(False)
        number = ibis.ifelse(infinite, ibis.null("float64"), number)
    elif kind == "boolean":
        number, infinite = cells.cell.cast("int8").cast("float64"), ibis.literal(False)
    elif kind == "text":
        number = text_to_number(cells.text, number_format)
        infinite = cells.text.lower().isin(_INFINITE)
    else:
        number, infinite = ibis.null("float64"), ibis.literal(False)
    if kind != "text":
        no = ibis.literal(False)
        return cells.mutate(number=number, infinite=infinite, blank=no, marker=no, date=ibis.literal(kind == "date"))
    marker = cells.text.lower().isin(sorted(MISSING_TEXTS))
    if words:
        marker = marker | cells.text.isin(words)
    return cells.mutate(
        number=number,
        infinite=infinite.fill_null(False),
        blank=cells.cell.notnull() & cells.text.isnull(),
        marker=marker.fill_null(False),
        date=cells.text.re_search(DATE).fill_null(False),
    )


def fetched(column: ir.Column) -> list[tuple[Any, int]]:
    """The distinct cells of a column of few, each with its rows; as texts where Python cannot hold every cell.

    It has no time `infinity`, and Arrow no decimal number of unlimited precision.
    """
    kind = column.type()
    if kind.is_temporal() or kind.is_decimal() or kind.is_uuid():
        column = as_text(column)
    cells = column.name("cell").as_table().group_by("cell").agg(k=lambda t: t.count()).to_pyarrow()
    return list(zip(cells["cell"].to_pylist(), cells["k"].to_pylist(), strict=True))


def counts_of_few(
    cells: list[tuple[Any, int]], kind: str, number_format: NumberFormat, words: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The content of a column, from its cells where they are few enough to fetch; ``top`` and ``odd`` besides.

    Python counts here: a query with so many counts takes the engine longer to plan than this takes.
    """
    groups = [_meaning(cell, rows, kind, number_format, words) for cell, rows in cells]
    numbers = [group["number"] for group in groups if group["number"] is not None]
    sane = [number for number in numbers if abs(number) <= ABSURD]
    texts = Counter[str]()
    for group in groups:
        if group["text"] is not None:
            texts[group["text"]] += group["k"]
    marked = {group["text"] for group in groups if group["marker"]} - _codes_of_two_letters(texts)
    present = [group for group in groups if group["text"] is not None and group["text"] not in marked]
    top = tuple(sorted(texts.items(), key=lambda item: (-item[1], item[0])))
    odd = {group["text"] for group in present if group["number"] is None}
    return {
        "missing": sum(group["k"] for group in groups if group["text"] is None),
        "blank": sum(group["k"] for group in groups if group["blank"]),
        "distinct": len({group["text"] for group in present}),
        "numbers": sum(group["k"] for group in groups if group["number"] is not None),
        "dates": sum(group["k"] for group in present if group["date"]),
        "infinite": sum(group["k"] for group in groups if group["infinite"]),
        "whole": bool(sane) and all(number.is_integer() for number in sane),
        "padded": sum(group["k"] for group in present if kind == "text" and re.match(PADDED, group["text"])),
        "below_zero": sum(group["k"] for group in groups if group["number"] is not None and group["number"] < 0),
        "smallest": min(sane, default=None),
        "largest": max(sane, default=None),
        "length": sum(len(group["text"]) for group in present) / max(len(present), 1),
        "spaced": sum(group["k"] for group in present if " " in group["text"]),
        "markers": tuple(item for item in top if item[0] in marked),
        "top": top,
        "odd": tuple(item for item in top if item[0] in odd)[:ODD] if numbers else (),
    }


def _codes_of_two_letters(texts: Iterable[str]) -> set[str]:
    """NA among other texts of two capital letters: Namibia or North America, and no missing value."""
    others = [text for text in texts if text.lower() not in MISSING_TEXTS]
    return {"NA"} if len(others) >= _FEWEST_CODES and all(map(_INITIALS.fullmatch, others)) else set()


def _meaning(cell: Any, rows: int, kind: str, number_format: NumberFormat, words: tuple[str, ...]) -> dict[str, Any]:
    """One distinct cell, with the columns of :func:`grouped`."""
    missing = cell is None or cell != cell
    text = None if missing else level_text(cell) or None
    number: float | None = None
    if kind in ("number", "boolean") and not missing:
        number = float(cell)
    elif kind == "text" and text is not None:
        with suppress(ValueError):
            number = number_format.number_in(text)
    infinite = number is not None and math.isinf(number) and kind == "number"
    lower = text.lower() if text is not None and kind == "text" else ""
    return {
        "text": text,
        "k": rows,
        "number": number if number is not None and math.isfinite(number) else None,
        "infinite": infinite or lower in _INFINITE,
        "blank": kind == "text" and not missing and text is None,
        "marker": bool(lower) and (lower in MISSING_TEXTS or text in words),
        "date": kind == "date" or (bool(lower) and text is not None and re.match(DATE, text) is not None),
    }


def counts_of_many(groups: ir.Table, kind: str) -> dict[str, Any]:
    """The same, counted in the engine: without ``top``, and with ``odd`` where only some cells are numbers."""
    found: dict[str, Any] = _counted(groups, kind).to_pyarrow().to_pylist()[0]
    found["markers"] = most_frequent(groups.filter(groups.marker)) if found.pop("marked") else ()
    held = found.pop("held")
    if 0 < found["numbers"] < held:
        found["odd"] = most_frequent(groups.filter(groups.number.isnull() & ~groups.marker))[:ODD]
    return found


def shapes_in(groups: ir.Table) -> list[Shape] | None:
    """The shapes of all texts; None where there are too many for numbers."""
    texts = groups.filter(groups.text.notnull() & ~groups.marker)
    shape = texts.text
    for pattern, put in SHAPING:
        shape = shape.re_replace(pattern, put)
    shapes = texts.select(shape=shape, zero=texts.text.re_search(FIRST_ZERO), k=texts.k)
    counts = shapes.group_by(["shape", "zero"]).agg(rows=lambda t: t.k.sum()).limit(MOST_SHAPES + 1)
    found = [Shape(row["shape"], row["zero"], int(row["rows"])) for row in counts.to_pyarrow().to_pylist()]
    return None if len(found) > MOST_SHAPES else found


def some_shapes(column: ir.Column) -> list[Shape]:
    """The shapes of the first texts, for a quick look."""
    first = column.name("cell").as_table().filter(lambda t: t.cell.notnull()).limit(_SAMPLE)
    texts = {text.strip() for text in first.to_pyarrow()["cell"].to_pylist()}
    return shapes_of((text, 1) for text in texts if text and text.lower() not in MISSING_TEXTS)


def most_frequent(groups: ir.Table, count: int = 20) -> tuple[tuple[str, int], ...]:
    """The most frequent texts of ``groups``, at most ``count``, each with its rows."""
    texts = groups.filter(groups.text.notnull()).group_by("text").agg(k=lambda t: t.k.sum())
    found = texts.order_by([ibis.desc("k"), "text"]).limit(count).to_pyarrow().to_pylist()
    return tuple((row["text"], int(row["k"])) for row in found)


def _counted(groups: ir.Table, kind: str) -> ir.Table:
    def rows(where: ir.BooleanColumn) -> ir.Scalar:
        return groups.k.sum(where=where).fill_null(0)

    sane = ibis.ifelse(groups.number.abs() <= ABSURD, groups.number, ibis.null("float64"))
    present = groups.text.notnull() & ~groups.marker
    length = groups.text.length() if kind == "text" else ibis.ifelse(present, 0, 0)
    spaced = groups.text.contains(" ") if kind == "text" else ~present
    return groups.aggregate(
        missing=rows(groups.text.isnull()),
        blank=rows(groups.blank),
        marked=rows(groups.marker),
        held=rows(present),
        distinct=present.sum().fill_null(0),
        numbers=rows(groups.number.notnull()),
        dates=rows(groups.date & present),
        infinite=rows(groups.infinite),
        whole=is_whole(sane).all().fill_null(False),
        padded=rows(present & groups.text.re_search(PADDED)) if kind == "text" else ibis.literal(0),
        below_zero=rows(sane < 0),
        smallest=sane.min(),
        largest=sane.max(),
        length=length.cast("float64").mean(where=present).fill_null(0.0),
        spaced=rows(present & spaced),
    )
