"""The store as a server uses it, while it is available and while it is not."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert

from churn_mlops.errors import StoreBusyError, StoreError, StoreVersionError
from churn_mlops.serving.resilience.store_client import RETRY_SECONDS, StoreClient, StoreUnavailableError
from churn_mlops.store import Store, migrate_store, open_store
from churn_mlops.store.campaigns.notes import add_note, notes_of
from churn_mlops.store.database.campaign_tables import NOTES
from churn_mlops.store.scoring.runs import published_dates
from tests.store.builders import NOW


class Away:
    """Opens the store, except while it is down; counts the attempts."""

    def __init__(self) -> None:
        self.is_down, self.attempts = True, 0

    def __call__(self, address: str) -> Store:
        self.attempts += 1
        if self.is_down:
            raise StoreError("the store cannot be reached")
        return open_store(address)


def test_an_unavailable_store_is_opened_when_it_is_back_and_not_tried_at_every_request(tmp_path: Path) -> None:
    now, opener = [100.0], Away()
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db", opener, lambda: now[0])
    for _ in range(5):
        with pytest.raises(StoreUnavailableError, match="nothing was acknowledged") as refused:
            asyncio.run(link.ask(published_dates))
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "2"})
    assert (opener.attempts, link.failure) == (1, "the store cannot be reached")
    opener.is_down = False
    now[0] += RETRY_SECONDS
    assert list(asyncio.run(link.ask(published_dates))) == []
    assert (opener.attempts, link.failure) == (2, None)
    link.close()


def test_a_slow_store_is_abandoned_at_the_deadline_and_the_loop_goes_on(tmp_path: Path) -> None:
    link, done = StoreClient(f"sqlite:///{tmp_path}/churn.db"), threading.Event()

    async def asked() -> list[str]:
        steps = []

        async def slow() -> None:
            with pytest.raises(StoreUnavailableError):
                await link.ask(lambda store: done.wait(30), seconds=0.05)
            steps.append("timed out")

        async def other() -> None:
            await asyncio.to_thread(lambda: None)
            steps.append("went on")

        await asyncio.gather(slow(), other())
        return steps

    try:
        assert asyncio.run(asked()) == ["went on", "timed out"]
        assert (link.state, link.failure) == ("away", "the store did not answer within 0.05 seconds")
    finally:
        done.set()
        link.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    on_server = request.param == "postgresql"
    return str(request.getfixturevalue("postgres_store")) if on_server else f"sqlite:///{tmp_path}/churn.db"


def _lock_wait(store: Store) -> str:
    with store.reading("look how long it waits") as connection:
        return str(connection.exec_driver_sql("PRAGMA busy_timeout" if store.file else "SHOW lock_timeout").scalar())


def test_a_server_waits_for_a_lock_no_longer_than_for_an_answer_and_a_job_as_before(address: str) -> None:
    link = StoreClient(address)
    for _ in range(2):  # it outlives what is rolled back
        with pytest.raises(ZeroDivisionError):
            link.ask_now(_undone)
        assert link.ask_now(_lock_wait) in ("5000", "5s")
    link.close()
    with open_store(address) as store:
        assert _lock_wait(store) in ("30000", "0")


def _undone(store: Store) -> None:
    with store.writing("do nothing"):
        raise ZeroDivisionError


def test_a_wait_for_a_held_lock_gives_the_thread_back(address: str) -> None:
    link = StoreClient(address, partial(open_store, lock_wait_ms=20))
    link.ask_now(published_dates)
    with open_store(address) as other, other.writing("hold the lock of writers"):
        with pytest.raises(StoreBusyError):
            link.ask_now(_written)
        assert list(link.ask_now(published_dates)) == []
    link.ask_now(_written)
    link.close()


def _written(store: Store) -> None:
    with store.writing("write"):
        pass


def test_a_thread_asks_without_a_loop(tmp_path: Path) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    assert tuple(link.ask_now(published_dates)) == ()
    link.close()


def test_a_store_of_another_version_is_distinguished_from_one_that_is_away(tmp_path: Path) -> None:
    address, now = f"sqlite:///{tmp_path}/churn.db", [100.0]
    migrate_store(address, "0007")
    link = StoreClient(address, clock=lambda: now[0])
    for _ in range(2):  # the second time it is not tried
        with pytest.raises(StoreVersionError, match="run `churn store migrate`"):
            link.ask_now(published_dates)
        assert link.state == "of another version"
    migrate_store(address)
    now[0] += RETRY_SECONDS
    assert (list(link.ask_now(published_dates)), link.state) == ([], "reachable")
    link.close()


def test_a_file_that_was_replaced_is_opened_again_before_anything_is_acknowledged(tmp_path: Path) -> None:
    address, file = f"sqlite:///{tmp_path}/churn.db", tmp_path / "churn.db"
    with open_store(f"sqlite:///{tmp_path}/restored.db") as restored:
        add_note(restored, "C1", "from the backup", by="anna")
    link = StoreClient(address)
    link.ask_now(lambda store: add_note(store, "C1", "in the old file", by="anna"))
    (tmp_path / "restored.db").replace(file)
    link.ask_now(lambda store: add_note(store, "C1", "after the replacement", by="anna"))
    link.close()
    with open_store(address) as store:
        assert {note.text for note in notes_of(store, "C1")} == {"from the backup", "after the replacement"}


def test_a_file_that_is_replaced_within_a_transaction_keeps_nothing_of_it(tmp_path: Path) -> None:
    address, file = f"sqlite:///{tmp_path}/churn.db", tmp_path / "churn.db"
    open_store(f"sqlite:///{tmp_path}/restored.db").close()

    def write(store: Store) -> None:
        with store.writing("add a note") as connection:
            connection.execute(insert(NOTES).values(customer="C1", at=NOW, author="anna", text="once"))
            if (tmp_path / "restored.db").exists():
                (tmp_path / "restored.db").replace(file)

    link = StoreClient(address)
    link.ask_now(write)
    link.close()
    with open_store(address) as store:
        assert [note.text for note in notes_of(store, "C1")] == ["once"]


def test_a_file_that_is_gone_is_not_made_anew_by_a_server_that_had_it_open(tmp_path: Path) -> None:
    address, file = f"sqlite:///{tmp_path}/churn.db", tmp_path / "churn.db"
    link = StoreClient(address)
    link.ask_now(published_dates)
    kept = file.rename(tmp_path / "aside.db")
    for _ in range(2):
        with pytest.raises(StoreError, match="is gone: put it back"):
            link.ask_now(published_dates)
        assert (link.state, file.exists()) == ("away", False)
    kept.rename(file)
    assert (list(link.ask_now(published_dates)), link.state) == ([], "reachable")
    link.close()
