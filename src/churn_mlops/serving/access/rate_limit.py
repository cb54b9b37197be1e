"""Rate limits: a bucket of tokens for each name, which fills up again with time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_BUCKETS = 10_000


class TokenBucketLimiter:
    """A bucket for each name. The names that were not seen for longest are dropped: their buckets are full again.

    Args:
        per_second: tokens that come back each second.
        burst: tokens of a full bucket.
        clock: seconds that only ever grow.
        most: names that are remembered.
    """

    def __init__(
        self,
        per_second: float,
        burst: float,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_BUCKETS,
    ) -> None:
        self._per_second, self._burst, self._clock, self._most = per_second, max(1.0, burst), clock, most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Take a token of ``name``: 0 where there was one, otherwise the seconds until there is one again."""
        now = self._clock()
        left, since = self._buckets.pop(name, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_second
        self._buckets[name] = (left if wait else left - 1.0, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait

    def give_back(self, name: str) -> None:
        """Undo one :meth:`take`."""
        left, since = self._buckets.get(name, (self._burst, self._clock()))
        self._buckets[name] = (min(self._burst, left + 1.0), since)
