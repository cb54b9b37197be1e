"""The prediction log of a server: records are written in groups by a thread of their own, off the path of requests."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool

from churn_mlops.errors import RowsRefusedError, StoreError
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.prediction_log import PredictionRecord, write_records

GROUP = 1000
EVERY_SECONDS = 0.1
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.1, 2.0
DRAIN_SECONDS = 5.0
log = structlog.get_logger("churn_mlops.serving")
Records = Sequence[PredictionRecord]


@dataclass(frozen=True)
class LogStats:
    """The records of a prediction log, counted by their state.

    Args:
        waiting: records that are not in the store yet.
        kept: records that are in the store: they survive the end of this process.
        dropped: records that never will be in the store.
    """

    waiting: int = 0
    kept: int = 0
    dropped: int = 0


class PredictionLogger:
    """Takes the records of requests without waiting, and writes them to the store in groups.

    A group that cannot be written waits, with growing pauses, until it can. Records that arrive while the queue is
    full are dropped and counted. No answer of a request depends on the log.

    Args:
        store: where records go.
        most_waiting: most records that wait; a batch that would exceed it is dropped whole.
        every: longest pause between two groups while there is something to write, in seconds.
        drain_seconds: most time that :meth:`close` takes.
        hash_key: recognises erased customers, whose records are not written; None checks nothing.
    """

    def __init__(
        self,
        store: StoreClient,
        most_waiting: int,
        every: float = EVERY_SECONDS,
        drain_seconds: float = DRAIN_SECONDS,
        hash_key: str | None = None,
    ) -> None:
        self.store, self._most_waiting, self._hash_key = store, most_waiting, hash_key
        self._every, self._drain_seconds = every, drain_seconds
        self._queue: deque[Records] = deque()
        self._lock = threading.Lock()
        self._closing, self._abandoned = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._is_store_down = False
        self._waiting = self._kept = self._dropped = 0

    @property
    def stats(self) -> LogStats:
        """The present counts, read together."""
        with self._lock:
            return LogStats(self._waiting, self._kept, self._dropped)

    def log(self, records: Records) -> bool:
        """Take the records of one request, all or none; False where the queue is full and they are dropped.

        Takes microseconds, from any thread.
        """
        count = len(records)
        with self._lock:
            if self._waiting + count > self._most_waiting:
                self._dropped += count
                return False
            self._waiting += count
            self._queue.append(records)
        return True

    def start(self) -> None:
        """Start to write."""
        self._closing.clear()
        self._abandoned.clear()
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, as far as the time allows; the rest is dropped, counted and logged."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(self._drain_seconds)
        self._abandoned.set()
        with self._lock:
            left, self._waiting = self._waiting, 0
            self._queue.clear()
            self._dropped += left
        if left:
            log.error("prediction_log_dropped", records=left, reason=self.store.failure or "the store is too slow")

    def _work(self) -> None:
        while True:
            group = self._next_group()
            if group:
                self._write(group)
            elif self._closing.is_set():
                return
            elif self.store.failure is not None:  # so that /ready shows when it is back, also without requests
                self._ping()
            if sum(map(len, group)) < GROUP:
                self._closing.wait(self._every)

    def _next_group(self) -> list[Records]:
        """The next waiting records, up to ``GROUP``; a batch is never split."""
        group: list[Records] = []
        count = 0
        while count < GROUP and self._queue:
            try:
                records = self._queue.popleft()
            except IndexError:  # the log was closed meanwhile
                break
            group.append(records)
            count += len(records)
        return group

    def _write(self, group: list[Records]) -> None:
        records = [record for one in group for record in one]
        pause = FIRST_WAIT_SECONDS
        while not self._abandoned.is_set():
            try:
                erased = self.store.ask_now(lambda store: write_records(store, records, hash_key=self._hash_key))
            except RowsRefusedError:
                self._write_apart(group)
                return
            except StoreError as error:
                self._note_store_down(error)
                self._abandoned.wait(pause)
                pause = min(2 * pause, LONGEST_WAIT_SECONDS)
            else:
                self._note_store_up()
                self._count(kept=len(records) - erased, dropped=erased)
                return

    def _write_apart(self, group: list[Records]) -> None:
        """The store refuses something in the group: the other requests are written without it."""
        if len(group) > 1:
            for records in group:
                self._write([records])
            return
        (refused,) = group
        self._count(dropped=len(refused))
        log.error("prediction_log_refused", records=len(refused), prediction_id=refused[0].id)

    def _count(self, kept: int = 0, dropped: int = 0) -> None:
        with self._lock:
            if self._abandoned.is_set():
                # They were already counted as dropped, and the store took them after all.
                self._dropped -= kept
            else:
                self._waiting -= kept + dropped
                self._dropped += dropped
            self._kept += kept

    def _ping(self) -> None:
        try:
            self.store.ask_now(_ping)
        except StoreError:
            return
        self._note_store_up()

    def _note_store_down(self, error: StoreError) -> None:
        if not self._is_store_down:
            self._is_store_down = True
            log.warning("store_unavailable", waiting=self.stats.waiting, reason=str(error))

    def _note_store_up(self) -> None:
        if self._is_store_down:
            self._is_store_down = False
            stats = self.stats
            log.info("store_available", waiting=stats.waiting, dropped=stats.dropped)


def readiness_of(logger: PredictionLogger | None) -> dict[str, Any]:
    """The store and the records that wait for it, as ``/ready`` reports them."""
    if logger is None:
        return {}
    stats = logger.stats
    return {"store": logger.store.state, "answers_waiting": stats.waiting, "answers_dropped": stats.dropped}


@asynccontextmanager
async def prediction_logging(logger: PredictionLogger) -> AsyncIterator[None]:
    """Let ``logger`` write; the end waits until it is drained."""
    logger.start()
    try:
        yield
    finally:
        await run_in_threadpool(logger.close)


def _ping(store: Store) -> None:
    with store.reading("ping the store") as connection:
        connection.exec_driver_sql("SELECT 1")
