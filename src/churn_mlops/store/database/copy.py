"""Moving all that a store holds to another one, as from SQLite to PostgreSQL."""

from __future__ import annotations

from sqlalchemy import Connection, Table, func, insert, select, text

from churn_mlops.errors import StoreError
from churn_mlops.store.database import campaign_tables
from churn_mlops.store.database.advisory_locks import DATES, WRITING
from churn_mlops.store.database.bulk_load import refresh_statistics
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import SUPPORT

BATCH_ROWS = 10_000


def copy_store(old: Store, new: Store) -> dict[str, int]:
    """Copy every row of ``old`` into ``new``, which is empty, in one transaction; ``old`` stays as it is.

    Returns:
        the number of rows copied, by table.

    Raises:
        StoreError: ``new`` holds something already, or one of the two fails; nothing is copied then.
    """
    tables = [table for table in campaign_tables.METADATA.sorted_tables if table is not SUPPORT]
    with (
        old.reading("read all tables", much=True) as source,
        new.writing("copy all tables", DATES, WRITING, much=True) as target,
    ):
        for table in tables:
            if target.scalar(select(func.count()).select_from(table)):
                raise StoreError(f"the store {new.shown} holds rows in {table.name} already: copy into an empty one")
        return {table.name: _copy(source, target, table) for table in tables}


def _copy(source: Connection, target: Connection, table: Table) -> int:
    copied = 0
    query = select(table).order_by(*table.primary_key.columns)
    for rows in source.execute(query, execution_options={"yield_per": BATCH_ROWS}).mappings().partitions():
        target.execute(insert(table), [dict(row) for row in rows])
        copied += len(rows)
    if target.dialect.name == "postgresql" and any(column.identity for column in table.columns):
        # New rows are counted on from the last that was copied.
        target.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), max(id)) FROM {table.name}")  # noqa: S608 our own
        )
    refresh_statistics(target, table)
    return copied
