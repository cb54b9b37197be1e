"""Which tables are those of a known system: their columns show it, and their names choose among several."""

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


def recognise(tables: Mapping[str, Iterable[str]], *, without_end: bool = False) -> Recognised | None:
    """The system that wrote ``tables``, the columns of each by its name; None where none is known.

    A table without the columns that every exporter of the system writes is not taken, whatever it is called.

    Args:
        tables: the columns of each table.
        without_end: whether only a table of customers that knows no end is taken.
    """
    found = [one for preset in presets() if (one := _of_preset(preset, tables, without_end)) is not None]
    return max(found, key=_knows, default=None)


def _knows(one: Recognised) -> tuple[bool, bool, int]:
    """How well a system knows when a customer ended: more is better."""
    return bool(one.customers.preset.end), one.preset.bills, len(one.tables)


def plain(name: str) -> str:
    """``name`` in lower case with underscores, without the zone: "Ended At (UTC)" and "endedAt" are "ended_at"."""
    found = words(name)
    return "_".join(found[:-1] if found[-1:] == [_ZONE] else found)


def _of_preset(preset: Preset, tables: Mapping[str, Iterable[str]], without_end: bool) -> Recognised | None:
    columns = {source: _by_plain_name(names, preset.prefixes) for source, names in tables.items()}
    taken: dict[str, KnownTable] = {}
    home: str | None = None
    for table in preset.tables:
        able = {source: held for source, held in columns.items() if source not in taken and _has_needs(table, held)}
        called = {source: rank for source in able if (rank := _rank(table, source)) is not None}
        may_be_home = table.kind == "customers" and home is None and not (without_end and table.end)
        if not called and may_be_home and len(able) == 1:
            called = dict.fromkeys(able, 0)  # whatever a person has called the file
        if called:
            best = min(called, key=lambda source: called[source])
            meant = table if may_be_home or table.kind != "customers" else table.model_copy(update={"kind": "events"})
            taken[best] = KnownTable(best, meant, able[best])
            home = best if may_be_home else home
    if home is None:
        return None
    return Recognised(preset, (taken.pop(home), *taken.values()))


def _by_plain_name(names: Iterable[str], prefixes: Names) -> dict[str, str]:
    """The columns by their names without underscores, and without the first word if that is one of ``prefixes``."""
    found: dict[str, str] = {}
    for name in reversed(list(names)):
        first, _, rest = plain(name).partition("_")
        found[_tight(rest if first in prefixes and rest else plain(name))] = name
    return found


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
