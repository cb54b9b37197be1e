"""Copies of a store: another kind of database, a snapshot at one instant, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text

from churn_mlops.errors import StoreError, StoreVersionError
from churn_mlops.store.database import campaign_tables
from churn_mlops.store.database.advisory_locks import DATES, WRITING
from churn_mlops.store.database.bulk_load import refresh_statistics
from churn_mlops.store.database.database import Store, migrate_store, open_store
from churn_mlops.store.database.errors import translate_errors
from churn_mlops.store.database.migrate import table_state
from churn_mlops.store.database.schema import HEAD, JOB_RECORDS, SUPPORT

BATCH_ROWS = 10_000
TABLES = [table for table in campaign_tables.METADATA.sorted_tables if table is not SUPPORT]
"""The tables that hold what a store knows, those that others refer to first."""


def copy_store(
    old: Store, new: Store, *, replace: bool = False, check: Callable[[Connection], None] = lambda target: None
) -> dict[str, int]:
    """Copy every row of ``old``, as it is at one instant, into ``new``, in one transaction; ``old`` stays as it is.

    Args:
        old: the store to read.
        new: the store to write.
        replace: delete what ``new`` holds; otherwise it has to be empty, but for records of jobs that found nothing.
        check: raises where nothing may be copied; called with the connection to ``new``, when no other writes to it.

    Returns:
        the number of rows copied, by table.

    Raises:
        StoreVersionError: one of the two is of a newer release, whose tables this version does not know all.
        StoreError: ``new`` holds something already, or one of the two fails; nothing is copied then.
    """
    with (
        old.reading("read all tables", much=True, at_one_instant=True) as source,
        new.writing("copy all tables", DATES, WRITING, much=True) as target,
    ):
        for store, connection in ((old, source), (new, target)):
            _check_revision(store, connection)
        check(target)
        for table in reversed(TABLES):
            if replace or table is JOB_RECORDS:
                target.execute(delete(table))
            elif target.scalar(select(func.count()).select_from(table)):
                raise StoreError(
                    f"the store {new.shown} holds rows in {table.name} already: take an empty one, or put the copy in "
                    "place of all that it holds (`churn restore --replace`)"
                )
        return {table.name: _copy(source, target, table) for table in TABLES}


def snapshot_store(store: Store, file: Path) -> tuple[str, dict[str, int]]:
    """Copy ``store``, as it is at one instant, into a new SQLite file; writers go on meanwhile.

    Args:
        store: the store.
        file: not there yet. It holds no bytes of rows that were deleted.

    Returns:
        the revision of its tables, and the number of rows by table.

    Raises:
        StoreError: the store fails, or the file cannot be written.
    """
    address = f"sqlite:///{file}"
    if store.file is None:
        migrate_store(address)
        with open_store(address) as copy:
            copy_store(store, copy)
    else:
        _vacuum_into(store, file)
    with open_store(address) as copy, copy.reading("count the rows of the copy") as connection:
        rows = {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES}
        return str(table_state(connection).revision), rows


def _check_revision(store: Store, connection: Connection) -> None:
    """A server works on the tables of the next release; a copy without its columns would lose what is in them."""
    revision = table_state(connection).revision
    if revision != HEAD:
        raise StoreVersionError(
            f"the store {store.shown} has tables of revision {revision}, this version copies those of {HEAD} alone: "
            "back up, restore and copy with the version that made them"
        )


def _vacuum_into(store: Store, file: Path) -> None:
    with translate_errors(store.engine, store.address, "copy the store"), store.engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        raw.execute("VACUUM INTO ?", [str(file)])


def _copy(source: Connection, target: Connection, table: Table) -> int:
    copied = 0
    query = select(table).order_by(*table.primary_key.columns)
    for rows in source.execute(query, execution_options={"yield_per": BATCH_ROWS}).mappings().partitions():
        target.execute(insert(table), [dict(row) for row in rows])
        copied += len(rows)
    if copied and target.dialect.name == "postgresql" and any(column.identity for column in table.columns):
        # New rows are counted on from the last that was copied.
        target.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}")  # noqa: S608 our own
        )
    refresh_statistics(target, table)
    return copied
