"""The keys and sessions that are valid, held in memory, so that no request waits for the store."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from datetime import datetime

from churn_mlops.serving.access.rate_limit import Buckets
from churn_mlops.serving.resilience.store_client import StoreAwayError, StoreLink
from churn_mlops.store import Store
from churn_mlops.store.access.api_keys import adopt_key
from churn_mlops.store.access.credentials import Credential, Credentials, credentials
from churn_mlops.store.database.clock import utc_now

REFRESH_SECONDS = 2.0
# With the longest pause between two readings, less than the 5 seconds in which a revoked key has to die.
READ_SECONDS = 1.5
STALE_SECONDS = 4.0
OUTLIVE_SECONDS = 600.0
_LOOKS_PER_SECOND, _LOOKS_AT_ONCE = 5.0, 10.0
ADMIN_KEY_NAME = "admin-file"


class Access:
    """All valid keys and sessions, read anew every few seconds.

    While the store is away, those that are known live on for ``OUTLIVE_SECONDS``.

    Args:
        link: the store.
        admin_key: the first admin key, out of a secret file; it is taken into the store.
        guarded: keys are asked for even where there are none yet.
        refresh_seconds: between two readings.
        clock: seconds that only ever grow.
        now: the moment it is, against which keys expire.
    """

    def __init__(
        self,
        link: StoreLink,
        *,
        admin_key: str | None = None,
        guarded: bool = False,
        refresh_seconds: float = REFRESH_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._link, self._admin_key, self._now, self._clock = link, admin_key, now, clock
        self._guarded = guarded or admin_key is not None
        self.refresh_seconds = refresh_seconds
        self._lock = asyncio.Lock()
        self._known = Credentials({}, configured=False)
        self._read_at: float | None = None
        self._tried_at = -float("inf")
        self._away = False
        self._looks = Buckets(_LOOKS_PER_SECOND, _LOOKS_AT_ONCE, clock)

    def find(self, sha256: str) -> Credential | None:
        """The valid key or session of this hash; None where there is none that is known."""
        found = self._known.by_hash.get(sha256)
        if found is None or not hmac.compare_digest(found.sha256, sha256):
            return None
        return found if found.expires_at is None or self._now() < found.expires_at else None

    @property
    def is_due(self) -> bool:
        """Whether the store was not asked for too long, so that it has to be asked before anybody is let in."""
        return self._clock() - self._tried_at > STALE_SECONDS

    @property
    def is_away(self) -> bool:
        """Whether the store gave no answer when it was last asked: what is not known may be valid all the same."""
        return self._read_at is None or self._away

    @property
    def is_trusted(self) -> bool:
        """Whether what is known may still be relied on."""
        return self._read_at is not None and self._clock() - self._read_at <= OUTLIVE_SECONDS

    @property
    def is_open(self) -> bool:
        """Whether nobody has to be known: there never was a key or a person, as far as the store ever told."""
        return self._read_at is not None and not self._known.configured and not self._guarded

    async def refresh(self) -> None:
        """Read the store, unless a reading that began after this call was made has ended already."""
        called = self._clock()
        async with self._lock:
            if self._tried_at >= called:
                return
            self._tried_at = began = self._clock()
            try:
                self._known = await self._link.ask(self._read, READ_SECONDS)
            except StoreAwayError:
                self._away = True
                return
            self._read_at, self._away = began, False

    async def look_again(self) -> None:
        """Read the store for a key that is not known: it may be new. A flood of them is no flood of readings."""
        if self._read_at is None or not self._looks.take("all"):
            await self.refresh()

    def forget(self, sha256: str) -> None:
        """Let a session in no more, here at once and elsewhere with the next reading."""
        left = {known: one for known, one in self._known.by_hash.items() if known != sha256}
        self._known = Credentials(left, self._known.configured)

    def _read(self, store: Store) -> Credentials:
        if self._admin_key is not None:
            adopt_key(store, self._admin_key, ADMIN_KEY_NAME, by="churn serve")
            self._admin_key = None
        return credentials(store, clock=self._now)
