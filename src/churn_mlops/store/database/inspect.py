"""A look at the store that changes nothing: no file is made, no table brought up to date."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, create_engine, text

from churn_mlops.errors import StoreError
from churn_mlops.store.database.database import KEEPALIVE, address_of
from churn_mlops.store.database.errors import translate_errors
from churn_mlops.store.database.migrate import TableState, table_state
from churn_mlops.store.database.schema import RUNS, SUPPORT_TABLE, VERSION_TABLE

_OPENED = ("-wal", "-shm")
LOCK_SECONDS = 5.0
"""Contacts wait for so long, and are then refused."""
_NOT_THE_OWNER = (
    "it has no tables yet, and this user may not make them: `churn store migrate` with the database's owner does"
)


@dataclass(frozen=True)
class StoreStatus:
    """How the store stands.

    Args:
        file: of an SQLite store, None for a server.
        tables: the state of its tables.
        obstacle: why it cannot be written; None where it can.
    """

    file: Path | None
    tables: TableState
    obstacle: str | None

    @property
    def is_ready(self) -> bool:
        """Whether this version works on its tables."""
        return self.tables.fits


def inspect_store(address: str) -> StoreStatus:
    """Whether the store at ``address`` can be reached and written, and of which revision its tables are.

    Raises:
        StoreError: it cannot be reached or read.
    """
    url = address_of(address)
    if url.drivername == "sqlite":
        return _at_file(Path(str(url.database)))
    engine = create_engine(url, connect_args={**KEEPALIVE, "connect_timeout": 3})
    try:
        with translate_errors(engine, address, "look at it"), engine.connect() as connection:
            return StoreStatus(None, table_state(connection), obstacle_of_server(connection))
    finally:
        engine.dispose()


def _at_file(file: Path) -> StoreStatus:
    if not file.exists():
        above = next(place for place in file.parents if place.exists())
        able = os.access(above, os.W_OK | os.X_OK)
        return StoreStatus(file, TableState(None), None if able else f"it cannot be made in {above}")
    # Opened in any other way, SQLite would make files of its own beside a store that no process has open.
    alone = not any(Path(f"{file}{ending}").exists() for ending in _OPENED)
    mode = "mode=ro&immutable=1" if alone else "mode=ro"
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?{mode}", uri=True)) as connection:
            revision = _only_value(connection, VERSION_TABLE)
            tables = TableState(revision, _only_value(connection, SUPPORT_TABLE))
    except sqlite3.Error as error:
        raise StoreError(
            f"the store {file} cannot be read ({error}): restore it from a backup, or set store.url to another place"
        ) from None
    return StoreStatus(file, tables, obstacle_of_file(file))


def _only_value(connection: sqlite3.Connection, name: str) -> str | None:
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [name]).fetchone()
    row = connection.execute(f"SELECT * FROM {name}").fetchone() if there else None  # noqa: S608 a name of ours
    return row[0] if row else None


def is_locked(file: Path) -> bool:
    """Whether another program holds the SQLite store in ``file`` for itself, for as long as contacts wait for it.

    Raises:
        StoreError: it cannot be asked for.
    """
    if not any(Path(f"{file}{ending}").exists() for ending in _OPENED):  # no program has it open
        return False
    try:
        address = f"{file.resolve().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return True
        raise StoreError(f"the store {file} cannot be written ({error})") from None
    return False


def obstacle_of_file(file: Path) -> str | None:
    """Why this user cannot write the store in ``file``, which is there; None where they can."""
    closed = [place for place in (file, file.parent) if not os.access(place, os.W_OK)]
    return f"{closed[0]} may not be written" if closed else None


def obstacle_of_server(connection: Connection) -> str | None:
    """Why this user cannot write the store on a server; None where they can."""
    if connection.execute(text("SELECT pg_is_in_recovery()")).scalar():
        return "it is a copy that is only read"
    if table_state(connection).revision is None:
        able = connection.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar()
        return None if able else _NOT_THE_OWNER
    able = connection.execute(text("SELECT has_table_privilege(:name, 'INSERT')"), {"name": RUNS.name}).scalar()
    return None if able else "this user may not write its tables"
