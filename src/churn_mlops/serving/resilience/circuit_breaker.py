"""A circuit breaker: what failed several times in a row is left alone for a while, then tried by one alone."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 3
PAUSE_SECONDS = 3.0


class Breaker:
    """Counts failures in a row; after ``failures`` of them nobody may try for ``pause`` seconds; then one try decides.

    Args:
        failures: in a row.
        pause: seconds.
        clock: seconds that only ever grow.
    """

    def __init__(
        self, failures: int = FAILURES, pause: float = PAUSE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most, self._pause, self._clock = failures, pause, clock
        self._failures = 0
        self._open_until = -float("inf")

    def may_try(self) -> bool:
        """Whether it may be tried now: after a pause by who asks first, while the others go on without it.

        Where his try never ends, another may after a pause more.
        """
        if self._failures < self._most:
            return True
        now = self._clock()
        if now < self._open_until:
            return False
        self._open_until = now + self._pause
        return True

    def failed(self) -> None:
        """It was tried, and failed."""
        self._failures += 1
        if self._failures >= self._most:
            self._open_until = self._clock() + self._pause

    def succeeded(self) -> None:
        """It was tried, and did not."""
        self._failures = 0
