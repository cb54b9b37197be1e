"""Errors of a database as errors of the store, in words that a person can act on."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from churn_mlops.database_urls import scrubbed, shown
from churn_mlops.errors import RowsRefusedError, StoreBusyError, StoreError

# The beginnings of SQLite's names of errors, and of PostgreSQL's codes (appendix A of its manual).
_SQLITE = {
    "SQLITE_FULL": "its disk is full: make room, then run again",
    "SQLITE_CANTOPEN": "it cannot be opened: make its folder and the folder for temporary files readable and writable, "
    "or set store.url to another place (CHURN__STORE__URL)",
    "SQLITE_READONLY": "it cannot be written: make the file and its folder writable for this user",
    "SQLITE_BUSY": "another program has been writing to it for too long: wait for it, or stop it",
    "SQLITE_NOTADB": "the file is no SQLite database: set store.url to another (CHURN__STORE__URL)",
    "SQLITE_CORRUPT": "the file is damaged: restore it from a backup",
    "SQLITE_IOERR": "its disk fails or is full: look at the disk, then run again",
}
_POSTGRES = {
    "53100": "its disk is full: make room on the server, then run again",
    "533": "it takes no more connections: raise max_connections, or close some",
    "28": "it lets this user not in: correct user and password in store.url (CHURN__STORE__URL)",
    "3D": "there is no such database: make it with createdb, or correct store.url (CHURN__STORE__URL)",
    "3F": "there is no schema to make the tables in: correct the user's search_path",
    "42501": "this user may not do that: grant it to make, read and write tables in this database",
    "25006": "it is a copy that is only read: set store.url to the primary (CHURN__STORE__URL)",
    "55P03": "another session has locked it for too long: wait, or stop it",
    "40P01": "two writers waited for each other: run again",
}
# A connection that is refused comes without a code, so that its words must do.
_REFUSED = {
    r'database ".*" does not exist': "3D",
    r'authentication failed|no password supplied|pg_hba\.conf|role ".*" does not exist|not permitted to log in': "28",
    r"too many (clients|connections)|connection slots": "533",
}
_AWAY = "it cannot be reached: start the server, or correct store.url (CHURN__STORE__URL); then run again"
_BUSY = ("SQLITE_BUSY", "55P03")
# The data that was given to the store is at fault, not the store.
_RULES = ("SQLITE_CONSTRAINT", "23", "22")


@contextmanager
def translate_errors(engine: Engine, address: str, doing: str) -> Iterator[None]:
    """Raise an error of a driver inside as an error of ours.

    Args:
        engine: of the store; its driver's own errors are translated too.
        address: of the store, with its password, which no error shows.
        doing: what is being done, such as "publish the predictions of 2026-11-23".

    Raises:
        StoreError: always instead of the driver's own.
    """
    try:
        yield
    except (SQLAlchemyError, _driver_error(engine)) as error:
        original = (error.orig or error) if isinstance(error, DBAPIError) else error
        # Not chained: SQLAlchemy's own text holds the values of rows.
        raise _failure(original, address, doing) from None


def _driver_error(engine: Engine) -> type[Exception]:
    error: type[Exception] = engine.dialect.loaded_dbapi.Error
    return error


def _failure(error: BaseException, address: str, doing: str) -> StoreError:
    code, said = _code(error), scrubbed(_said(error), address)
    where = f"the store {shown(address)}"
    if code.startswith(_RULES):
        return RowsRefusedError(
            f"could not {doing}: the rows break a rule of the store ({said}). Every customer and every rank stands "
            "once, scores lie between 0 and 1, nothing else is missing; nothing was written"
        )
    known = _SQLITE if code.startswith("SQLITE") else _POSTGRES
    advice = next((text for start, text in known.items() if code.startswith(start)), None)
    if advice is None:
        advice = _AWAY if _is_unavailable(error, code) else "nothing was written"
    kind = StoreBusyError if code.startswith(_BUSY) else StoreError
    return kind(f"could not {doing} in {where}: {advice} ({said})")


def _code(error: BaseException) -> str:
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", None) or "SQLITE"
    words = (code for words, code in _REFUSED.items() if re.search(words, str(error)))
    return getattr(error, "sqlstate", None) or next(words, "")


def _is_unavailable(error: BaseException, code: str) -> bool:
    """Connection refused or broken: without a code, of class 08, or 57P01 to 57P05, the server shutting down."""
    return code.startswith(("08", "57P")) or (not code and type(error).__name__ == "OperationalError")


def _said(error: BaseException) -> str:
    """The driver's own words in one line, without the values of a row, which PostgreSQL shows in its details."""
    details: Any = getattr(error, "diag", None)
    text = getattr(details, "message_primary", None) or str(error)
    return " ".join(text.split())
