"""Churn by segment: which groups of customers leave more often than all together."""

from __future__ import annotations

from collections.abc import Iterable

from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.proportions import share_interval

FEWEST = 30
"""Fewest customers of a segment with a rate: fewer would show noise, and single customers."""
BANDS = "churn_by_band"
"""The segments that the scores themselves make: a high rate is no finding there."""
MOST = 12
"""Most segments of one kind: a feature with more levels is no segmentation."""


def churn_by_segment(kind: str, customers: Iterable[tuple[str, int, int]], overall: float) -> list[Measurement]:
    """The churn rate of each segment with its 95 % interval (Wilson 1927), and whether it is above the overall rate.

    Args:
        kind: "churn_by_cohort", "churn_by_band" or "churn_by_level".
        customers: of each segment its name, its churners and its customers.
        overall: churn rate of all customers.
    """
    return [_segment(kind, name, churners, count, overall) for name, churners, count in customers if count]


def _segment(kind: str, name: str, churners: int, count: int, overall: float) -> Measurement:
    if count < FEWEST:
        wait = f"Wait: a segment needs {FEWEST} customers with final labels."
        return too_little(kind, name, wait, numerator=churners, denominator=count)
    low, high = share_interval(churners, count)
    if kind == BANDS:
        step = "Nothing to do: a higher band is to leave more often."
        return Measurement(kind, name, churners / count, low, high, churners, count, "good", step)
    status: Status = "act" if low > 2 * overall else "watch" if low > overall else "good"
    step = {
        "good": "Nothing to do: no more customers leave here than elsewhere.",
        "watch": "Ask why: more customers leave here than elsewhere.",
        "act": "Find the cause: more than twice as many customers leave here as elsewhere.",
    }[status]
    return Measurement(kind, name, churners / count, low, high, churners, count, status, step)
