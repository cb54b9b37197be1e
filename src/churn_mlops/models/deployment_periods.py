"""Which version was live from when to when, as plain data, of one machine or of several put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True)
class LivePeriod:
    """One version's time as champion; times are ISO 8601 in UTC, ``to`` is None while it lasts.

    ``rollback`` says that it began by going back.
    """

    version: str
    sha256: str
    model_type: str
    since: str
    to: str | None
    reason: str
    rollback: bool = False

    @property
    def key(self) -> tuple[datetime, str]:
        """What a period is known by wherever it is kept, and its place in the order: when it began, and its bundle.

        Raises:
            ValueError: ``since`` is no moment, or has no time zone.
        """
        since = datetime.fromisoformat(self.since)
        if since.tzinfo is None:
            raise ValueError(f"{self.since} has no time zone")
        return since, self.sha256


def merged(*histories: Iterable[LivePeriod]) -> tuple[LivePeriod, ...]:
    """Every period of ``histories`` once, the oldest first, each ended by the next: the last one is the champion's.

    So those who put the same histories together, in whatever order, agree on what is live.
    """
    known = {period.key: period for history in histories for period in history}
    ordered = [known[key] for key in sorted(known)]
    ends = [*(period.since for period in ordered[1:]), None]
    return tuple(replace(period, to=end) for period, end in zip(ordered, ends, strict=False))


def standing(periods: Iterable[LivePeriod]) -> list[LivePeriod]:
    """The periods without those that were rolled back: the champion is the last, what it replaced stands before it."""
    found: list[LivePeriod] = []
    for period in periods:
        # By what it went back to, not by one step: two machines that did not know of each other may have gone the same.
        while period.rollback and found and found[-1].sha256 != period.sha256:
            found.pop()
        if not found or found[-1].sha256 != period.sha256:
            found.append(period)
    return found
