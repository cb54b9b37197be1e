"""Deleted rows leave freed pages and write-ahead logs on disk; these are emptied, as far as SQL can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from churn_mlops.errors import StoreError
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS, DO_NOT_CONTACT, LIST_WORK, NOTES
from churn_mlops.store.database.database import BUSY_TIMEOUT_MS, Store
from churn_mlops.store.database.errors import translate_errors
from churn_mlops.store.database.schema import ANSWERS, CONTACTS, OUTCOME_CHANGES, OUTCOMES, PREDICTIONS, RUNS

PATIENCE_MS = 10_000
"""The wait for readers of the rows that were there before."""
_OF_CUSTOMERS = (PREDICTIONS, OUTCOMES, OUTCOME_CHANGES, ANSWERS, CONTACTS)
_OF_CAMPAIGNS = (ASSIGNMENTS, DO_NOT_CONTACT, LIST_WORK, NOTES)
TOUCHED = tuple(table.name for table in (*_OF_CUSTOMERS, *_OF_CAMPAIGNS, RUNS))
"""Tables that a customer is removed from."""
# Samples of the values of each column, names among them, for the planner.
_STATISTICS = "pg_statistic"
# ANALYZE leaves the samples of a table that has become empty. PostgreSQL 18 has a function that clears them; before,
# giving a column the type and the collation that it has drops them, under a lock that keeps readers out.
_STALE_SAMPLES = """
SELECT s.tablename || '.' || s.attname, CASE
    WHEN current_setting('server_version_num')::int >= 180000
    THEN format('SELECT pg_clear_attribute_stats(%L, %L, %L, %L)', s.schemaname, s.tablename, s.attname, s.inherited)
    ELSE format(
        'ALTER TABLE %s ALTER COLUMN %I TYPE %s %s', c.oid::regclass, a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> 0 THEN 'COLLATE ' || a.attcollation::regcollation::text ELSE '' END
    )
END
FROM pg_stats s
JOIN pg_namespace n ON n.nspname = s.schemaname
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
WHERE c.oid = to_regclass(:name) AND c.reltuples = 0
"""
_SAMPLES_WAIT_MS = 1_000  # readers of the table wait as long
_POLL_SECONDS = 0.1
_LOG_SETTINGS = ("checkpoint_timeout", "wal_keep_size", "archive_mode")
_AGAIN = "then run `churn forget --again`"


@dataclass(frozen=True)
class VacuumResult:
    """The state of the disk after rows were deleted.

    Args:
        whole: whether all was done that can be done from here.
        said: what was done, or what was in the way and what to do, in a sentence.
    """

    whole: bool
    said: str


def vacuum(store: Store, *, rewrite: bool = False, patience_ms: int = PATIENCE_MS) -> VacuumResult:
    """Make sure that no deleted row is left in the files of the store, as far as SQL reaches.

    An SQLite file is rewritten, which takes as much room again while it lasts, and its log is emptied. On
    PostgreSQL dead rows are removed, and samples of names in the planner's statistics; with ``rewrite`` tables and
    indexes are rewritten as well, while no one can read them.

    Args:
        store: the store.
        rewrite: for PostgreSQL.
        patience_ms: how long to wait for readers that are in the way, milliseconds.
    """
    try:
        return (
            _vacuum_file(store, patience_ms) if store.file is not None else _vacuum_server(store, rewrite, patience_ms)
        )
    except StoreError as error:
        return VacuumResult(False, f"freed pages may still hold the rows: {error}; {_AGAIN}")


def log_limits(store: Store) -> dict[str, str]:
    """The settings by which a PostgreSQL server keeps its write-ahead log, with their units; none of an SQLite file.

    Raises:
        StoreError: the store fails.
    """
    if store.file is not None:
        return {}
    with store.reading("read how long the server keeps its log") as connection:
        return {name: connection.scalar(text(f"SELECT current_setting('{name}')")) or "" for name in _LOG_SETTINGS}


def _vacuum_file(store: Store, patience_ms: int) -> VacuumResult:
    with translate_errors(store.engine, store.address, "rewrite the file"), store.engine.connect() as connection:
        # Outside of any transaction, so past SQLAlchemy, which would begin one.
        raw: Any = connection.connection.driver_connection
        try:
            raw.execute(f"PRAGMA busy_timeout = {int(patience_ms)}")
            raw.execute("VACUUM")
            busy, *_ = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    if busy:
        return VacuumResult(
            False,
            f"{store.shown} and its log still hold the rows, since a reader was at work for more than "
            f"{patience_ms / 1000:g} seconds: wait until that is done, {_AGAIN}",
        )
    return VacuumResult(True, f"{store.shown} was rewritten, and its log emptied")


def _vacuum_server(store: Store, rewrite: bool, patience_ms: int) -> VacuumResult:
    with (
        translate_errors(store.engine, store.address, "remove dead rows"),
        _alone(store, patience_ms) as (connection, notices),
    ):
        late = _readers_left(connection, patience_ms)
        how = "VACUUM (FULL, ANALYZE)" if rewrite else "VACUUM (ANALYZE)"
        for name in TOUCHED:
            connection.execute(text(f"{how} {name}"))
        refused = list(notices)
        connection.execute(text(f"VACUUM {'(FULL) ' if rewrite else ''}{_STATISTICS}"))
        kept = len(notices) > len(refused)
        stale = [] if refused or late else _drop_stale_samples(connection)
    if refused:
        return VacuumResult(
            False, f"dead rows are still there ({refused[0]}): let the owner of the tables run it, {_AGAIN}"
        )
    if late:
        return VacuumResult(
            False,
            f"dead rows may still be there, since {late} session{'s' if late > 1 else ''} kept a transaction open for "
            f"more than {patience_ms / 1000:g} seconds: end it, {_AGAIN}",
        )
    done = "tables and indexes were rewritten" if rewrite else "dead rows were removed"
    if stale:
        columns = ", ".join(sorted(stale))
        return VacuumResult(
            False,
            f"{done} (VACUUM), but the planner's statistics still hold samples of {columns}: the tables are empty and "
            "not yours, in use, or part of a view; let their owner run ANALYZE once they hold rows again",
        )
    later = "; samples in the planner's statistics go with its next VACUUM" if kept else ""
    return VacuumResult(True, f"{done} (VACUUM){later}")


def _drop_stale_samples(connection: Connection) -> list[str]:
    """Drop the samples of the tables that have become empty; the columns whose samples stay."""
    connection.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": str(_SAMPLES_WAIT_MS)})
    stale = []
    for name in TOUCHED:
        for column, statement in connection.execute(text(_STALE_SAMPLES), {"name": name}).all():
            try:
                connection.execute(text(statement.replace(":", r"\:")))
            except DBAPIError:  # no right to it, a view on the column, or a reader that takes long
                stale.append(column)
    return stale


@contextmanager
def _alone(store: Store, patience_ms: int) -> Iterator[tuple[Connection, list[str]]]:
    """A connection without transactions, closed at the end, and what the server remarks on it."""
    notices: list[str] = []
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw: Any = connection.connection.driver_connection
        connection.detach()  # closed at the end, rather than given back with its settings
        raw.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
        connection.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": str(patience_ms)})
        yield connection, notices


def _readers_left(connection: Connection, patience_ms: int) -> int:
    """How many of the transactions that are open now still are when the time is over; a dead row is kept for them."""
    begun = _open_transactions(connection)
    for _ in range(int(patience_ms / 1000 / _POLL_SECONDS)):
        if not begun:
            break
        connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": _POLL_SECONDS})
        begun &= _open_transactions(connection)
    return len(begun)


def _open_transactions(connection: Connection) -> set[tuple[Any, ...]]:
    query = (
        "SELECT pid, xact_start FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type IN ('client backend', 'autovacuum worker') AND xact_start IS NOT NULL"
    )
    return {tuple(row) for row in connection.execute(text(query))}
