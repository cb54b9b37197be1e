"""On PostgreSQL, contacts do not wait while the rows of whole dates are moved; an erasure waits, and leaves no rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from churn_mlops.errors import StoreBusyError
from churn_mlops.store import Store, open_store
from churn_mlops.store.contacts import NewContact, contacts, record_contact
from churn_mlops.store.erasure import forget
from churn_mlops.store.scoring.outcomes import Labels, record_labels
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import retain
from tests.store.builders import DAY, NEXT, NOW, batches, run
from tests.store.conftest import PostgresServer, new_store

WAIT_MS = 200


@pytest.fixture
def store(server: PostgresServer) -> Iterator[Store]:
    with open_store(new_store(server)) as opened:
        publish(opened, run(), batches(50))
        yield opened


@contextmanager
def after(store: Store, statement: str, do: Callable[[], object]) -> Iterator[list[object]]:
    """Call ``do`` once, after the first statement that begins so, in its transaction."""
    done: list[object] = []

    def follow(_connection: object, _cursor: object, sent: str, *_: object) -> None:
        if sent.startswith(statement) and not done:
            done.append(None)
            done.append(do())

    event.listen(store.engine, "after_cursor_execute", follow)
    yield done
    event.remove(store.engine, "after_cursor_execute", follow)


def contact_elsewhere(store: Store) -> int:
    contact = NewContact("call-1", "b" * 64, "C000001", NOW, "20 % off", "accepted", "key:crm")
    with open_store(store.address, lock_wait_ms=WAIT_MS) as other:
        return record_contact(other, contact)[0].id


MOVES: dict[str, tuple[str, Callable[[Store], object]]] = {
    "a new date": ("INSERT INTO predictions", lambda store: publish(store, run(NEXT), batches(80))),
    "a date again": ("INSERT INTO predictions", lambda store: publish(store, run(), batches(80))),
    "labels": ("INSERT INTO outcomes", lambda store: record_labels(store, DAY, [Labels(["C000001"], [True])], NOW)),
    "old dates": ("DELETE FROM predictions", lambda store: retain(store, DAY + timedelta(days=1))),
}


@pytest.mark.parametrize("move", MOVES)
def test_a_contact_is_recorded_while_rows_of_a_date_are_moved(store: Store, move: str) -> None:
    statement, do = MOVES[move]
    with after(store, statement, lambda: contact_elsewhere(store)) as done:
        do(store)
    assert done[1:] == [1]
    assert [one.customer for one in contacts(store, limit=5)] == ["C000001"]


def test_dates_are_moved_one_after_the_other(store: Store) -> None:
    def elsewhere() -> str:
        with open_store(store.address, lock_wait_ms=WAIT_MS) as other, pytest.raises(StoreBusyError):
            publish(other, run(), batches(10))
        return "waited"

    with after(store, "INSERT INTO predictions", elsewhere) as done:
        publish(store, run(NEXT), batches(80))
    assert done[1:] == ["waited"]


def test_an_erasure_waits_for_a_date_that_is_moved_and_removes_its_rows(store: Store) -> None:
    began = threading.Event()
    with ThreadPoolExecutor(1) as pool, after(store, "INSERT INTO predictions", began.set):

        def erase() -> int:
            began.wait(60)
            with open_store(store.address) as other:
                return forget(other, "k" * 16, "C000001", by="cli:anna").removed["predictions"]

        erased = pool.submit(erase)
        publish(store, run(NEXT), batches(80))
        assert erased.result(60) == 2
    assert "C000001" not in {one.customer for day in (DAY, NEXT) for one in predictions(store, day)}
