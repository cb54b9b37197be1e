"""Runs, predictions and labels to publish in tests."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from churn_mlops.store.scoring.predictions import Predictions
from churn_mlops.store.scoring.runs import NewRun

DAY = date(2026, 11, 22)
NEXT = DAY + timedelta(days=1)
NOW = datetime(2026, 11, 23, 6, 0, 1, 250_000, tzinfo=UTC)
REASONS = [{"feature": "tenure", "value": 2, "points": 21, "text": "2 months of tenure: +21 points"}]


def run(as_of: date = DAY, *, version: str = "3") -> NewRun:
    """A run of ``as_of`` that has not been published."""
    return NewRun(
        as_of=as_of,
        known_until=NOW - timedelta(hours=6),
        model_version=version,
        model_sha256="a" * 64,
        contract_fingerprint="c" * 64,
        started_at=NOW - timedelta(minutes=1),
        warnings=("tenure: 3 rows are missing",),
    )


def batch(customers: list[str], scores: list[float], first_rank: int = 1) -> Predictions:
    """Predictions of ``customers``, who are likely to leave from a score of 0.5."""
    return Predictions(
        rank=list(range(first_rank, first_rank + len(customers))),
        customer=customers,
        score=scores,
        will_churn=[score >= 0.5 for score in scores],
        risk_band=["high" if score >= 0.5 else "low" for score in scores],
        action=["offer" if score >= 0.4 else "leave_alone" for score in scores],
        expected_gain=[round(100 * score - 40, 2) for score in scores],
        reasons=[REASONS if score >= 0.5 else None for score in scores],
    )


def batches(customers: int, *, mark: str = "C", size: int = 1000) -> Iterator[Predictions]:
    """``customers`` whose names begin with ``mark``, best first, in batches of ``size``."""
    for start in range(0, customers, size):
        places = range(start, min(start + size, customers))
        yield batch([f"{mark}{place:06d}" for place in places], [1 - place / customers for place in places], start + 1)
