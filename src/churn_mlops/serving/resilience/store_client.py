"""The store as a server sees it: it may be away when the server starts, and at any time later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeVar

from churn_mlops.errors import RowsRefusedError, StoreError
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.thread_pool import AllStuckError, Threads
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.database import is_made

Answer = TypeVar("Answer")
RETRY_SECONDS = 1.0
AWAY_SECONDS = 2
"""After which who was refused may ask again."""
THREADS = 4
LOCK_WAIT_MS = 5000
"""Longest wait for a lock: who asked has given up by then, and the thread is free for another."""

_open_for_requests = partial(open_store, lock_wait_ms=LOCK_WAIT_MS)


class StoreAwayError(RequestError):
    """The store could not be asked, or gave no answer in time."""

    def __init__(self) -> None:
        told = "the store cannot be reached: nothing was acknowledged; try again in a few seconds"
        super().__init__(503, told, headers={"Retry-After": str(AWAY_SECONDS)})


class StoreLink:
    """Opens the store when it is first needed, and again after it was away; never holds up the loop.

    After a failure to open, it is not tried again for ``RETRY_SECONDS``: requests are refused at once, and do not queue
    for a server that is not there.

    Args:
        address: as in ``store.url``.
        opener: opens it; replaced in tests.
        clock: seconds that only ever grow; replaced in tests.
    """

    def __init__(
        self,
        address: str,
        opener: Callable[[str], Store] = _open_for_requests,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address, self._opener, self._clock = address, opener, clock
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._not_before = 0.0
        self._threads = Threads(THREADS, "store")
        self.failure: str | None = None
        """Why the last attempt failed, without secrets; None after one that did not."""

    def is_made(self) -> bool:
        """Whether to ask makes no new file."""
        return is_made(self._address)

    def ask_now(self, work: Callable[[Store], Answer]) -> Answer:
        """What ``work`` gives of the store, on the calling thread; for threads of their own, never for the loop.

        Raises:
            StoreError: the store cannot be reached, or ``work`` failed there.
        """
        try:
            answer = work(self._opened())
        except RowsRefusedError:  # it is there, and has looked at them
            raise
        except StoreError as error:
            self.failure = str(error)
            raise
        self.failure = None
        return answer

    async def ask(self, work: Callable[[Store], Answer], seconds: float = 5.0) -> Answer:
        """What ``work`` gives of the store, on a thread, within ``seconds``.

        A store that takes connections and answers nothing is waited for by a few; while they wait, others are refused
        at once.

        Raises:
            StoreAwayError: the store cannot be reached, or did not answer in time: what became of a write is unknown
                then to the server too, so callers of writes must be able to repeat them.
        """
        try:
            return await self._threads.do(lambda: self.ask_now(work), seconds)
        except AllStuckError as error:
            self.failure = str(error)
            raise StoreAwayError from None
        except TimeoutError:
            self.failure = f"the store did not answer within {seconds:g} seconds"
            raise StoreAwayError from None
        except StoreError:
            raise StoreAwayError from None

    @property
    def state(self) -> Literal["reachable", "away", "not asked yet"]:
        """How the store was found when it was last asked."""
        if self.failure is not None:
            return "away"
        return "not asked yet" if self._store is None else "reachable"

    def close(self) -> None:
        """Give back all connections."""
        self._threads.close()
        with self._lock:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _opened(self) -> Store:
        with self._lock:
            if self._store is not None:
                return self._store
            if self._clock() < self._not_before:
                raise StoreError(self.failure or "the store is away")
            try:
                self._store = self._opener(self._address)
            except StoreError:
                self._not_before = self._clock() + RETRY_SECONDS
                raise
            return self._store
