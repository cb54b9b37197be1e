"""A look at whether a store holds anything, before something else is put into it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from churn_mlops.store.database.copy import TABLES
from churn_mlops.store.database.database import Store


def filled_tables(store: Store, *, besides: Collection[str] = ()) -> list[str]:
    """The names of the tables that hold rows.

    Args:
        store: the store.
        besides: names of tables that do not count.

    Raises:
        StoreError: the store fails.
    """
    tables = [table for table in TABLES if table.name not in besides]
    with store.reading("look whether it is empty") as connection:
        return [table.name for table in tables if connection.execute(select(1).select_from(table).limit(1)).first()]
