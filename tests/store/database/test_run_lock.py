"""One of two parallel runs wins, and the other reports it; a killed one leaves the lock free and its date whole."""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from churn_mlops.errors import StoreBusyError, StoreError
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.advisory_locks import key_of
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run
from tests.store.builders import DAY, batches, run
from tests.store.conftest import PostgresServer, new_store
from tests.store.killable_holder import CUSTOMERS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
KILLS = 6


@contextmanager
def process(address: str, what: str) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock, and says so first."""
    environ = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "tests.store.killable_holder", address, what]
    with subprocess.Popen(
        command, env=environ, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            assert started.stdout is not None
            assert started.stdout.readline() == "ready\n", started.stderr and started.stderr.read()
            yield started
        finally:
            started.kill()


def test_the_second_of_two_runs_learns_which_holds_the_lock_and_since_when(address: str) -> None:
    with process(address, "hold") as first, open_store(address) as store:
        who = rf"lock 'scoring' of the store .* held by process {first.pid} on {socket.gethostname()} since 20\d\d-"
        with pytest.raises(StoreBusyError, match=who), scoring_lock(store):
            pass
        with scoring_lock(store, "another"):
            pass
        first.communicate("go on")  # ends by itself
        with scoring_lock(store) as held:
            held.check()


def test_one_process_cannot_hold_a_lock_twice(store: Store) -> None:
    with scoring_lock(store), pytest.raises(StoreBusyError, match=f"process {os.getpid()} "), scoring_lock(store):
        pass
    with scoring_lock(store):
        pass


def test_a_lock_is_taken_and_refused_where_the_disk_has_no_room_for_who_holds_it(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            with scoring_lock(store), pytest.raises(StoreBusyError, match="another process"), scoring_lock(store):
                pass
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_lock_writes_through_no_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "churn.db.scoring.lock").symlink_to(tmp_path / "victim")
    with (
        open_store(f"sqlite:///{tmp_path}/churn.db") as store,
        pytest.raises(StoreError, match="remove what stands there"),
        scoring_lock(store),
    ):
        pass
    assert (tmp_path / "victim").read_text() == "precious"


def test_a_lock_is_free_after_an_error(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), scoring_lock(store):
        raise ZeroDivisionError
    with scoring_lock(store):
        pass


def test_a_lock_that_is_lost_with_its_connection_says_so(server: PostgresServer) -> None:

    with open_store(new_store(server)) as store, scoring_lock(store) as held:
        with store.reading("end it") as connection:
            connection.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = :low"),
                {"low": key_of("scoring") % 2**32},
            )
        with pytest.raises(StoreError, match="could not keep the lock 'scoring'"):
            held.check()
        with scoring_lock(store):
            pass


@pytest.mark.parametrize("seed", range(2))
def test_a_run_that_is_killed_leaves_the_date_whole_and_the_next_run_heals(address: str, seed: int) -> None:
    draw = random.Random(seed)
    with open_store(address) as store:
        publish(store, run(version="old"), batches(700, mark="O"))
        began = time.perf_counter()
        publish(store, run(version="old"), batches(CUSTOMERS, mark="O", size=500))
        longest = time.perf_counter() - began
        for _ in range(KILLS // 2):
            before = latest_run(store)
            with process(address, "publish") as started:
                with suppress(subprocess.TimeoutExpired):
                    started.wait(draw.uniform(0, longest))
                started.send_signal(signal.SIGKILL)
                started.wait()
            with scoring_lock(store):
                _check_whole(store)
                if started.returncode == -signal.SIGKILL and latest_run(store) == before:
                    assert predictions(store, DAY, limit=1)[0].customer.startswith(before.model_version[0].upper())  # type: ignore[union-attr]
                publish(store, run(version="old"), batches(700, mark="O"))
                _check_whole(store)


def _check_whole(store: Store) -> None:
    """All predictions are of the run that says so, as many as it says."""
    found = latest_run(store)
    assert found is not None
    rows = predictions(store, DAY)
    assert len(rows) == found.customers
    assert found.likely == sum(row.will_churn for row in rows)
    assert {row.customer[0] for row in rows} == {found.model_version[0].upper()}
    assert [row.rank for row in rows] == list(range(1, found.customers + 1))
