"""Which tables are those of a billing system: their columns show it, and their names choose among several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from churn_mlops.data.presets.preset import Names, Preset, PresetTable, presets
from churn_mlops.suggestions import words

_ZONE = "utc"  # as in "Ended At (UTC)"


@dataclass(frozen=True)
class KnownTable:
    """A table that a preset speaks of.

    Attributes:
        source: its name in the database.
        preset: what it means.
        columns: its columns by their plain names, without underscores.
    """

    source: str
    preset: PresetTable
    columns: Mapping[str, str]

    def column(self, names: Names) -> str | None:
        """The first of ``names`` that it has, as the table writes it."""
        return next((self.columns[_tight(name)] for name in names if _tight(name) in self.columns), None)

    def every(self, names: Iterable[str]) -> set[str]:
        """All of ``names`` that it has, as the table writes them."""
        return {self.columns[_tight(name)] for name in names if _tight(name) in self.columns}


@dataclass(frozen=True)
class Recognised:
    """The tables of a system; the first is that of the customers."""

    preset: Preset
    tables: tuple[KnownTable, ...]

    @property
    def customers(self) -> KnownTable:
        """The table whose rows say who is a customer."""
        return self.tables[0]


def recognise(tables: Mapping[str, Iterable[str]]) -> Recognised | None:
    """The system that wrote ``tables``, the columns of each by its name; None where none is known.

    A table without the columns that every exporter of the system writes is not taken, whatever it is called.
    """
    columns = {
        source: {_tight(plain(name)): name for name in reversed(list(names))} for source, names in tables.items()
    }
    found = [one for preset in presets() if (one := _of_preset(preset, columns)) is not None]
    return max(found, key=lambda one: len(one.tables), default=None)


def plain(name: str) -> str:
    """``name`` in lower case with underscores, without the zone: "Ended At (UTC)" and "endedAt" are "ended_at"."""
    found = words(name)
    return "_".join(found[:-1] if found[-1:] == [_ZONE] else found)


def _of_preset(preset: Preset, columns: Mapping[str, Mapping[str, str]]) -> Recognised | None:
    taken: dict[str, KnownTable] = {}
    for table in preset.tables:
        able = {source: held for source, held in columns.items() if source not in taken and _has_needs(table, held)}
        called = {source: rank for source in able if (rank := _rank(table, source)) is not None}
        if not called and table.kind == "customers" and len(able) == 1:
            called = dict.fromkeys(able, 0)  # whatever a person has called the file
        if called:
            best = min(called, key=lambda source: called[source])
            taken[best] = KnownTable(best, table, able[best])
        elif table.kind == "customers":
            return None
    return Recognised(preset, tuple(taken.values()))


def _has_needs(table: PresetTable, held: Mapping[str, str]) -> bool:
    return all(any(_tight(name) in held for name in need.split("|")) for need in table.needs)


def _rank(table: PresetTable, source: str) -> int | None:
    """The place of the name among those of the table; None for another name."""
    called = plain(source)
    ranks = (place for place, name in enumerate(table.names) if called == name or called.endswith(f"_{name}"))
    return next(ranks, None)


def _tight(name: str) -> str:
    """``name`` without underscores: some exporters write ``enddate`` for ``end_date``."""
    return name.replace("_", "")
