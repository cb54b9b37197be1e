"""What a year is made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any


@dataclass(frozen=True)
class Plan:
    """A year, or some days of one.

    Args:
        customers: active ones.
        days: how many are counted.
        seed: another seed gives another company and other clients.
        model_type: of every training.
        snapshots: as-of dates of a training.
        first: the first day that is counted, the first of a month.
        lead_days: days before it, in which the first version goes live.
        restarts: whether servers and schedule are replaced once a month.
        fault_day: on this day, from 0, the source is not there; None plants no fault.
    """

    customers: int = 1500
    days: int = 365
    seed: int = 1
    model_type: str = "logistic_regression"
    snapshots: int = 4
    first: date = date(2035, 1, 1)
    lead_days: int = 7
    restarts: bool = True
    fault_day: int | None = None

    @property
    def begins(self) -> float:
        """The midnight of the first day, in UTC and in seconds since 1970."""
        return datetime(self.first.year, self.first.month, self.first.day, tzinfo=UTC).timestamp()

    def plain(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self) | {"first": self.first.isoformat()}

    @classmethod
    def of(cls, plain: dict[str, Any]) -> Plan:
        """The plan that :meth:`plain` gave."""
        return cls(**plain | {"first": date.fromisoformat(plain["first"])})
