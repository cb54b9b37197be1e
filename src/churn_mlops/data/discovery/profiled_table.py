"""A table of a database as it was looked at: what its columns hold, which are times, which is its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile

import ibis.expr.types as ir
from ibis.util import gen_name

from churn_mlops.data.discovery.time_columns import TimeColumn, time_column
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.optimization_fence import fenced
from churn_mlops.data.engine.timestamps import parsed_time
from churn_mlops.data.profiling.name_signals import names_identifier, names_person
from churn_mlops.data.profiling.numeric_codes import has_stray_zeros
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile, Profile, profile_table
from churn_mlops.suggestions import words

_NEARLY_ALL = 0.95
_FEWEST_KEYS = 2
_FEWEST_SHARED = 20  # so many different values are not found in two tables, or of one length, by chance
_LONG = 8


@dataclass(frozen=True)
class ProfiledTable:
    """One table, looked at.

    Attributes:
        name: what the contract calls it.
        source: its name in the database.
        table: its rows.
        profile: what its columns hold.
        times: its columns of times, in their order.
        pointed_at: its columns of whole numbers that other tables' rows name, whatever they are called.
        read: the column of ``table`` that holds the times of a column, where these were read once.
    """

    name: str
    source: str
    table: ir.Table
    profile: Profile
    times: Mapping[str, TimeColumn]
    pointed_at: frozenset[str] = frozenset()
    read: Mapping[str, str] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return self.profile.rows

    @property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """The profiles of its columns, in their order."""
        return self.profile.columns

    @cached_property
    def key(self) -> str | None:
        """The column that names its rows, each once."""
        return next((column.name for column in self._keys() if column.distinct == self.rows), None)

    @cached_property
    def nearly_key(self) -> str | None:
        """The column that was surely meant to name its rows, though some repeat or are blank."""
        if self.key is not None:
            return None
        own = set(words(self.name)) | {word.removesuffix("s") for word in words(self.name)}
        found = [column for column in self._keys() if column.distinct >= _NEARLY_ALL * self.rows]
        first = self.columns[0].name
        return next((one.name for one in found if one.name == first or own & set(words(one.name)) - {"id"}), None)

    def time(self, column: str) -> ir.TimestampColumn:
        """``column`` as times; in a selection of its own, the statement holds the long reading of a text once."""
        if column in self.read:
            return self.table[self.read[column]]
        times = parsed_time(self.table[column], self.times[column].format)
        return times if self.table[column].type().is_temporal() else fenced(times)

    def text(self, column: str) -> ir.StringColumn:
        """``column`` as texts, as a contract means them."""
        return as_text(self.table[column])

    def _keys(self) -> list[ColumnProfile]:
        """Columns that may name rows or other tables' rows, those called like identifiers first."""
        able = [column for column in self.columns if may_be_key(column) or column.name in self.pointed_at]
        able = [column for column in able if column.name not in self.times]
        return sorted(able, key=lambda column: (not names_identifier(column.name), not is_named_or_written_so(column)))


def look_at(tables: Mapping[str, ir.Table]) -> list[ProfiledTable]:
    """Look at each of ``tables``; what all their names begin with is left out of what the contract calls them."""
    names = short_names(list(tables))
    looks = []
    for source, table in tables.items():
        profile = profile_table(table)
        found = {column.name: time_column(table[column.name], column) for column in profile.columns}
        times = {name: time for name, time in found.items() if time is not None}
        rows, read = _with_read(table, times)
        looks.append(ProfiledTable(names[source], source, rows, profile, times, read=read))
    return [replace(look, pointed_at=_pointed_at(look, looks)) for look in looks]


def _pointed_at(look: ProfiledTable, looks: Sequence[ProfiledTable]) -> frozenset[str]:
    """Whole numbers, each once, of which a column of the same name in another table holds some again and again."""
    able = [one for one in look.columns if one.distinct == look.rows >= _FEWEST_SHARED and _is_count(one)]
    others = [one for other in looks if other is not look for one in other.columns if _is_count(one)]
    return frozenset(one.name for one in able if any(_repeats_some_of(other, one) for other in others))


def _is_count(column: ColumnProfile) -> bool:
    return column.whole and is_number(column)


def _repeats_some_of(one: ColumnProfile, key: ColumnProfile) -> bool:
    """Whether ``one`` is called like ``key``, and holds numbers of its range, most of them several times."""
    if None in (one.smallest, one.largest, key.smallest, key.largest):
        return False
    within = float(key.smallest or 0) <= float(one.smallest or 0) and float(one.largest or 0) <= float(key.largest or 0)
    return one.name == key.name and within and one.distinct >= _FEWEST_SHARED and one.present >= 2 * one.distinct


def _with_read(table: ir.Table, times: Mapping[str, TimeColumn]) -> tuple[ir.Table, dict[str, str]]:
    """``table``, with the times that are written as texts or numbers read once, where the engine is our own.

    Each time is asked about many times. In a company's own database nothing is written: each question reads the texts.
    """
    connection = table.get_backend()
    written = [column for column in times if not table[column].type().is_temporal()]
    if not written or connection.name != "duckdb":
        return table, {}
    names = {column: gen_name("read") for column in written}
    read = table.mutate(**{name: parsed_time(table[one], times[one].format) for one, name in names.items()})
    # Not `cache()`: it drops its table when the program ends, and the connection is closed by then.
    return connection.create_table(gen_name("read"), read, temp=True), names


def short_names(sources: list[str]) -> dict[str, str]:
    """``company_accounts`` and ``company_tickets`` are "accounts" and "tickets"; names are left apart and usable."""
    same = len(list(takewhile(lambda signs: len(set(signs)) == 1, zip(*sources, strict=False))))
    prefix = sources[0][:same] if len(sources) > 1 else ""
    prefix = prefix[: max(prefix.rfind("_"), prefix.rfind("-"), prefix.rfind(" ")) + 1]
    names = {source: source.removeprefix(prefix).replace(".", "_") or source for source in sources}
    return names if len(set(names.values())) == len(names) else {source: source.replace(".", "_") for source in sources}


def may_be_key(column: ColumnProfile) -> bool:
    """Whether values of ``column`` may name rows: texts without blanks, or whole numbers called or written so."""
    if not may_name(column) or names_person(column.name):
        return False
    if is_number(column):
        return is_named_or_written_so(column)
    return names_identifier(column.name) or (column.spaced == 0 and column.length >= 4)


def may_name(column: ColumnProfile) -> bool:
    """Whether values of ``column`` could name anything at all: texts or whole numbers, not always the same one."""
    able = column.kind in ("text", "number") and column.distinct >= _FEWEST_KEYS
    return able and (column.whole or not is_number(column))


def is_named_or_written_so(column: ColumnProfile) -> bool:
    """Whether ``column`` is called like an identifier, or written like one: 0000405, or long texts of one length."""
    if names_identifier(column.name):
        return True
    if is_number(column):
        return column.whole and column.padded > 0 and not has_stray_zeros(column)
    texts = column.kind == "text" and not column.dates and not column.spaced and column.distinct >= _FEWEST_SHARED
    return texts and column.length >= _LONG and column.length.is_integer()
