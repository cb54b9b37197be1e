"""Tables that hold several versions of a row, each with the time from which on it was so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from churn_mlops.data.discovery.foreign_keys import Link, best_link, called_like, measured
from churn_mlops.data.discovery.profiled_table import (
    ProfiledTable,
    is_named_or_written_so,
    may_be_key,
    may_name,
)
from churn_mlops.data.discovery.time_roles import Times
from churn_mlops.data.profiling.name_signals import names_held_thing, speaks_of_customer
from churn_mlops.suggestions import words

VERSION_WORDS = frozenset(
    "history histories hist version versions versioned snapshot snapshots scd dim revisions".split()
)
_ONE_TIME = 0.95  # share of the rows with a time of their own among those of their key
_FOUND = 0.5
_MOSTLY = 0.9


@dataclass(frozen=True)
class Versions:
    """A table of versions.

    Attributes:
        look: the table.
        key: its column that names what the rows are versions of.
        named_by: other tables that name it, each with the link of the column that does.
    """

    look: ProfiledTable
    key: str
    named_by: Mapping[str, Link]


def version_key(look: ProfiledTable, times: Times) -> str | None:
    """The column that names what the rows of ``look`` are versions of; None where they are no versions.

    The table is called a history, or has a time from which on its rows are valid; a key of it repeats, at another time
    each.
    """
    first = times.first
    if first is None or not (times.valid_from is not None or _is_called_so(look.name)):
        return None
    for column in look.columns:
        repeats = column.present > column.distinct
        if (
            repeats
            and is_named_or_written_so(column)
            and may_be_key(column)
            and _one_time_each(look, column.name, first)
        ):
            return column.name
    return None


def find_versions(looks: Sequence[ProfiledTable], times: Mapping[str, Times]) -> Versions | None:
    """The table of versions that most others name, with its word and without a table of its own; None where none is."""
    found = []
    for look in looks:
        key = version_key(look, times[look.name])
        if key is not None and not any(
            _names_rows(other, look, key) for other in looks if times[other.name].valid_from is None
        ):
            named = {other.name: link for other in looks if other is not look and (link := _naming(other, look, key))}
            found.append(Versions(look, key, named))
    return max((one for one in found if one.named_by), key=lambda one: len(one.named_by), default=None)


def times_of_versions(times: Times) -> Times:
    """``times`` of a table of versions: each is valid from its first time on."""
    return replace(times, valid_from=times.first, event=None, start=None, end=None)


def _is_called_so(table: str) -> bool:
    """Whether ``table`` is the history of a customer, or of what one holds: that of purchases holds events."""
    plain = plain_name(table)
    return plain != "_".join(words(table)) and (speaks_of_customer(plain) or names_held_thing(plain))


def plain_name(table: str) -> str:
    """The thing that a table holds versions of: "account" of ``account_history``."""
    return "_".join(word for word in words(table) if word not in VERSION_WORDS)


def _one_time_each(look: ProfiledTable, key: str, time: str) -> bool:
    rows = look.table.select(key=look.text(key), at=look.time(time))
    rows = rows.filter(rows.key.notnull(), rows["at"].notnull())
    all_, apart = (int(one.count().to_pyarrow().as_py()) for one in (rows, rows.distinct()))
    return apart >= _ONE_TIME * all_ > 0


def _names_rows(other: ProfiledTable, look: ProfiledTable, key: str) -> bool:
    """Whether ``other`` has a row for each of those that the rows of ``look`` are versions of."""
    own = other.key or other.nearly_key
    return other is not look and own is not None and measured(look, key, other, own).share >= _MOSTLY


def _naming(other: ProfiledTable, look: ProfiledTable, key: str) -> Link | None:
    """The link of the column of ``other`` that is called like the key of ``look``, and holds its values."""
    for column in other.columns:
        like = column.name != other.key and called_like(column.name, plain_name(look.name), key)
        able = may_be_key(column) or (column.name == key and may_name(column))
        if like and able and (link := best_link(other, column.name, look, key)).share >= _FOUND:
            return link
    return None
