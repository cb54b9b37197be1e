"""A circuit breaker: what failed several times in a row is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 3
PAUSE_SECONDS = 30.0


class Breaker:
    """Counts failures in a row; after ``failures`` of them it is open, for ``pause`` seconds; then one try decides.

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

    @property
    def is_open(self) -> bool:
        """Whether it is not to be tried now."""
        return self._clock() < self._open_until

    def failed(self) -> None:
        """It was tried, and failed."""
        self._failures += 1
        if self._failures >= self._most:
            self._open_until = self._clock() + self._pause

    def succeeded(self) -> None:
        """It was tried, and did not."""
        self._failures = 0
