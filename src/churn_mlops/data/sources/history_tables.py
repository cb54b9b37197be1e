"""The tables of a history contract, opened from one place so that they can be joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import END, END_KNOWN_AT, HistoryContract, HistoryTable
from churn_mlops.data.engine.timestamps import is_time
from churn_mlops.data.sources.csv_reader import open_csv
from churn_mlops.data.sources.files import check_file, is_duckdb, quoted
from churn_mlops.data.sources.folders import files_in, stem_of
from churn_mlops.data.sources.open import (
    DELIMITED,
    SQLITE,
    connect_database,
    connect_duckdb,
    ending_of,
    file_path,
    memory_connection,
    open_parquet,
    table_names,
)
from churn_mlops.data.sources.spark import SparkAddress, connect_spark, explained, files_of, is_spark, view_parquet
from churn_mlops.data.sources.sqlite_reader import open_sqlite, sqlite_tables
from churn_mlops.database_urls import shown
from churn_mlops.errors import ContractError, SourceError
from churn_mlops.suggestions import did_you_mean


def open_tables(address: str, contract: HistoryContract) -> dict[str, ir.Table]:
    """Open each table of ``contract``, by its key, at one address.

    Delimited files and SQLite are loaded as texts, the others are read where they are. Nothing is written.

    Args:
        address: path of a DuckDB or SQLite file, of a folder of ``.csv``, ``.tsv``, ``.txt`` (also ``.gz``) and
            ``.parquet`` files, each called like its table, of one such file, or an address such as
            ``postgres://user@host/database`` or ``spark://local[4]/folder`` (see ``data.spark``).
        contract: names the tables and the columns that they need.

    Returns:
        Those tables, their columns as in the database.

    Raises:
        SourceError: the address cannot be opened, or has no such table; names the nearest.
        ContractError: a table has not a declared column, or a time is held in a column that cannot be one.
    """
    if is_spark(address):
        return _of_spark(SparkAddress.of(address), contract)
    scheme, separator, rest = address.partition("://")
    if separator and scheme not in ("duckdb", "sqlite"):
        return tables_of(connect_database(address), contract, shown(address))
    path = file_path(rest) if separator else Path(address).expanduser()
    if path.is_dir():
        return _of_files(files_in(path), contract, str(path))
    check_file(path)
    ending = f".{scheme}" if separator else ending_of(path)
    if ending in SQLITE and not is_duckdb(path):
        return _of_sqlite(path, contract)
    if ending in {".duckdb", ".ddb", *SQLITE}:
        return tables_of(connect_duckdb(path), contract, str(path))
    if ending in {*DELIMITED, ".parquet"}:
        return _of_one_file(path, contract)
    raise SourceError(
        f"{path}: what kind of file this is cannot be told from its name; give a database, a folder with a file for "
        f"each table of the contract {contract.name!r}, or one such file"
    )


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
    _count_days_in(connection, contract.time_zone)
    names = table_names(connection)
    return _opened(contract, where, names, lambda name: _without_zones(connection, name))


def _opened(
    contract: HistoryContract, where: str, names: Iterable[str], open_one: Callable[[str], ir.Table]
) -> dict[str, ir.Table]:
    held = list(names)
    wanted = {key: declared.table or key for key, declared in contract.tables.items()}
    for name in wanted.values():
        if name not in held:
            there = did_you_mean(name, held) if held else "it has none"
            raise SourceError(f"{where} has no table {name!r}, which the contract {contract.name!r} reads; {there}")
    opened = {name: open_one(name) for name in dict.fromkeys(wanted.values())}
    found = {key: opened[name] for key, name in wanted.items()}
    for key, table in found.items():
        _check_columns(contract, key, table, where)
    return found


def _count_days_in(connection: ibis.BaseBackend, time_zone: str) -> None:
    if connection.name == "pyspark":
        connection._session.conf.set("spark.sql.session.timeZone", time_zone)
    elif connection.name == "postgres":
        with connection.raw_sql(f"SET SESSION TIME ZONE {quoted(time_zone)}"):
            connection.con.commit()  # the roll-back of a later error would take the setting back
    else:
        connection.raw_sql(f"SET TimeZone = {quoted(time_zone)}")


def _without_zones(connection: ibis.BaseBackend, name: str) -> ir.Table:
    """The table ``name``. Ibis takes Spark's timestamps with a zone for those without, so Spark itself turns them."""
    if connection.name != "pyspark":
        return connection.table(name)
    fields = connection._session.table(name).schema.fields
    columns = [
        f"CAST(`{field.name}` AS TIMESTAMP_NTZ) AS `{field.name}`"
        if field.dataType.typeName() == "timestamp"
        else f"`{field.name}`"
        for field in fields
    ]
    return connection.sql(f"SELECT {', '.join(columns)} FROM `{name}`", dialect="pyspark")  # noqa: S608 names of Spark's own catalogue


def _of_spark(place: SparkAddress, contract: HistoryContract) -> dict[str, ir.Table]:
    connection = connect_spark(place)
    if place.folder is None:
        with explained(place):
            return tables_of(connection, contract, place.shown)
    _count_days_in(connection, contract.time_zone)
    files = files_of(connection, place)

    def open_one(name: str) -> ir.Table:
        view_parquet(connection, place, name, files[name])
        return _without_zones(connection, name)

    return _opened(contract, place.shown, files, open_one)


def _of_files(files: Iterable[Path], contract: HistoryContract, where: str) -> dict[str, ir.Table]:
    held = {stem_of(file): file for file in files}
    connection = memory_connection()
    _count_days_in(connection, contract.time_zone)

    def open_one(name: str) -> ir.Table:
        check_file(held[name])
        open_file = open_parquet if ending_of(held[name]) == ".parquet" else open_csv
        return open_file(held[name], connection, name)

    return _opened(contract, where, held, open_one)


def _of_one_file(path: Path, contract: HistoryContract) -> dict[str, ir.Table]:
    others = sorted({declared.table or key for key, declared in contract.tables.items()} - {stem_of(path)})
    if others:
        raise SourceError(
            f"{path} holds one table, {stem_of(path)!r}, and the contract {contract.name!r} reads {', '.join(others)}: "
            "give a database, or a folder with a file for each table"
        )
    return _of_files([path], contract, str(path))


def _of_sqlite(path: Path, contract: HistoryContract) -> dict[str, ir.Table]:
    connection = memory_connection()
    _count_days_in(connection, contract.time_zone)
    return _opened(contract, str(path), sqlite_tables(path), lambda name: open_sqlite(path, name, connection, name))


def _check_columns(contract: HistoryContract, key: str, table: ir.Table, where: str) -> None:
    for column, use in _needed(contract, key):
        if column not in table.columns:
            raise ContractError(
                f"table {key!r} of {where} has no column {column!r}, {use} in the contract {contract.name!r}; "
                f"{did_you_mean(column, table.columns)}"
            )
    for column in _times(contract, key):
        kind = table[column].type()
        if not is_time(table[column]) and not (kind.is_numeric() and column in contract.tables[key].formats):
            raise ContractError(
                f"table {key!r} of {where}: column {column!r} is of type {kind}, and a time is a date, a timestamp "
                "or a text such as 2026-03-01; declare its `formats`, or make a view that turns it into one"
            )


def _times(contract: HistoryContract, key: str) -> list[str]:
    declared = contract.tables[key]
    ages = [
        contract.column(key, str(feature.reads[1]))
        for feature in contract.features.values()
        if feature.aggregate == "age_of" and feature.reads[0] == key
    ]
    return [*_own_times(declared), *ages]


def _needed(contract: HistoryContract, key: str) -> list[tuple[str, str]]:
    """The columns of a table that the contract names, each with what for."""
    declared = contract.tables[key]
    found = [(name, "a time") for name in _own_times(declared)]
    if declared.through is None:
        found.append((declared.customer or contract.customer, "the customer"))
    else:
        found.append((declared.through.column, "the link"))
    found += [(name, "named in `where`") for name in declared.where]
    found += [
        (one.through.key, f"the key of table {other!r}")
        for other, one in contract.tables.items()
        if one.through is not None and one.through.table == key
    ]
    for name, feature in contract.features.items():
        table, column = feature.reads
        if table == key:
            conditions = feature.where if feature.ratio is None else feature.ratio.where
            found += [(one, f"feature {name!r}") for one in conditions]
            if column is not None:
                found.append((contract.column(key, column), f"feature {name!r}"))
    if contract.label is not None and contract.label.involuntary is not None and key == contract.customers:
        found.append((contract.label.involuntary.column, "`involuntary`"))
    return found


def _own_times(declared: HistoryTable) -> list[str]:
    found = (declared.time, declared.known, declared.end, declared.end_known_at)
    return [name for name in found if name and name not in (END, END_KNOWN_AT)]
