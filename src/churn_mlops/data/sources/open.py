"""Opening what is at an address, read-only: one table, every table, or the columns of a table."""

from __future__ import annotations

import ibis.expr.types as ir

from churn_mlops.data.sources.files import chosen_table
from churn_mlops.data.sources.place import Place
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import SourceError


def open_table(address: str, table: str | None = None) -> ir.Table:
    """Open the table at ``address``: a file, or a database with its ``table``.

    Delimited files and SQLite are loaded into an in-memory DuckDB table of texts, in their row order, so that every
    fault of theirs shows here and not in a later query; the others are read where they are. Nothing is written.

    Args:
        address: path of a file of one of ``FILE_FORMATS``, or an Ibis address such as ``postgres://user@host/database``.
        table: name of the table in a database; may be left out where there is only one.

    Raises:
        SourceError: naming the address, the line where there is one, and what to do.
    """
    return open_table_at(resolve(address), table)


def open_table_at(place: Place, table: str | None = None) -> ir.Table:
    """As :func:`open_table`, at a ``place`` that stays connected."""
    rows = place.open(_table_at(place, table))
    if place.empty is not None and rows.count().to_pyarrow().as_py() == 0:
        raise SourceError(f"{place.shown} {place.empty}")
    return rows


def open_every_table(address: str) -> dict[str, ir.Table]:
    """The tables at ``address``, by name, without those that are a part of another one.

    A file's table is called like the file.

    Args:
        address: as of :func:`open_table`, or a folder of files that are one table each.

    Raises:
        SourceError: it cannot be read, or holds no table; with what to do.
    """
    place = _without_spark(resolve(address))
    parts = place.partitions()
    found = {name: place.open(name) for name in place.tables() if name not in parts}
    if not found:
        raise SourceError(f"{place.shown} holds no table: check the address, and the schema that the user sees")
    return found


def source_columns(address: str, table: str | None = None) -> list[str]:
    """Names of the columns of the table at ``address``; a file's beginning or footer is read, and no more.

    Args:
        address: as of :func:`open_table`.
        table: name of the table in a database; may be left out where there is only one.

    Raises:
        SourceError: it cannot be reached, or is no table.
    """
    place = resolve(address)
    return place.columns(_table_at(place, table))


def _table_at(place: Place, table: str | None) -> str:
    if place.kind == "folder":
        raise SourceError(f"{place.shown} is a folder: give the file inside it")
    names = _without_spark(place).tables()
    return names[0] if place.kind == "file" else chosen_table(place.shown, names, table)


def _without_spark(place: Place) -> Place:
    if place.kind == "spark":
        raise SourceError(
            "one flat table is not read from Spark, which serves a contract with a history (docs/scale.md): give a "
            "file or a database"
        )
    return place
