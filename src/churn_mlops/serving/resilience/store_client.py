"""The store as a server uses it: it may be unavailable when the server starts, and at any time later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeVar

from churn_mlops.errors import RowsRefusedError, StoreError, StoreReplacedError, StoreVersionError
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.thread_pool import BoundedThreadPool, PoolExhaustedError
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.database import CONNECTIONS, is_made

Answer = TypeVar("Answer")
RETRY_SECONDS = 1.0
RETRY_AFTER_SECONDS = 2
"""A refused client may try again after so many seconds."""
OTHERS = 2
"""Threads beside those of requests that use the store: of the prediction log, and of the look for a new champion."""
THREADS = CONNECTIONS - OTHERS
"""Threads of requests, unless ``store.connections`` says another number."""
LOCK_WAIT_MS = 5000
"""Longest wait for a lock: by then the caller has stopped waiting, and the thread is free for another."""


class StoreUnavailableError(RequestError):
    """The store could not be asked, or gave no answer in time."""

    def __init__(self) -> None:
        error = "the store cannot be reached: nothing was acknowledged; try again in a few seconds"
        super().__init__(503, error, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


class StoreClient:
    """Opens the store when it is first needed, and again after it was unavailable; never holds up the loop.

    After a failure to open, it is not tried again for ``RETRY_SECONDS``: requests are refused immediately, and do not
    queue for a server that is not there.

    Args:
        address: as in ``store.url``.
        connections: most connections to PostgreSQL, 3 or more; requests have all but two.
        opener: opens it; replaced in tests.
        clock: seconds that only ever grow; replaced in tests.
    """

    def __init__(
        self,
        address: str,
        opener: Callable[[str], Store] | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        connections: int = CONNECTIONS,
    ) -> None:
        self._address, self._clock = address, clock
        self._opener = opener or partial(open_store, lock_wait_ms=LOCK_WAIT_MS, connections=connections)
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._not_before = 0.0
        self._is_unfit = False
        self._threads = BoundedThreadPool(connections - OTHERS, "store")
        self.failure: str | None = None
        """Why the last attempt failed, without secrets; None after one that did not."""

    def is_made(self) -> bool:
        """Whether a use of the store makes no new file."""
        return is_made(self._address)

    def ask_now(self, work: Callable[[Store], Answer]) -> Answer:
        """Run ``work`` on the store, on the calling thread: a thread of its own, never the loop.

        Raises:
            StoreError: the store cannot be reached, or ``work`` failed there.
        """
        try:
            answer = self._done(work)
        except RowsRefusedError:  # it is there, and has looked at them
            raise
        except StoreError as error:
            self.failure, self._is_unfit = str(error), isinstance(error, StoreVersionError)
            raise
        self.failure, self._is_unfit = None, False
        return answer

    async def ask(self, work: Callable[[Store], Answer], seconds: float = 5.0) -> Answer:
        """Run ``work`` on the store, on a thread, within ``seconds``.

        If the store takes connections and answers nothing, a few requests wait; the others are refused immediately.

        Raises:
            StoreUnavailableError: the store cannot be reached, or did not answer in time. The server does not know then
                whether a write was committed, so callers of writes must be able to repeat them.
        """
        try:
            return await self._threads.do(lambda: self.ask_now(work), seconds)
        except PoolExhaustedError as error:
            self.failure = str(error)
            raise StoreUnavailableError from None
        except TimeoutError:
            self.failure = f"the store did not answer within {seconds:g} seconds"
            raise StoreUnavailableError from None
        except StoreError:
            raise StoreUnavailableError from None

    @property
    def state(self) -> Literal["reachable", "away", "of another version", "not asked yet"]:
        """The state of the store at its last use."""
        if self.failure is not None:
            return "of another version" if self._is_unfit else "away"
        return "not asked yet" if self._store is None else "reachable"

    def close(self) -> None:
        """Give back all connections."""
        self._threads.close()
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _done(self, work: Callable[[Store], Answer]) -> Answer:
        store = self._opened()
        try:
            return work(store)
        except StoreReplacedError:  # nothing was kept, so it is done again on the file that is there now
            with self._lock:
                if self._store is store:
                    store.abandon()
                    self._store = None
            return work(self._opened())

    def _opened(self) -> Store:
        with self._lock:
            if self._store is not None:
                return self._store
            if self._clock() < self._not_before:
                kind = StoreVersionError if self._is_unfit else StoreError
                raise kind(self.failure or "the store is unavailable")
            try:
                self._store = self._opener(self._address)
            except StoreError:
                self._not_before = self._clock() + RETRY_SECONDS
                raise
            return self._store
