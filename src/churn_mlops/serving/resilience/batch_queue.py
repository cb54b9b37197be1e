"""A short queue of batches: they run one after the other, on a thread of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.thread_pool import BoundedThreadPool, PoolExhaustedError

WAITING = 8
Answer = TypeVar("Answer")


class BatchQueue:
    """Runs batches.

    Python runs one thread at a time. If many batches ran on threads together, the loop, which answers all others and
    shows that the process is alive, would wait for its turn among all of them.
    """

    def __init__(self) -> None:
        self._threads = BoundedThreadPool(1, "batches")
        self._taken = 0

    async def do(self, work: Callable[[], Answer]) -> Answer:
        """Run ``work`` in its turn and give its result. It is not begun if the caller stops waiting before its turn.

        Raises:
            RequestError: 503, too many wait, or an abandoned one still runs.
        """
        if self._taken > WAITING:
            raise _too_many()
        self._taken += 1
        try:
            return await self._threads.do(work, None)
        except PoolExhaustedError:
            raise _too_many() from None
        finally:
            self._taken -= 1


def _too_many() -> RequestError:
    return RequestError(503, "too many batches wait: try again in a second", headers={"Retry-After": "1"})
