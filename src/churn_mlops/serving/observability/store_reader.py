"""The last answers of the store, for Prometheus and for the person on call: read now and then, and when a page asks."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, replace

import structlog

from churn_mlops.serving.resilience.store_client import StoreClient, StoreUnavailableError
from churn_mlops.store.overview import Overview, not_understood, read_overview
from churn_mlops.store.scoring.browsing import expected_gain
from churn_mlops.store.scoring.runs import Run

log = structlog.get_logger("churn_mlops.serving")
EVERY_SECONDS, READ_SECONDS = 15.0, 1.5
SUM_SECONDS = 10.0
"""Longest time to sum up a list, which is done once for each publication, and not when the server starts."""


@dataclass(frozen=True)
class Reading:
    """An answer of the store.

    Args:
        seen: its overview.
        gain: sum of the expected gains of the newest list, None until it is summed up.
    """

    seen: Overview
    gain: float | None = None


class StoreReader:
    """Reads the store, and keeps what it said last.

    Args:
        store: the store.
    """

    def __init__(self, store: StoreClient) -> None:
        self._store = store
        self.last: Reading | None = None
        """The last reading, None before the first."""

    async def look(self) -> str | None:
        """Read the store now; while it is unavailable or cannot be understood, the last reading stays, and grows old.

        No list is summed up: the sum is that of the last reading, if the list is the same.

        Returns:
            why it was not read, without secrets; None where it was.
        """
        return await self._failure_of(self._read())

    async def refresh(self) -> None:
        """Look, and sum up a list that was there at the last look."""
        before = self.last
        if await self.look() is not None or before is None or self.last is None:
            return
        run = self.last.seen.run
        if run is not None and run == before.seen.run and self.last.gain is None:
            await self._failure_of(self._sum_up(run))

    async def _failure_of(self, work: Awaitable[None]) -> str | None:
        try:
            await work
        except StoreUnavailableError as error:
            return self._store.failure or error.error
        except Exception as error:  # whatever a row holds, the server starts and answers without its figures
            log.warning("store_metrics_failed", kind=type(error).__name__)
            return not_understood(error)
        return None

    async def _read(self) -> None:
        seen = await self._store.ask(read_overview, READ_SECONDS)
        known = self.last.gain if self.last is not None and self.last.seen.run == seen.run else None
        self.last = Reading(seen, known)

    async def _sum_up(self, run: Run) -> None:
        gain = await self._store.ask(lambda store: expected_gain(store, run), SUM_SECONDS)
        if self.last is not None and self.last.seen.run == run:  # a page may have read another one meanwhile
            self.last = replace(self.last, gain=gain)
