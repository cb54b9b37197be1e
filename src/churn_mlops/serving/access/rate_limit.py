"""Rate limits: a bucket of tokens for each name, which fills up again with time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

MOST_BUCKETS = 10_000


class TokenBucketLimiter:
    """A bucket for each name whose bucket is not full; a full one is as good as none.

    While ``most`` buckets are not full, names without one are refused. To drop a bucket that is not full would give its
    name all its tokens back, and anyone can make up names.

    Args:
        per_second: tokens that come back each second.
        burst: tokens of a full bucket.
        clock: seconds that only ever grow.
        most: buckets that are kept.
    """

    def __init__(
        self,
        per_second: float,
        burst: float,
        clock: Callable[[], float] = time.monotonic,
        most: int = MOST_BUCKETS,
    ) -> None:
        self._per_second, self._burst, self._clock, self._most = per_second, max(1.0, burst), clock, most
        self._buckets: dict[str, tuple[float, float]] = {}
        self._room_at = -math.inf
        """No bucket is full before, as far as known: so they are not all looked at for each refusal."""

    def take(self, name: str) -> float:
        """Take a token of ``name``: 0 where there was one, otherwise the seconds until there may be one again."""
        now = self._clock()
        if name not in self._buckets and len(self._buckets) >= self._most and (wait := self._wait_for_room(now)):
            return wait
        left, since = self._buckets.get(name, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._per_second)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_second
        self._buckets[name] = (left if wait else left - 1.0, now)
        return wait

    def give_back(self, name: str) -> None:
        """Undo one :meth:`take`."""
        left, since = self._buckets.get(name, (self._burst, 0.0))
        if left + 1.0 < self._burst:
            self._buckets[name] = (left + 1.0, since)
        else:
            self._buckets.pop(name, None)
        self._room_at = -math.inf

    def _wait_for_room(self, now: float) -> float:
        """Drop the buckets that are full: 0 where there were any, otherwise the seconds until the first one is."""
        if now >= self._room_at:
            full_at = {
                name: since + (self._burst - left) / self._per_second for name, (left, since) in self._buckets.items()
            }
            self._buckets = {name: bucket for name, bucket in self._buckets.items() if full_at[name] > now}
            self._room_at = min((at for at in full_at.values() if at > now), default=-math.inf)
        return 0.0 if len(self._buckets) < self._most else self._room_at - now
