"""A circuit breaker: after several failures in a row, no call is made for a while; then one call tries again."""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 3
PAUSE_SECONDS = 3.0


class CircuitBreaker:
    """Counts failures in a row; after ``failures`` of them no call may try for ``pause`` seconds; then one try decides.

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
        """Whether this call may try now: after a pause the first call may, and the others go on without.

        If that try never ends, another call may after a further pause.
        """
        if self._failures < self._most:
            return True
        now = self._clock()
        if now < self._open_until:
            return False
        self._open_until = now + self._pause
        return True

    def failed(self) -> None:
        """Count a try that failed."""
        self._failures += 1
        if self._failures >= self._most:
            self._open_until = self._clock() + self._pause

    def succeeded(self) -> None:
        """Note a try that succeeded."""
        self._failures = 0
