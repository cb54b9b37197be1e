"""The look at a table: what its columns hold, counted inside the engine.

Each column is first grouped by its cells, and everything is computed on the groups: a text that stands in a million
rows is read once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from churn_mlops.data.engine.timestamps import in_calendar
from churn_mlops.data.profiling.number_detection import (
    AS_TEXTS,
    DetectedFormat,
    detect_number_format,
    looks_written,
    point_question,
    shapes_of,
)
from churn_mlops.data.profiling.value_counts import (
    counts_of_few,
    counts_of_many,
    fetched,
    grouped,
    shapes_in,
    some_shapes,
)

Kind = Literal["text", "number", "boolean", "date", "other"]

_FEW = 1_500
"""Up to about so many distinct cells are fetched and listed."""


@dataclass(frozen=True)
class ColumnProfile:
    """The content of one column. Counts are rows, unless they say distinct; texts are stripped.

    ``missing`` counts nulls, NaN, blanks, and dates outside the calendar; ``blank`` is the part of it that is blank
    text. ``numbers`` counts rows that hold a finite number, as they are ``written``; ``dates`` rows whose text looks
    like one; ``markers`` are the texts that usually mean missing; ``padded`` counts rows of a whole number with a
    leading zero, such as 007, and ``below_zero`` rows of a number below zero; ``top`` all texts by how frequent they
    are, if they are not too many; ``odd`` those that are neither number nor marker.
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
    padded: int = 0
    below_zero: int = 0
    smallest: float | None = None
    largest: float | None = None
    length: float = 0.0
    spaced: int = 0
    markers: tuple[tuple[str, int], ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    odd: tuple[tuple[str, int], ...] = ()
    written: DetectedFormat = AS_TEXTS

    @property
    def present(self) -> int:
        """Rows that hold something other than a blank or a text that means missing."""
        return self.rows - self.missing - sum(count for _, count in self.markers)

    @property
    def levels(self) -> tuple[str, ...]:
        """The distinct texts that do not mean missing, sorted; known where there are few."""
        return tuple(sorted(text for text, _ in self.level_rows))

    @property
    def level_rows(self) -> tuple[tuple[str, int], ...]:
        """The same with the rows of each, the most frequent first."""
        markers = {text for text, _ in self.markers}
        return tuple(item for item in self.top if item[0] not in markers)


@dataclass(frozen=True)
class Profile:
    """The content of a table: its number of rows, and its columns in their order."""

    rows: int
    columns: tuple[ColumnProfile, ...]

    def __getitem__(self, name: str) -> ColumnProfile:
        """The profile of the column called ``name``."""
        return next(column for column in self.columns if column.name == name)


def profile_table(table: ir.Table) -> Profile:
    """Count what every column of ``table`` holds: one query for all of them, then one or a few for each."""
    readable = [name for name in table.columns if kind_of(table[name]) != "other"]  # the others cannot be compared
    counts = [table.count().name("rows")]
    counts += [table[name].approx_nunique().name(f"c{place}") for place, name in enumerate(readable)]
    rows, *found = map(int, table.aggregate(counts).to_pyarrow().to_pylist()[0].values())
    about = dict(zip(readable, found, strict=True))
    return Profile(rows, tuple(_profile_column(table[name], rows, about.get(name, 0)) for name in table.columns))


def kind_of(column: ir.Column) -> Kind:
    """The kind of thing that the type of ``column`` can hold."""
    kind = column.type()
    if kind.is_string() or kind.is_uuid():
        return "text"
    if kind.is_boolean():
        return "boolean"
    if kind.is_numeric():
        return "number"
    return "date" if kind.is_date() or kind.is_timestamp() else "other"


def type_name(column: ir.Column) -> str:
    """The type of ``column``, as the engine calls it where no expression can read it, otherwise as Ibis does."""
    kind = column.type()
    return str(kind.raw_type) if isinstance(kind, dt.Unknown) else str(kind)


def _profile_column(column: ir.Column, rows: int, about: int) -> ColumnProfile:
    """Profile ``column``, which holds ``about`` so many distinct cells."""
    kind = kind_of(column)
    empty = ColumnProfile(name=column.get_name(), kind=kind, type=type_name(column), rows=rows)
    if kind == "other":
        count = int(column.count().to_pyarrow().as_py())
        return replace(empty, missing=rows - count, distinct=count)
    if kind == "date":
        column = in_calendar(column).name(column.get_name())
    cells = fetched(column) if about <= _FEW else None

    def look(written: DetectedFormat) -> ColumnProfile:
        """One look, with numbers as they are ``written``."""
        if cells is not None:
            return replace(empty, **counts_of_few(cells, kind, written.number_format, written.words))
        return replace(empty, **counts_of_many(grouped(column, kind, written.number_format, written.words), kind))

    found = look(empty.written)
    written = _written(column, found, few=cells is not None) if column.type().is_string() else None
    if written is None:
        return found
    again = written.readable and (written.words or not written.number_format.is_plain)
    return replace(look(written) if again else found, written=written)


def _written(column: ir.Column, found: ColumnProfile, few: bool) -> DetectedFormat | None:
    """How the numbers of a text column are written, None where they are plain or there are none."""
    plain = found.numbers >= found.present
    if plain and (found.whole or not _may_be_thousands(found)):
        return None
    if not found.present or found.dates >= 0.95 * found.present:
        return None
    if few:
        shapes = shapes_of(found.level_rows)
    else:
        if found.numbers < 0.2 * found.present and not looks_written(some_shapes(column)):
            return None
        shapes = shapes_in(grouped(column, found.kind, found.written.number_format)) or []
    return point_question(shapes) if plain else detect_number_format(shapes, found.distinct)


def _may_be_thousands(found: ColumnProfile) -> bool:
    """Whether plain numbers such as 1.234 all lie where thousands, read as decimals, would."""
    if found.smallest is None or found.largest is None:
        return False
    return found.smallest >= 0 and found.largest < 1000 and found.distinct >= 3
