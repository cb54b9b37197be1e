"""Files of which a copy is read: each is converted once, to Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.database import memory_connection
from churn_mlops.data.sources.files import identifier, quoted
from churn_mlops.data.sources.formats.kept_copy import kept_copy
from churn_mlops.data.sources.formats.total_row import TotalRow, without_total
from churn_mlops.data.sources.plain_types import with_plain_types
from churn_mlops.errors import SourceError


class Remark(NamedTuple):
    """A finding about a table that was read: its kind, the fact with what to do, and the column that it is about."""

    kind: str
    what: str
    column: str | None = None


@dataclass(frozen=True)
class ConvertedTable:
    """A table of a file, in a Parquet file.

    Args:
        path: of the Parquet file.
        columns: the names of its columns, and the SQL that reads each.
        remarks: what was noticed.
        has_totals: whether the last row may be a sum of the others.
    """

    path: Path
    columns: Mapping[str, str]
    remarks: tuple[Remark, ...] = ()
    has_totals: bool = True


def check_names(names: Sequence[str], where: str) -> None:
    """Whether the columns ``names`` differ, capitals apart: the engine takes such names for one.

    Raises:
        SourceError: two do not; names ``where`` they stand.
    """
    seen: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if name.lower() in seen:
            raise SourceError(
                f"{where}: columns {seen[name.lower()]} and {place} are both called {name!r}"
                " (capitals do not make names different); rename or remove one"
            )
        seen[name.lower()] = place


Convert = Callable[[Path, Path], dict[str, ConvertedTable]]
"""Writes the tables of the file at a path into a folder."""


def open_converted(convert: Convert, path: Path, connection: ibis.BaseBackend, name: str) -> ir.Table:
    """Load the table ``name`` of the file at ``path`` into ``connection``.

    Raises:
        SourceError: the file is not of its kind, or holds no such table.
    """
    _load(_table_of(convert, path, name), connection, name)
    return with_plain_types(connection, name)


def _load(found: ConvertedTable, connection: ibis.BaseBackend, name: str) -> list[TotalRow]:
    read = ", ".join(f"{sql} AS {identifier(column)}" for column, sql in found.columns.items())
    connection.raw_sql(
        f"CREATE TABLE {identifier(name)} AS SELECT {read} FROM read_parquet({quoted(str(found.path))})"  # noqa: S608 all is quoted
    )
    return without_total(connection, name) if found.has_totals else []


def converted_columns(convert: Convert, path: Path, name: str) -> list[str]:
    """Names of the columns of the table ``name`` of the file at ``path``.

    Raises:
        SourceError: as :func:`open_converted`.
    """
    return list(_table_of(convert, path, name).columns)


def converted_tables(convert: Convert, path: Path) -> list[str]:
    """Names of the tables of the file at ``path``, in its order.

    Raises:
        SourceError: the file is not of its kind.
    """
    return list(kept_copy(convert, path).made)


def converted_remarks(convert: Convert, path: Path, name: str) -> list[Remark]:
    """Findings about the table ``name`` of the file at ``path``.

    Raises:
        SourceError: as :func:`open_converted`.
    """
    found = _table_of(convert, path, name)
    connection = memory_connection()
    totals = _load(found, connection, name)
    connection.disconnect()
    return [*found.remarks, *(Remark("total_row", str(one)) for one in totals)]


def _table_of(convert: Convert, path: Path, name: str) -> ConvertedTable:
    """The table ``name``; where a file holds but one, its name is that of the file too."""
    tables = kept_copy(convert, path).made
    if len(tables) == 1:
        return next(iter(tables.values()))
    if name not in tables:
        raise SourceError(f"{path} holds the tables {', '.join(tables)}, and none is called {name!r}: give one of them")
    return tables[name]
