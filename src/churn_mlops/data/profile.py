"""The look at a table: what its columns hold, counted inside the engine.

Each column is first grouped by its cells, and everything is computed on the groups: a text that stands in a million
rows is read once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Literal

import ibis
import ibis.expr.types as ir

from churn_mlops.data.cells import as_text, is_whole, text_to_number
from churn_mlops.data.contract import ABSURD

Kind = Literal["text", "number", "boolean", "date", "other"]

MISSING_TEXTS = frozenset({"na", "n/a", "#n/a", "null", "nan", "<na>", "nil", "?", "-", "--"})
"""Lower-case texts that usually stand for "missing"."""

_TIME = r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?(Z| ?[+-]\d{2}:?\d{2})?)?"
_DATES = (
    r"\d{4}[-/]\d{1,2}([-/]\d{1,2})?",
    r"\d{4}\.\d{1,2}\.\d{1,2}",
    r"\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})",
    r"\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}",
    r"[A-Za-z]{3,9}\.? \d{1,2},? \d{4}",
)
_DATE = "^(" + "|".join(_DATES) + ")" + _TIME.replace("\\d", "[0-9]") + "$"
_DATE = _DATE.replace("\\d", "[0-9]")
_FEW = 200
"""Up to about so many distinct cells are fetched and listed."""
_ODD = 5


@dataclass(frozen=True)
class ColumnProfile:
    """What one column holds. Counts are rows, unless they say distinct; texts are stripped.

    ``missing`` counts nulls, NaN and blanks; ``blank`` is the part of it that is blank text. ``numbers`` counts rows
    that hold a finite number, ``dates`` rows whose text looks like one; ``markers`` are the texts that usually mean
    missing; ``top`` the most frequent texts, where there are few; ``odd`` those that are neither number nor marker.
    """

    name: str
    kind: Kind
    type: str
    rows: int
    missing: int = 0
    blank: int = 0
    distinct: int = 0
    numbers: int = 0
    dates: int = 0
    infinite: int = 0
    whole: bool = False
    smallest: float | None = None
    largest: float | None = None
    length: float = 0.0
    spaced: int = 0
    markers: tuple[tuple[str, int], ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    odd: tuple[tuple[str, int], ...] = ()

    @property
    def present(self) -> int:
        """Rows that hold something other than a blank or a text that usually means missing."""
        return self.rows - self.missing - sum(count for _, count in self.markers)

    @property
    def levels(self) -> tuple[str, ...]:
        """The distinct texts that do not mean missing, sorted; known where there are few."""
        markers = {text for text, _ in self.markers}
        return tuple(sorted(text for text, _ in self.top if text not in markers))


@dataclass(frozen=True)
class Profile:
    """What a table holds: its number of rows, and its columns in their order."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    def __getitem__(self, name: str) -> ColumnProfile:
        """The profile of the column called ``name``."""
        return next(column for column in self.columns if column.name == name)


def profile_table(table: ir.Table) -> Profile:
    """Count what every column of ``table`` holds: one query for all of them, then one for each."""
    counts = [table.count().name("rows")]
    counts += [table[name].approx_nunique().name(f"c{place}") for place, name in enumerate(table.columns)]
    found = list(table.aggregate(counts).to_pyarrow().to_pylist()[0].values())
    rows = int(found[0])
    columns = zip(table.columns, found[1:], strict=True)
    return Profile(rows, tuple(_profile_column(table[name], rows, int(distinct)) for name, distinct in columns))


def kind_of(column: ir.Column) -> Kind:
    """The kind of thing that the type of ``column`` can hold."""
    kind = column.type()
    if kind.is_string() or kind.is_uuid():
        return "text"
    if kind.is_boolean():
        return "boolean"
    if kind.is_numeric():
        return "number"
    return "date" if kind.is_temporal() else "other"


def _profile_column(column: ir.Column, rows: int, about: int) -> ColumnProfile:
    """Profile ``column``, which holds ``about`` so many distinct cells."""
    kind = kind_of(column)
    name, held = column.get_name(), str(column.type())
    if kind == "other":
        count = int(column.count().to_pyarrow().as_py())
        return ColumnProfile(name=name, kind=kind, type=held, rows=rows, missing=rows - count, distinct=count)
    groups = _groups(column, kind)
    if about <= _FEW:
        return _of_few(groups.to_pyarrow().to_pylist(), ColumnProfile(name=name, kind=kind, type=held, rows=rows))
    counted = _counted(groups, kind).to_pyarrow().to_pylist()[0]
    markers = _most_frequent(groups.filter(groups.marker)) if counted.pop("marked") else ()
    found = ColumnProfile(name=name, kind=kind, type=held, rows=rows, markers=markers, **counted)
    if 0 < found.numbers < found.present:
        odd = _most_frequent(groups.filter(groups.number.isnull() & ~groups.marker))
        return replace(found, odd=odd[:_ODD])
    return found


def _of_few(groups: list[dict[str, Any]], empty: ColumnProfile) -> ColumnProfile:
    """The same counts as :func:`_counted`, summed here where the distinct cells are few enough to fetch."""
    present = [group for group in groups if group["text"] is not None and not group["marker"]]
    numbers = [group["number"] for group in groups if group["number"] is not None]
    sane = [number for number in numbers if abs(number) <= ABSURD]
    texts = Counter[str]()
    for group in groups:
        if group["text"] is not None:
            texts[group["text"]] += group["k"]
    marked = {group["text"] for group in groups if group["marker"]}
    top = tuple(sorted(texts.items(), key=lambda item: (-item[1], item[0])))
    odd = {group["text"] for group in present if group["number"] is None}
    return replace(
        empty,
        missing=sum(group["k"] for group in groups if group["text"] is None),
        blank=sum(group["k"] for group in groups if group["blank"]),
        distinct=len({group["text"] for group in present}),
        numbers=sum(group["k"] for group in groups if group["number"] is not None),
        dates=sum(group["k"] for group in present if group["date"]),
        infinite=sum(group["k"] for group in groups if group["infinite"]),
        whole=bool(sane) and all(number.is_integer() for number in sane),
        smallest=min(sane, default=None),
        largest=max(sane, default=None),
        length=sum(len(group["text"]) for group in present) / max(len(present), 1),
        spaced=sum(group["k"] for group in present if " " in group["text"]),
        markers=tuple(item for item in top if item[0] in marked),
        top=top,
        odd=tuple(item for item in top if item[0] in odd)[:_ODD] if numbers else (),
    )


def _groups(column: ir.Column, kind: Kind) -> ir.Table:
    """The distinct cells, what each may be, and ``k``, how many rows hold it; ``text`` is null where it is missing."""
    cells = column.name("cell").as_table().group_by("cell").agg(k=lambda t: t.count())
    cells = cells.mutate(text=as_text(cells.cell))
    if kind == "number":
        number = cells.cell.cast("float64").nullif(float("nan"))
        infinite = number.isinf().fill_null(False)
        number = ibis.ifelse(infinite, ibis.null("float64"), number)
    elif kind == "boolean":
        number, infinite = cells.cell.cast("int8").cast("float64"), ibis.literal(False)
    elif kind == "text":
        number = text_to_number(cells.text)
        infinite = cells.text.lower().isin(["inf", "-inf", "+inf", "infinity", "-infinity"])
    else:
        number, infinite = ibis.null("float64"), ibis.literal(False)
    is_text = kind == "text"
    return cells.mutate(
        number=number,
        infinite=infinite.fill_null(False),
        blank=(cells.cell.notnull() & cells.text.isnull()) if is_text else ibis.literal(False),
        marker=cells.text.lower().isin(sorted(MISSING_TEXTS)).fill_null(False) if is_text else ibis.literal(False),
        date=cells.text.re_search(_DATE).fill_null(False) if is_text else ibis.literal(kind == "date"),
    )


def _counted(groups: ir.Table, kind: Kind) -> ir.Table:
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
        distinct=present.sum().fill_null(0),
        numbers=rows(groups.number.notnull()),
        dates=rows(groups.date & present),
        infinite=rows(groups.infinite),
        whole=is_whole(sane).all().fill_null(False),
        smallest=sane.min(),
        largest=sane.max(),
        length=length.mean(where=present).fill_null(0.0),
        spaced=rows(present & spaced),
    )


def _most_frequent(groups: ir.Table, count: int = 20) -> tuple[tuple[str, int], ...]:
    texts = groups.filter(groups.text.notnull()).group_by("text").agg(k=lambda t: t.k.sum())
    found = texts.order_by([ibis.desc("k"), "text"]).limit(count).to_pyarrow().to_pylist()
    return tuple((row["text"], int(row["k"])) for row in found)
