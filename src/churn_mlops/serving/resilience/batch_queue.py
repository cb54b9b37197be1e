"""Batches are worked off one after the other, on a thread of their own, and with a short queue only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.thread_pool import AllStuckError, Threads

WAITING = 8
Answer = TypeVar("Answer")


class Batches:
    """Works off batches.

    Python works on one thread at a time. Were many batches on threads at once, the loop, which answers everybody else
    and says that the process is alive, would have to wait for its turn among all of them.
    """

    def __init__(self) -> None:
        self._threads = Threads(1, "batches")
        self._taken = 0

    async def do(self, work: Callable[[], Answer]) -> Answer:
        """What ``work`` gives or raises. It is not begun where who waits for it has given up before its turn.

        Raises:
            RequestError: 503, too many wait, or one that was given up is still worked on.
        """
        if self._taken > WAITING:
            raise _too_many()
        self._taken += 1
        try:
            return await self._threads.do(work, None)
        except AllStuckError:
            raise _too_many() from None
        finally:
            self._taken -= 1


def _too_many() -> RequestError:
    return RequestError(503, "too many batches wait: try again in a second", headers={"Retry-After": "1"})
