"""Opening the store: an SQLite file by default, PostgreSQL in production."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from churn_mlops.database_urls import shown
from churn_mlops.errors import StoreBusyError, StoreError
from churn_mlops.store.database.advisory_locks import WRITING, take_turn
from churn_mlops.store.database.bulk_load import staged
from churn_mlops.store.database.errors import translate_errors
from churn_mlops.store.database.migrate import migrate, table_state
from churn_mlops.store.database.schema import HEAD
from churn_mlops.store.database.store_file import StoreFile

BUSY_TIMEOUT_MS = 30_000
# When a connection to a server that vanished without a word is abandoned: after about a minute, not two hours.
KEEPALIVE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
    "client_encoding": "utf8",  # a database of SQL_ASCII would give bytes for texts
}
CONNECTIONS = 6
"""Most connections to PostgreSQL of an open store, unless it is opened with another number."""
MIGRATION_TRIES, MIGRATION_PAUSE_SECONDS = 200, 2.0
"""So often a migration tries to get PostgreSQL's tables for itself, ten minutes in all, with a pause for others."""
_WRITES = "churn_writes"
# SQLite's memory for pages, in KiB: little for a look at a customer, more where a whole date passes through.
_SMALL_CACHE, _LARGE_CACHE = 2_000, 64_000
_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")


@dataclass(frozen=True)
class Store:
    """An open store, to be closed, best by ``with``. Its functions stand in the modules, one for each concept.

    Args:
        engine: the pool of connections.
        address: as it was given, password included; never shown.
        sqlite_file: watches the file of an SQLite store.
    """

    engine: Engine = field(repr=False)
    address: str = field(repr=False)
    sqlite_file: StoreFile | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The address without user and password."""
        return shown(self.address)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite store, None for a server."""
        return None if self.sqlite_file is None else self.sqlite_file.path

    @contextmanager
    def reading(self, doing: str, *, much: bool = False, at_one_instant: bool = False) -> Iterator[Connection]:
        """A connection with a transaction that reads; an error names ``doing``.

        Args:
            doing: such as "read the latest run".
            much: whether all rows of a date are read.
            at_one_instant: whether every statement sees the same, as on SQLite it does anyway.

        Raises:
            StoreError: the store fails.
        """
        with translate_errors(self.engine, self.address, doing), self.engine.connect() as connection:
            if much:
                self._make_room(connection)
            if at_one_instant and self.file is None:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self, doing: str, *turns: str, much: bool = False) -> Iterator[Connection]:
        """A connection with a transaction that writes, all or nothing; an error names ``doing``.

        One writer of a turn is let in at a time; on SQLite, the others wait for half a minute at most.

        Args:
            doing: such as "record an outcome".
            turns: which it waits for, in their order; that of short writes when left out.
            much: whether all rows of a date are written.

        Raises:
            StoreError: the store fails.
        """
        with translate_errors(self.engine, self.address, doing), self.engine.connect() as connection:
            if much:
                self._make_room(connection)
            with self.committing(connection, *turns or (WRITING,)):
                yield connection

    @contextmanager
    def committing(self, connection: Connection, *turns: str) -> Iterator[None]:
        """One transaction that writes, in these ``turns``, on a connection that has none."""
        connection = connection.execution_options(**{_WRITES: True})
        try:
            with connection.begin():
                for turn in turns:
                    take_turn(connection, turn)
                yield
                if self.sqlite_file is not None:
                    self.sqlite_file.check()
        finally:
            connection.execution_options(**{_WRITES: False})

    @contextmanager
    def staging(self, doing: str, table: Table) -> Iterator[tuple[Connection, Table]]:
        """A connection without a transaction, and a temporary table for the rows that are to come into ``table``.

        Raises:
            StoreError: the store fails.
        """
        with translate_errors(self.engine, self.address, doing), self.engine.connect() as connection:
            self._make_room(connection)
            with staged(connection, table) as stage:
                yield connection, stage

    def _make_room(self, connection: Connection) -> None:
        """More of SQLite's pages in memory until the connection is given back: a date has its rows in two orders."""
        if self.file is not None:
            connection.exec_driver_sql(f"PRAGMA cache_size = -{_LARGE_CACHE}")
            connection.commit()

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def abandon(self) -> None:
        """Close the connections to a file that was replaced, and delete what they left beside the new one."""
        self.close()
        if self.sqlite_file is not None:
            self.sqlite_file.delete_leftovers()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_store(address: str, *, lock_wait_ms: int | None = None, connections: int = CONNECTIONS) -> Store:
    """Open the store at ``address``; an SQLite file is made, with its tables, where there is none.

    Tables that are there are only looked at: :func:`migrate_store` changes them, and makes those of PostgreSQL.

    Args:
        address: ``sqlite:///`` and a path, from the working directory or absolute; or ``postgresql://`` (also
            ``postgres://``) with user, password, host and database.
        lock_wait_ms: longest wait for what another program has locked, in milliseconds. When None, half a minute on
            SQLite, and on PostgreSQL as its own ``lock_timeout`` says.
        connections: most connections to PostgreSQL; who wants one more waits.

    Raises:
        StoreVersionError: its tables do not fit this version of the program; the message says what to do.
        StoreError: it cannot be reached, read or written.
    """
    store = _connected(address, lock_wait_ms, connections)
    try:
        with translate_errors(store.engine, address, "open the tables"):
            with store.engine.connect() as connection:
                state = table_state(connection)
            if state.revision is None and store.file is not None:
                migrate(store.engine, store.file, store.shown)
            else:
                state.check(store.shown)
    except BaseException:
        store.close()
        raise
    return store


def migrate_store(address: str, to: str = HEAD) -> tuple[str | None, str]:
    """Bring the tables of the store at ``address`` to the revision ``to``; makes them where there are none.

    Args:
        address: as of :func:`open_store`.
        to: a revision that this version knows; an earlier one takes back what later ones added.

    Returns:
        the revision before, None where there were no tables, and after.

    Raises:
        StoreVersionError: this version does not know ``to``, or the revision that the store has.
        StoreError: it cannot be reached, read or written, or its user may not make tables.
    """
    with _connected(address) as store:
        for tries_left in reversed(range(1 if store.file else MIGRATION_TRIES)):
            try:
                with translate_errors(store.engine, address, f"bring the tables to revision {to}"):
                    return migrate(store.engine, store.file, store.shown, to)
            except StoreBusyError:
                if not tries_left:
                    raise
                time.sleep(MIGRATION_PAUSE_SECONDS)
    raise AssertionError("a try returns or raises")


def _connected(address: str, lock_wait_ms: int | None = None, connections: int = CONNECTIONS) -> Store:
    url = address_of(address)
    if url.drivername != "sqlite":
        return Store(_postgres(url, lock_wait_ms, connections), address)
    file = StoreFile(Path(str(url.database)))
    return Store(_sqlite(url, file, address, lock_wait_ms), address, file)


def is_made(address: str) -> bool:
    """Whether opening the store would make no new file, as a mere look must not. True for a server.

    Raises:
        StoreError: ``address`` is none.
    """
    url = address_of(address)
    return url.drivername != "sqlite" or Path(str(url.database)).exists()


def address_of(address: str) -> URL:
    """The address in the form in which it is opened, that of a file absolute.

    Raises:
        StoreError: it is none.
    """
    kinds = "sqlite:///path/to/file.db or postgresql://user:password@host/database"
    try:
        url = make_url(address)
    except (ArgumentError, ValueError):  # a port that is no number
        # Not shown, since a password may be anywhere in it.
        raise StoreError(f"store.url is no address of a database: write {kinds}") from None
    if url.drivername in _POSTGRES:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise StoreError(f"store.url, {shown(address)}, is of no kind that the store can be of: write {kinds}")
    if not url.database or url.database == ":memory:" or url.query:
        raise StoreError(f"store.url, {shown(address)}, names no file: write sqlite:///path/to/file.db")
    # Absolute, so that the store stays the same when the working directory changes.
    return url.set(drivername="sqlite", database=str(Path(url.database).resolve()))


def _sqlite(url: URL, file: StoreFile, address: str, lock_wait_ms: int | None) -> Engine:
    busy_timeout_ms = BUSY_TIMEOUT_MS if lock_wait_ms is None else lock_wait_ms
    folder = file.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder of the store {shown(address)}, {folder}, cannot be made ({error.strerror}): make it, or set "
            "store.url to another place (CHURN__STORE__URL)"
        ) from None
    engine = create_engine(url, connect_args={"timeout": busy_timeout_ms / 1000})

    @event.listens_for(engine, "do_connect")
    def _before(*_: object) -> None:
        file.check()  # a connection would make an empty file where the store is gone

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _entry: ConnectionPoolEntry) -> None:
        file.note_opened()
        connection.isolation_level = None  # the driver's own idea of when a transaction begins is left out
        for setting in (
            f"busy_timeout = {busy_timeout_ms}",
            "foreign_keys = ON",
            f"cache_size = -{_SMALL_CACHE}",
            "synchronous = FULL",  # what was acknowledged outlives a loss of power
            "journal_size_limit = 67108864",  # the log of a large publication is cut back to 64 MiB
        ):
            connection.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "checkout")
    def _take(*_: object) -> None:
        file.check()

    @event.listens_for(engine, "checkin")
    def _give_back(connection: Any, _entry: ConnectionPoolEntry) -> None:
        if connection is not None:
            connection.execute(f"PRAGMA cache_size = -{_SMALL_CACHE}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its turn immediately: a reader that becomes a writer may be refused without waiting.
        writes = connection.get_execution_options().get(_WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgres(url: URL, lock_wait_ms: int | None, connections: int) -> Engine:
    defaults = {name: value for name, value in KEEPALIVE.items() if name not in url.query}
    engine = create_engine(url, connect_args=defaults, pool_pre_ping=True, pool_size=connections, max_overflow=0)
    if lock_wait_ms is not None:

        @event.listens_for(engine, "connect")
        def _set_up(connection: Any, _entry: ConnectionPoolEntry) -> None:
            connection.execute(f"SET lock_timeout = {lock_wait_ms:d}")
            connection.commit()  # what is rolled back would take the setting along

    return engine
