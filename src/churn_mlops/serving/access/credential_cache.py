"""The API keys and sessions that are valid, held in memory, so that no request waits for the store."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from churn_mlops.serving.access.rate_limit import TokenBucketLimiter
from churn_mlops.serving.resilience.store_client import StoreClient, StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.access.api_keys import adopt_key
from churn_mlops.store.access.credentials import Credential, Credentials, credentials
from churn_mlops.store.database.clock import utc_now

REFRESH_SECONDS = 2.0
# With the longest pause between two readings, less than the 5 seconds in which a revoked key has to die.
READ_SECONDS = 1.5
STALE_SECONDS = 4.0
OUTLIVE_SECONDS = 600.0
_LOOKS_PER_SECOND, _MOST_LOOKS = 5.0, 10.0
ADMIN_KEY_NAME = "admin-file"


class Instant(NamedTuple):
    """One instant on both clocks.

    Args:
        seconds: of a clock that only ever grows; the age of a reading is counted in them.
        time: the time in UTC, against which keys expire.
    """

    seconds: float
    time: datetime


@dataclass(frozen=True)
class CredentialSnapshot:
    """The keys and sessions that a server knows; a later reading makes another snapshot.

    Args:
        known: the keys and sessions as they were read last.
        guarded: keys are asked for even where there are none yet.
        read_at: when the last reading that succeeded began, in seconds; None before the first.
        tried_at: when the last reading began, in seconds.
        failed: whether the last reading failed.
    """

    known: Credentials = field(default_factory=lambda: Credentials({}, configured=False))
    guarded: bool = False
    read_at: float | None = None
    tried_at: float = -float("inf")
    failed: bool = False

    def find(self, sha256: str, now: Instant) -> Credential | None:
        """The key or session of this hash, where it is valid and may still be relied on; otherwise None."""
        found = self.known.by_hash.get(sha256)
        if found is None or not hmac.compare_digest(found.sha256, sha256) or not self.is_trusted(now):
            return None
        return found if found.expires_at is None or now.time < found.expires_at else None

    def is_due(self, now: Instant) -> bool:
        """Whether the last reading is so old that another is needed before a request is let in."""
        return now.seconds - self.tried_at > STALE_SECONDS

    def is_trusted(self, now: Instant) -> bool:
        """Whether the keys and sessions may still be relied on."""
        return self.read_at is not None and now.seconds - self.read_at <= OUTLIVE_SECONDS

    @property
    def is_unavailable(self) -> bool:
        """Whether the store gave no answer when it was last asked: a key that is not known may be valid."""
        return self.read_at is None or self.failed

    @property
    def is_open(self) -> bool:
        """Whether no key is asked for: there never was a key or a user, by the last reading of the store."""
        return self.read_at is not None and not self.known.configured and not self.guarded


class CredentialCache:
    """All valid keys and sessions, read again every few seconds.

    While the store is unavailable, those that are known stay valid for ``OUTLIVE_SECONDS``.

    Args:
        store: the store.
        admin_key: the first admin key, out of a secret file; it is taken into the store.
        guarded: keys are asked for even where there are none yet.
        refresh_seconds: between two readings.
        clock: seconds that only ever grow.
        now: the time in UTC, against which keys expire.
    """

    def __init__(
        self,
        store: StoreClient,
        *,
        admin_key: str | None = None,
        guarded: bool = False,
        refresh_seconds: float = REFRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store, self._admin_key, self._utc_now, self._clock = store, admin_key, now, clock
        self.refresh_seconds = refresh_seconds
        self.snapshot = CredentialSnapshot(guarded=guarded or admin_key is not None)
        self._lock = asyncio.Lock()
        self._looks = TokenBucketLimiter(_LOOKS_PER_SECOND, _MOST_LOOKS, clock)

    def now(self) -> Instant:
        """The instant by the clocks of this cache."""
        return Instant(self._clock(), self._utc_now())

    async def refresh(self) -> None:
        """Read the store, unless a reading that began after this call was made has ended already."""
        called = self._clock()
        async with self._lock:
            if self.snapshot.tried_at >= called:
                return
            began = self._clock()
            self.snapshot = replace(self.snapshot, tried_at=began)
            try:
                known = await self._store.ask(self._read, READ_SECONDS)
            except StoreUnavailableError:
                self.snapshot = replace(self.snapshot, failed=True)
                return
            self.snapshot = replace(self.snapshot, known=known, read_at=began, failed=False)

    async def look_again(self) -> None:
        """Read the store for a key that is not known: it may be new. A flood of them is no flood of readings."""
        if self.snapshot.read_at is None or not self._looks.take("all"):
            await self.refresh()

    async def can_let_in(self) -> bool:
        """Whether requests can be let in at all: the keys are known, or are now that the store was asked."""
        if self.snapshot.read_at is None or self.snapshot.is_due(self.now()):
            await self.refresh()
        return self.snapshot.is_trusted(self.now())

    def end_session(self, sha256: str) -> None:
        """End a session in this process; the others end it with their next reading."""
        known = self.snapshot.known
        left = {hashed: one for hashed, one in known.by_hash.items() if hashed != sha256}
        self.snapshot = replace(self.snapshot, known=Credentials(left, known.configured))

    def _read(self, store: Store) -> Credentials:
        if self._admin_key is not None:
            adopt_key(store, self._admin_key, ADMIN_KEY_NAME, by="churn serve")
            self._admin_key = None
        return credentials(store, clock=self._utc_now)
