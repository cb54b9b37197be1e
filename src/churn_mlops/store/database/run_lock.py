"""Locks that die with the process that holds them, so that two runs cannot interleave."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from churn_mlops.errors import StoreBusyError
from churn_mlops.store.database.advisory_locks import key_of, lock_beside, lock_path
from churn_mlops.store.database.errors import translate_errors

if TYPE_CHECKING:
    from churn_mlops.store.database.database import Store

SCORING = "scoring"
# A run that was just killed may still be on the server's books.
PATIENCE_MS = 1000
_NAME_BYTES = 63  # PostgreSQL cuts the name of a session there
_NOT_GOT = "55P03"


@dataclass(frozen=True)
class HeldLock:
    """A lock while it is held."""

    _check: Callable[[], None]

    def check(self) -> None:
        """Make sure that it is still held: it is lost with the connection to the server.

        Raises:
            StoreError: it is lost, and another run may have begun.
        """
        self._check()


@contextmanager
def scoring_lock(store: Store, name: str = SCORING) -> Iterator[HeldLock]:
    """Hold the lock ``name`` of the store; it is free again when the block ends or the process dies, however it dies.

    On SQLite it is a lock on a file beside the database, on PostgreSQL that of a session of its own, which a pooler
    between must leave alone.

    Args:
        store: the store.
        name: small letters, digits and ``-``.

    Raises:
        StoreBusyError: another holds it; the message says which process on which machine, and since when.
        StoreError: the store fails.
    """
    with _file_lock(store, store.file, name) if store.file is not None else _session_lock(store, name) as held:
        yield held


@contextmanager
def _file_lock(store: Store, database: Path, name: str) -> Iterator[HeldLock]:
    try:
        file = lock_beside(database, name, wait=False)
    except BlockingIOError:
        raise _busy(store, name, _written_holder(lock_path(database, name))) from None
    with file:
        file.truncate(0)
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
        with suppress(OSError):  # on a full disk the lock still holds; errors then name "another process"
            os.write(file.fileno(), json.dumps(holder).encode())
        try:
            yield HeldLock(lambda: None)
        finally:
            file.truncate(0)


def _written_holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has only just begun, and not written it yet
        return "another process"


@contextmanager
def _session_lock(store: Store, name: str) -> Iterator[HeldLock]:
    doing = f"take the lock {name!r}"
    with translate_errors(store.engine, store.address, doing):
        connection = store.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    try:
        with translate_errors(store.engine, store.address, doing):
            connection.detach()  # closed for good at the end, and the lock with it, rather than kept in the pool
            _name_session(connection, name)
            if not _locked(connection, name):
                raise _busy(store, name, _session_holder(connection, name))
        yield HeldLock(lambda: _check_session(store, connection, name))
    finally:
        with suppress(DBAPIError):  # gone with its server
            connection.close()


def _name_session(connection: Connection, name: str) -> None:
    """Say in the list of sessions who it is; notice within a minute where a machine has vanished."""
    who = f"churn {name} {os.getpid()} {socket.gethostname()}".encode()[:_NAME_BYTES].decode(errors="ignore")
    settings = {
        "application_name": who,
        "tcp_keepalives_idle": "30",
        "tcp_keepalives_interval": "10",
        "tcp_keepalives_count": "3",
        "idle_session_timeout": "0",
        "lock_timeout": str(PATIENCE_MS),
    }
    for setting, value in settings.items():
        # A setting that this server does not know yet is left out.
        connection.execute(
            text("SELECT set_config(name, :value, false) FROM pg_settings WHERE name = :name"),
            {"name": setting, "value": value},
        )


def _locked(connection: Connection, name: str) -> bool:
    try:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key_of(name)})
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_GOT:
            raise
        return False
    return True


def _session_holder(connection: Connection, name: str) -> str:
    key = key_of(name) % 2**64
    found = connection.execute(
        text(
            "SELECT s.application_name, s.backend_start FROM pg_locks l JOIN pg_stat_activity s ON s.pid = l.pid "
            "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = :high AND l.objid = :low "
            "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        {"high": key >> 32, "low": key % 2**32},
    ).one_or_none()
    if found is None:
        return "another process"
    pid, _, host = (found.application_name or "").removeprefix(f"churn {name} ").partition(" ")
    since = "" if found.backend_start is None else f" since {_text(found.backend_start)}"
    return f"process {pid} on {host}{since}" if host else f"another session{since}"


def _check_session(store: Store, connection: Connection, name: str) -> None:
    with translate_errors(store.engine, store.address, f"keep the lock {name!r}"):
        connection.execute(text("SELECT 1"))


def _busy(store: Store, name: str, holder: str) -> StoreBusyError:
    return StoreBusyError(
        f"the lock {name!r} of the store {store.shown} is held by {holder}: wait until it is done, or stop it"
    )


def _now() -> str:
    return _text(datetime.now(UTC))


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
