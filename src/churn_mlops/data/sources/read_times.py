"""Times that are written as texts or numbers, read once where tables are loaded into an engine of ours.

A statement reads a time often, of many as-of dates. Each reading of a text costs a long pattern in the SQL, and its
search in every row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import duckdb
import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import END, END_KNOWN_AT, HistoryContract, HistoryTable
from churn_mlops.data.engine.timestamps import parsed_time, read_name
from churn_mlops.data.sources.files import identifier
from churn_mlops.data.sources.plain_types import with_plain_types

_READ = "__read__"


def with_times_read(
    tables: Mapping[str, ir.Table], contract: HistoryContract, connection: ibis.BaseBackend
) -> dict[str, ir.Table]:
    """``tables``, each with a column for every declared time that is a text or a number; ``time_of`` reads from it.

    A view is left as it is, and so is a table that does not fit into memory a second time: its times are read in each
    statement.

    Args:
        tables: by their names in the database.
        contract: names the times, and says how they are written.
        connection: to a DuckDB that may be written, whose time zone is the contract's.
    """
    return {name: _with_read(name, table, contract, connection) for name, table in tables.items()}


def times_of_table(contract: HistoryContract, key: str) -> list[str]:
    """The columns of a table of ``contract`` that hold times: its own, and those that features count from."""
    ages = (
        contract.column(key, str(feature.reads[1]))
        for feature in contract.features.values()
        if feature.aggregate == "age_of" and feature.reads[0] == key
    )
    return [*own_times(contract.tables[key]), *ages]


def own_times(declared: HistoryTable) -> list[str]:
    """The columns that say when a row happened, was recorded and ended."""
    found = (declared.time, declared.trial_end, declared.known, declared.end, declared.end_known_at)
    return [name for name in found if name and name not in (END, END_KNOWN_AT)]


def _with_read(name: str, table: ir.Table, contract: HistoryContract, connection: ibis.BaseBackend) -> ir.Table:
    keys = [key for key, declared in contract.tables.items() if (declared.table or key) == name]
    written = {
        (column, contract.tables[key].formats.get(column))
        for key in keys
        for column in _all_times(contract, key)
        if column in table.columns and not table[column].type().is_temporal()
    }
    if not written or not _is_loaded(connection, name):
        return table
    found = {read_name(column, how): parsed_time(table[column], how) for column, how in sorted(written, key=str)}
    try:
        connection.create_table(_READ, table.mutate(**found))
    except duckdb.OutOfMemoryException:
        return table
    connection.raw_sql(f"DROP TABLE {identifier(name)}")
    connection.raw_sql(f"ALTER TABLE {identifier(_READ)} RENAME TO {identifier(name)}")
    return with_plain_types(connection, name)


def _all_times(contract: HistoryContract, key: str) -> Iterable[str]:
    versions = contract.tables[key].versions
    return [*times_of_table(contract, key), *([] if versions is None else [versions.by])]


def _is_loaded(connection: ibis.BaseBackend, name: str) -> bool:
    return name in {row[0] for row in connection.raw_sql("SELECT table_name FROM duckdb_tables()").fetchall()}
