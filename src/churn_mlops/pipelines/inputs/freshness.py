"""The age of the newest row of a history: with ``source.as_of: latest``, nothing else shows that loading stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.snapshot.date_range import newest_row
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.spark import spark_running
from churn_mlops.pipelines.inputs.as_of import STALE_DAYS
from churn_mlops.pipelines.inputs.open_source import open_history


@dataclass(frozen=True)
class Freshness:
    """The age of the newest row of a history.

    Args:
        newest: day of that row.
        days: from that day to today, 0 or more.
    """

    newest: date
    days: int

    @property
    def is_old(self) -> bool:
        """Whether loading seems to have stopped."""
        return self.days > STALE_DAYS

    def __str__(self) -> str:
        """Half a sentence."""
        return f"the newest row is of {self.newest}, {self.days:,} day{'' if self.days == 1 else 's'} ago"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for machines."""
        return {"newest": self.newest.isoformat(), "days": self.days, "old": self.is_old}


def freshness(settings: Settings, now: datetime) -> Freshness | None:
    """The age of the newest row of the source at ``now``; None without a source, and for a flat table without dates.

    Raises:
        ChurnError: contract or source cannot be read.
    """
    contract = load_contract(settings.contract.path)
    if not isinstance(contract, HistoryContract) or settings.source.url is None:
        return None
    today = now.astimezone(ZoneInfo(contract.time_zone)).date()
    with spark_running(settings.source.url):
        tables = open_history(settings.source, contract)
        with read_whole(settings.source.url):
            newest = newest_row(tables, contract, today)
    return Freshness(newest, (today - newest).days)
