"""The audit log as a server writes it: before an answer about a customer goes out, its event is recorded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreClient, StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.audit_log import NewEvent, record_events
from churn_mlops.store.database.clock import utc_now

MOST_WAITING = 10_000
WRITE_SECONDS = 1.0
log = structlog.get_logger("churn_mlops.serving")


class AuditLog:
    """Writes events to the store. While it is unavailable they go to the server's log, and wait in memory.

    Args:
        store: the store.
        key: of the hash that stands for a customer.
        most_waiting: with so many events waiting, nothing more about customers is answered.
        now: the time.
    """

    def __init__(
        self, store: StoreClient, key: str, most_waiting: int = MOST_WAITING, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._store, self._key, self._most, self._now = store, key, most_waiting, now
        self.waiting: deque[NewEvent] = deque()

    async def record(self, caller: str, event: str, customer: str | None, details: Mapping[str, Any]) -> None:
        """Record one event.

        Raises:
            RequestError: 503, the store is unavailable, and too many events wait for it.
        """
        about = None if customer is None else customer_hash(self._key, customer)
        one = NewEvent(self._now(), caller, event, about, details)
        try:
            await self._store.ask(lambda store: record_events(store, [one]), WRITE_SECONDS)
        except StoreUnavailableError:
            if len(self.waiting) >= self._most:
                raise RequestError(
                    503, "the audit log cannot be written: no answer about customers until the store is back"
                ) from None
            self.waiting.append(one)
            log.warning("audit_event_deferred", caller=caller, audited=event, customer_hash=about, at=one.at)

    async def flush(self) -> None:
        """Write what waits, if the store is back; an event may come to stand twice, and never not at all."""
        if not self.waiting:
            return
        batch = list(self.waiting)

        def write(store: Store) -> None:
            record_events(store, batch)

        try:
            await self._store.ask(write)
        except StoreUnavailableError:
            return
        for _ in batch:
            self.waiting.popleft()
