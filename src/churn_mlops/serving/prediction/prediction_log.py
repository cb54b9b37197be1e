"""What was said is kept: answers go to the store in groups, by a thread of their own, off the path of requests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import structlog
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from churn_mlops.errors import RowsRefusedError, StoreError
from churn_mlops.serving.model.served_model import Live
from churn_mlops.serving.resilience.store_client import StoreLink
from churn_mlops.store import Store
from churn_mlops.store.prediction_log import Answer, keep_answers

GROUP = 1000
EVERY_SECONDS = 0.1
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0
DRAIN_SECONDS = 5.0
log = structlog.get_logger("churn_mlops.serving")


class Said(NamedTuple):
    """What one request was answered.

    Args:
        id: the prediction id; the customers of a batch have it with ``-`` and their place.
        at: when, seconds since 1970.
        live: the model that answered.
        as_of: the as-of date that was told, ISO.
        caller: who asked.
        rows: the fields of each customer, as they were read.
        bodies: what was said of each of them, JSON.
        batch: whether the request was a batch.
        customer: whom it is about, where his name is known.
    """

    id: str
    at: float
    live: Live
    as_of: str
    caller: str
    rows: Sequence[Mapping[str, Any]]
    bodies: Sequence[bytes]
    batch: bool = False
    customer: str | None = None


class Keeper:
    """Takes what was said without waiting for anything, and writes it to the store in groups.

    A group that cannot be written waits, with growing pauses, until it can. What comes while the queue is full is
    dropped and counted; nothing of a request's answer depends on it.

    Args:
        store: where answers go.
        most_waiting: most answers that wait; a batch that would go beyond it is dropped whole.
        every: longest pause between two groups while there is something to write, in seconds.
        drain_seconds: most time that :meth:`close` takes.
        hash_key: by which those are told who were forgotten, of whom nothing is kept; None looks for nobody.
    """

    def __init__(
        self,
        store: StoreLink,
        most_waiting: int,
        every: float = EVERY_SECONDS,
        drain_seconds: float = DRAIN_SECONDS,
        hash_key: str | None = None,
    ) -> None:
        self.store, self._most_waiting, self._hash_key = store, most_waiting, hash_key
        self._every, self._drain_seconds = every, drain_seconds
        self._queue: deque[Said] = deque()
        self._lock = threading.Lock()
        self._closing, self._given_up = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_away = False
        self.waiting = 0
        """Answers that are not in the store yet."""
        self.kept = 0
        """Answers that are in the store: they outlive whatever becomes of this process."""
        self.dropped = 0
        """Answers that never will be."""

    def keep(self, said: Said) -> bool:
        """Take what was said; False where the queue is full, and it is dropped. Takes microseconds, from any thread."""
        count = len(said.bodies)
        with self._lock:
            if self.waiting + count > self._most_waiting:
                self.dropped += count
                return False
            self.waiting += count
            self._queue.append(said)
        return True

    def start(self) -> None:
        """Begin to write."""
        self._closing.clear()
        self._given_up.clear()
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, as far as the time allows; the rest is dropped, counted and told in the log."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(self._drain_seconds)
        self._given_up.set()
        with self._lock:
            left, self.waiting = self.waiting, 0
            self._queue.clear()
            self.dropped += left
        if left:
            log.error("answers were not kept", answers=left, reason=self.store.failure or "the store is too slow")

    def _work(self) -> None:
        while True:
            group = self._next_group()
            if group:
                self._write(group)
            elif self._closing.is_set():
                return
            elif self.store.failure is not None:  # so that /ready tells when it is back, though nobody asks
                self._ping()
            if sum(len(said.bodies) for said in group) < GROUP:
                self._closing.wait(self._every)

    def _next_group(self) -> list[Said]:
        """What waits, up to ``GROUP`` answers; a batch is never torn apart."""
        group: list[Said] = []
        count = 0
        while count < GROUP and self._queue:
            try:
                said = self._queue.popleft()
            except IndexError:  # given up meanwhile
                break
            group.append(said)
            count += len(said.bodies)
        return group

    def _write(self, group: list[Said]) -> None:
        answers = [answer for said in group for answer in _answers(said)]
        pause = FIRST_WAIT_SECONDS
        while not self._given_up.is_set():
            try:
                forgotten = self.store.ask_now(lambda store: keep_answers(store, answers, hash_key=self._hash_key))
            except RowsRefusedError:
                self._write_apart(group)
                return
            except StoreError as error:
                self._note_away(error)
                self._given_up.wait(pause)
                pause = min(2 * pause, LONGEST_WAIT_SECONDS)
            else:
                self._note_back()
                self._count(kept=len(answers) - forgotten, dropped=forgotten)
                return

    def _write_apart(self, group: list[Said]) -> None:
        """Something in the group is no answer to the store: the others are kept without it."""
        if len(group) > 1:
            for said in group:
                self._write([said])
            return
        count = len(group[0].bodies)
        self._count(dropped=count)
        log.error("answers were refused by the store", answers=count, request_id=group[0].id)

    def _count(self, kept: int = 0, dropped: int = 0) -> None:
        with self._lock:
            if self._given_up.is_set():
                # They were counted as dropped; that they came to be kept after all, in the last moment, is told too.
                self.dropped -= kept
            else:
                self.waiting -= kept + dropped
                self.dropped += dropped
            self.kept += kept

    def _ping(self) -> None:
        try:
            self.store.ask_now(_look)
        except StoreError:
            return
        self._note_back()

    def _note_away(self, error: StoreError) -> None:
        if not self._is_away:
            self._is_away = True
            log.warning("answers wait for the store", waiting=self.waiting, reason=str(error))

    def _note_back(self) -> None:
        if self._is_away:
            self._is_away = False
            log.info("the store is back", waiting=self.waiting, dropped=self.dropped)


def keeper_of(store: StoreLink | None, most_waiting: int, hash_key: str) -> Keeper | None:
    """The keeper of an application; None where it has no store."""
    return None if store is None else Keeper(store, most_waiting, hash_key=hash_key)


def told_of(keeper: Keeper | None) -> dict[str, Any]:
    """What ``/ready`` tells of the store and of what waits for it."""
    if keeper is None:
        return {}
    return {
        "store": keeper.store.state,
        "answers_waiting": keeper.waiting,
        "answers_dropped": keeper.dropped,
    }


@asynccontextmanager
async def keeping(keeper: Keeper) -> AsyncIterator[None]:
    """Let ``keeper`` write; the end waits until it is drained."""
    keeper.start()
    try:
        yield
    finally:
        await run_in_threadpool(keeper.close)


def _answers(said: Said) -> Iterator[Answer]:
    at, as_of, live = datetime.fromtimestamp(said.at, UTC), date.fromisoformat(said.as_of), said.live
    for place, (row, body) in enumerate(zip(said.rows, said.bodies, strict=True)):
        id = f"{said.id}-{place}" if said.batch else said.id
        inputs, answer = to_json(row, inf_nan_mode="null").decode(), body.decode()
        yield Answer(id, at, as_of, live.version, live.sha256, said.caller, said.customer, inputs, answer)


def _look(store: Store) -> None:
    with store.reading("look whether it is there") as connection:
        connection.exec_driver_sql("SELECT 1")
