"""The first look of the person on call, by way of a server: the lines of ``churn status``, and what answers here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from churn_mlops import __version__
from churn_mlops.config import Settings
from churn_mlops.deployment import Deployment
from churn_mlops.on_call import StatusLine, most_urgent, status_lines, unavailable_store
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.observability.store_reader import StoreReader
from churn_mlops.store.database.clock import Clock, utc_now


@dataclass(frozen=True)
class Status:
    """How things stand.

    Args:
        lines: of the store, the most urgent first.
        asked_at: when it was asked for.
        read_at: when the store gave these lines; None where it gave no answer since the server started.
        is_store_there: whether the store answered now.
        model_version: the version that this server answers with, None without one.
        serves_champion: whether that is the version that the store calls live.
        processes: how many answer on its port.
        processes_wanted: how many the settings ask for.
        package_version: of this program.
    """

    lines: list[StatusLine]
    asked_at: datetime
    read_at: datetime | None
    is_store_there: bool
    model_version: str | None
    serves_champion: bool
    processes: int
    processes_wanted: int
    package_version: str = __version__

    @property
    def pages(self) -> int:
        """How many lines wait for someone to act now."""
        return sum(line.urgency == "page" for line in self.lines)

    @property
    def tickets(self) -> int:
        """How many lines wait for someone to act within days."""
        return sum(line.urgency == "ticket" for line in self.lines)


class StatusReader:
    """Reads how things stand.

    Args:
        reader: reads the store. The sum of a late list is the one that it knows: no request waits for a sum.
        slot: has the model that this server answers with.
        metrics: know the processes.
        settings: of the sections ``console`` and ``serving``.
        clock: gives the present; replaced in tests.
    """

    def __init__(
        self, reader: StoreReader, slot: ModelSlot, metrics: Metrics, settings: Settings, clock: Clock = utc_now
    ) -> None:
        self._reader, self._slot, self._metrics, self._clock = reader, slot, metrics, clock
        self._currency, self._wanted = settings.console.currency, settings.serving.workers

    async def status(self) -> Status:
        """How things stand now; while the store is unavailable, that it is, and how they stood at its last reading."""
        failure = await self._reader.look()
        last, now = self._reader.last, self._clock()
        served = self._served()
        champion = served if last is None or last.seen.champion is None else last.seen.champion
        lines = [] if failure is None else [unavailable_store(failure)]
        if last is not None:
            lines += status_lines(replace(last.seen, champion=champion), last.gain, now, self._currency)
        return Status(
            most_urgent(lines),
            asked_at=now,
            read_at=None if last is None else last.seen.read_at,
            is_store_there=failure is None,
            model_version=None if served is None else served.version,
            serves_champion=served is not None and champion is not None and served.is_same(champion),
            processes=self._metrics.processes,
            processes_wanted=self._wanted,
        )

    def _served(self) -> Deployment | None:
        """The model of this server: it is live where the store names none, as with a models folder alone."""
        live = self._slot.current
        if live is None:
            return None
        return Deployment(live.version, live.sha256, live.model_type, datetime.fromisoformat(live.live_from), "")
