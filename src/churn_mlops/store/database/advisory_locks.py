"""Advisory locks of the database and of a file beside it: knows a connection only."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, text

from churn_mlops.errors import StoreError
from churn_mlops.file_locks import lock_file


def key_of(name: str) -> int:
    """The number by which PostgreSQL knows the lock ``name``, 64 bits with a sign."""
    return int.from_bytes(hashlib.sha256(f"churn {name}".encode()).digest()[:8], "big", signed=True)


def lock_path(database: Path, name: str) -> Path:
    """The file beside the SQLite file ``database`` on which the lock ``name`` is taken; it is never deleted."""
    return database.with_name(f"{database.name}.{name}.lock")


def lock_beside(database: Path, name: str, *, wait: bool = True) -> TextIO:
    """The open, locked file of the lock ``name``; closing it gives the lock back.

    Raises:
        BlockingIOError: another process holds it.
        StoreError: it cannot be made.
    """
    path = lock_path(database, name)
    try:
        return lock_file(path, wait=wait)
    except BlockingIOError:
        raise
    except OSError as error:
        raise StoreError(
            f"the lock {path} cannot be made ({error.strerror}): remove what stands there if it is no file, and make "
            "the folder of the store writable"
        ) from None


DATES = "dates"
"""The turn of what moves the rows of whole dates, which takes seconds to minutes."""
WRITING = "writing"
"""The turn of what writes some rows, in milliseconds. A writer that needs both takes `DATES` first."""


def take_turn(connection: Connection, turn: str = WRITING) -> None:
    """Wait until other writers of the same turn are done; it ends with the transaction.

    On SQLite there is one turn for all: a transaction that writes has waited when it begins.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key_of(turn)})
