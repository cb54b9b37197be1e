"""Customers and revenue at risk, by the newest scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from churn_mlops.monitoring.measurement import Measurement, Status, too_little

WATCH_SHARE, ACT_SHARE = 0.05, 0.10
"""Share of the customers, or of the value, from which the status is "watch" and "act"."""
_NONE = "Publish a run: there are no scores."
_NEXT: dict[Status, str] = {
    "good": "Work the list as usual.",
    "watch": "See that the list is worked every day.",
    "act": "Look for a common cause in the reasons: so many customers are not lost one by one.",
}


def customers_at_risk(scores: npt.NDArray[np.float64], threshold: float, part: str) -> Measurement:
    """The share of customers who are likely to churn.

    Args:
        scores: of all active customers, shape (customers,).
        threshold: score from which a customer is likely to churn.
        part: the as-of date.
    """
    if not len(scores):
        return too_little("customers_at_risk", part, _NONE)
    return _exposed("customers_at_risk", part, float((scores >= threshold).sum()), float(len(scores)))


def revenue_at_risk(scores: npt.NDArray[np.float64], value: float, part: str) -> Measurement:
    """The share of the customers' value that the scores expect to leave: each customer's by as much as their score.

    Args:
        scores: of all active customers, shape (customers,).
        value: USD of margin kept if a customer stays.
        part: the as-of date.
    """
    if not len(scores) or value == 0:
        return too_little("revenue_at_risk", part, _NONE)
    return _exposed("revenue_at_risk", part, float(scores.sum()) * value, len(scores) * value)


def _exposed(name: str, part: str, numerator: float, denominator: float) -> Measurement:
    share = numerator / denominator
    status: Status = "act" if share >= ACT_SHARE else "watch" if share >= WATCH_SHARE else "good"
    return Measurement(name, part, share, None, None, numerator, denominator, status, _NEXT[status])
