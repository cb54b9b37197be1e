"""The tables of a history contract, opened from one place so that they can be joined."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import RENEWAL, HistoryContract
from churn_mlops.data.engine.timestamps import is_time
from churn_mlops.data.sources.database_place import DatabasePlace
from churn_mlops.data.sources.files import quoted
from churn_mlops.data.sources.place import Place
from churn_mlops.data.sources.read_times import own_times, times_of_table, with_times_read
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import ContractError, SourceError
from churn_mlops.suggestions import did_you_mean


def open_tables(address: str, contract: HistoryContract) -> dict[str, ir.Table]:
    """Open each table of ``contract``, by its key, at one address.

    Files are loaded into an engine of ours, and their declared times are read once; databases are read where they are.
    Nothing is written there.

    Args:
        address: path of a database file, of a folder of files that are one table each and are called like it, of one
            such file, or an address such as ``postgres://user@host/database`` or ``spark://local[4]/folder`` (see
            ``data.sources.spark``).
        contract: names the tables and the columns that they need.

    Returns:
        Those tables, their columns as in the database; of loaded ones also the times that were read (``read_name``).

    Raises:
        SourceError: the address cannot be opened, or has no such table; names the nearest.
        ContractError: a table has not a declared column, or a time is held in a column that cannot be one.
    """
    return open_tables_at(resolve(address), contract)


def open_tables_at(place: Place, contract: HistoryContract) -> dict[str, ir.Table]:
    """As :func:`open_tables`, at a ``place`` that stays connected, and whose time zone becomes the contract's."""
    wanted = {key: declared.table or key for key, declared in contract.tables.items()}
    if place.kind == "file":
        _check_one_file(place, contract, set(wanted.values()))
    set_time_zone(place.connection, contract.time_zone)
    names = place.tables()
    for name in wanted.values():
        if name not in names:
            near = did_you_mean(name, names) if names else "it has none"
            raise SourceError(
                f"{place.shown} has no table {name!r}, which the contract {contract.name!r} reads; {near}"
            )
    opened = {name: place.open(name) for name in dict.fromkeys(wanted.values())}
    for key, name in wanted.items():
        _check_columns(contract, key, opened[name], place.shown)
    if place.loaded:
        opened = with_times_read(opened, contract, place.connection)
    return {key: opened[name] for key, name in wanted.items()}


def tables_of(
    connection: ibis.BaseBackend, contract: HistoryContract, where: str = "the database"
) -> dict[str, ir.Table]:
    """Each table of ``contract``, by its key, on an open ``connection``, whose time zone becomes the contract's.

    Args:
        connection: of Ibis, on DuckDB, PostgreSQL or Spark. One connection serves contracts of one time zone only.
        contract: names the tables and the columns that they need.
        where: what errors call the place.

    Raises:
        SourceError: there is no such table; names the nearest.
        ContractError: a table has not a declared column, or a time is held in a column that cannot be one.
    """
    return open_tables_at(DatabasePlace(lambda: connection, where), contract)


def unread_renewal(tables: Mapping[str, ir.Table], contract: HistoryContract) -> str | None:
    """Why the `renewal` of ``contract`` cannot be read from its opened ``tables``; None where it can, or there is none.

    It is only shown, and no score rests on it: a source without it is read like any other.
    """
    if contract.renewal is None:
        return None
    key, read = contract.with_renewal().features[RENEWAL].reads
    column, table = contract.column(key, str(read)), tables[key]
    if column not in table.columns:
        return f"table {key!r} has no column {column!r}; {did_you_mean(column, table.columns)}"
    if not _holds_times(contract, key, table, column):
        return f"column {column!r} of table {key!r} is of type {table[column].type()}, which holds no dates"
    return None


def shown_contract(tables: Mapping[str, ir.Table], contract: HistoryContract) -> HistoryContract:
    """``contract``, without its `renewal` where ``tables`` do not hold it."""
    return contract if unread_renewal(tables, contract) is None else contract.model_copy(update={"renewal": None})


def _check_one_file(place: Place, contract: HistoryContract, wanted: set[str]) -> None:
    (held,) = place.tables()
    others = sorted(wanted - {held})
    if others:
        raise SourceError(
            f"{place.shown} holds one table, {held!r}, and the contract {contract.name!r} reads {', '.join(others)}: "
            "give a database, or a folder with a file for each table"
        )


def set_time_zone(connection: ibis.BaseBackend, time_zone: str) -> None:
    """Days are counted in this zone by whatever runs on ``connection``."""
    if connection.name == "pyspark":
        connection._session.conf.set("spark.sql.session.timeZone", time_zone)
    elif connection.name == "postgres":
        with connection.raw_sql(f"SET SESSION TIME ZONE {quoted(time_zone)}"):
            connection.con.commit()  # a later error's rollback would undo the setting
    else:
        connection.raw_sql(f"SET TimeZone = {quoted(time_zone)}")


def _check_columns(contract: HistoryContract, key: str, table: ir.Table, where: str) -> None:
    for column, use in _needed(contract, key):
        if column not in table.columns:
            raise ContractError(
                f"table {key!r} of {where} has no column {column!r}, {use} in the contract {contract.name!r}; "
                f"{did_you_mean(column, table.columns)}"
            )
    for column in times_of_table(contract, key):
        if not _holds_times(contract, key, table, column):
            kind = table[column].type()
            raise ContractError(
                f"table {key!r} of {where}: column {column!r} is of type {kind}, and a time is a date, a timestamp "
                "or a text such as 2026-03-01; declare its `formats`, or make a view that turns it into one"
            )


def _holds_times(contract: HistoryContract, key: str, table: ir.Table, column: str) -> bool:
    return is_time(table[column]) or (table[column].type().is_numeric() and column in contract.tables[key].formats)


def _needed(contract: HistoryContract, key: str) -> list[tuple[str, str]]:
    """The columns of a table that the contract names, each with what for."""
    declared = contract.tables[key]
    found = [(name, "a time") for name in own_times(declared)]
    if declared.through is None:
        found.append((declared.customer or contract.customer, "the customer"))
    else:
        found.append((declared.through.column, "the link"))
    found += [(name, "named in `where`") for name in declared.where]
    if declared.versions is not None:
        found += [(name, "named in `versions`") for name in (declared.versions.key, declared.versions.by)]
    found += [
        (one.through.key, f"the key of table {other!r}")
        for other, one in contract.tables.items()
        if one.through is not None and one.through.table == key
    ]
    for name, feature in contract.features.items():
        table, column = feature.reads
        use = f"feature {name!r}"
        if table == key:
            conditions = feature.where if feature.ratio is None else feature.ratio.where
            found += [(one, use) for one in conditions]
            if column is not None:
                found.append((contract.column(key, column), use))
    if contract.label is not None and contract.label.involuntary is not None and key == contract.customers:
        found.append((contract.label.involuntary.column, "`involuntary`"))
    return found
