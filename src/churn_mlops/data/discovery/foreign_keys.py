"""Links between tables: a column whose values are the keys of another table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import ibis

from churn_mlops.data.contract import NormalForm
from churn_mlops.data.discovery.near_keys import NearKey, near_key
from churn_mlops.data.discovery.profiled_table import (
    ProfiledTable,
    is_named_or_written_so,
    may_be_key,
    may_name,
)
from churn_mlops.data.engine.normal_forms import normal_form
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.suggestions import words

_BY_NAME = 0.5  # share of the values that must be found where the names agree
_BY_VALUE = 0.98  # and where they do not
_FAR_MORE = 0.01  # share of the rows that a normal form must add
_MANY = 20  # so many different texts are not found elsewhere by chance


@dataclass(frozen=True)
class Link:
    """Rows of ``table`` name in ``column`` the rows of ``to``, by its ``key``.

    Attributes:
        rows: rows that name one.
        orphans: rows that name one which is not there.
        blank: rows that name none.
        missing_keys: different names that are not there.
        normal_form: form in which the two columns are compared; None where they are compared as they stand.
        near: how the two columns write the same keys differently, where that was found; also where no form is taken,
            because it would make one key of two.
    """

    table: str
    column: str
    to: str
    key: str
    rows: int
    orphans: int
    blank: int
    missing_keys: int
    normal_form: NormalForm | None = None
    near: NearKey | None = None

    @property
    def share(self) -> float:
        """Share of the rows that name one which is there."""
        return 1 - self.orphans / self.rows if self.rows else 0.0


def find_links(looks: Sequence[ProfiledTable]) -> list[Link]:
    """The links among the tables, at most one of a column: to the table that its name speaks of, or holds the most."""
    found: list[Link] = []
    for look in looks:
        for column in look.columns:
            targets = [other for other in looks if other is not look and may_link(look, column, other)]
            links = _of_column(look, column.name, targets)
            links.sort(key=lambda link: (not called_like(link.column, link.to, link.key), -link.share))
            found += links[:1]
    return _without_circles(found, {look.name: look for look in looks})


def links_from(links: Iterable[Link], table: str) -> list[Link]:
    """The links from the rows of ``table``."""
    return [link for link in links if link.table == table]


def _of_column(look: ProfiledTable, column: str, targets: Sequence[ProfiledTable]) -> list[Link]:
    """The links of a column that hold; by a normal form only if that makes no two keys one in any of the tables."""
    found = [(best_link(look, column, other, str(other.key or other.nearly_key)), other) for other in targets]
    doubtful = any(link.near is not None and link.near.merged for link, _ in found)
    return [link for link, other in found if _holds(link, other) and not (doubtful and link.normal_form is not None)]


def may_link(look: ProfiledTable, column: ColumnProfile, other: ProfiledTable) -> bool:
    """Whether ``column`` may name rows of ``other`` by its key, by their names and kinds: the values decide."""
    key = other.key or other.nearly_key
    same = key is not None and key.lower() == column.name.lower()
    may_point = may_be_key(column) or _called_as(column, other) or (same and may_name(column))
    if key is None or column.name in look.times or not may_point:
        return False
    target = other.profile[key]
    if not same and not is_named_or_written_so(target):
        return False
    if called_like(column.name, other.name, key):
        return True
    numbers = is_number(column) or is_number(target)
    return not numbers and column.distinct >= _MANY and column.name != look.key


def _called_as(column: ColumnProfile, other: ProfiledTable) -> bool:
    """Whether whole numbers stand under the very name of the other table, such as ``customer`` in ``invoice``."""
    return column.whole and is_number(column) and called_like(column.name, other.name, "")


def called_like(column: str, table: str, key: str) -> bool:
    """Whether ``column`` is called like the ``key``, or like the table, such as ``customer`` and ``customer_id``."""
    plain, target = "".join(words(column)), "".join(words(key))
    if plain == target and plain not in {"id", "key", "no", "number", "code", "name"}:
        return True
    one = "".join(words(table))
    names = {one, one.removesuffix("s"), one.removesuffix("es"), f"{one[:-3]}y" if one.endswith("ies") else one}
    return any(plain in {name, name + target, name + "id", name + "key"} for name in names if name)


def _holds(link: Link, other: ProfiledTable) -> bool:
    named = called_like(link.column, other.name, link.key)
    return link.rows > 0 and link.share >= (_BY_NAME if named else _BY_VALUE)


def best_link(look: ProfiledTable, column: str, other: ProfiledTable, key: str) -> Link:
    """The link by the values as they stand, or by a normal form that lets more of them meet and makes no two one."""
    exact = measured(look, column, other, key)
    if exact.share >= _BY_VALUE:
        return exact
    near = near_key(look, column, other, key)
    if near is None or near.rows - (exact.rows - exact.orphans) < _FAR_MORE * exact.rows:
        return exact
    return replace(exact if near.merged else measured(look, column, other, key, near.normal_form), near=near)


def measured(look: ProfiledTable, column: str, other: ProfiledTable, key: str, form: NormalForm | None = None) -> Link:
    """The link from a column to that of another table, its rows counted, by the normal ``form`` of both."""
    value, target = normal_form(look.text(column), form), normal_form(other.text(key), form)
    rows = value.name("value").as_table().group_by("value").agg(k=lambda t: t.count())
    keys = target.name("key").as_table().distinct().mutate(there=ibis.literal(1))
    joined = rows.left_join(keys, rows.value == keys.key)
    held = joined.value.notnull()
    gone = held & joined.there.isnull()
    counts = joined.aggregate(
        rows=joined.k.sum(where=held),
        orphans=joined.k.sum(where=gone),
        blank=joined.k.sum(where=~held),
        gone=gone.sum(),
    )
    found = {name: int(count or 0) for name, count in counts.to_pyarrow().to_pylist()[0].items()}
    counted = (found["rows"], found["orphans"], found["blank"], found["gone"])
    return Link(look.name, column, other.name, key, *counted, form)


def _without_circles(links: list[Link], looks: dict[str, ProfiledTable]) -> list[Link]:
    """One link for two tables with the same key: to the table that is called like its key, or holds more rows."""
    kept = []
    for link in links:
        back = [
            other
            for other in links
            if (other.table, other.column, other.to) == (link.to, link.key, link.table) and other.key == link.column
        ]
        if back and _rank(looks[link.table], link.column) > _rank(looks[link.to], link.key):
            continue
        kept.append(link)
    return kept


def _rank(look: ProfiledTable, key: str) -> tuple[bool, int, str]:
    """Higher for the table that others rather link to."""
    named = bool(set(map(_singular, words(look.name))) & set(map(_singular, words(key))))
    return named, look.rows, look.name


def _singular(word: str) -> str:
    return f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")
