"""Whether the model is still right: its scores against the outcomes of customers without an offer.

A treated customer shows nothing about a score, because the offer may have kept them. The control group stands for them:
it was drawn at random from the same customers, so each of them counts one over the share of the control group. Without
this, the top of the list would be missing from every figure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from churn_mlops.monitoring.jackknife import leave_one_out
from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.weighted_metrics import Floats, Ranked

FEWEST = 20
"""Fewest churners, and fewest retained customers, for figures of accuracy."""
GROUPS = 30
COIN = 0.5
WATCH_AUC = 0.65
WATCH_LIFT, ACT_LIFT = 2.0, 1.2
ACT_PER_100 = 50.0
"""How far from 100 the observed per 100 expected may be, where the interval excludes 100."""

WAIT = f"Wait: figures need {FEWEST} churners and {FEWEST} retained customers with final labels."
NONE_EXPECTED = "Train again: the scores expect no churner, or only a few of a single group of customers."
_NEXT: dict[str, dict[Status, str]] = {
    "auc": {
        "good": "Nothing to do: the order of the list holds.",
        "watch": "Train again and compare: the order of the list is weak.",
        "act": "Stop working the list until a new model is trained: its order is no better than chance.",
    },
    "log_loss": {
        "good": "Nothing to do: the scores say more than the mean churn rate.",
        "watch": "Train again and compare: the scores hardly say more than the mean churn rate.",
        "act": "Train again: the scores say less than the mean churn rate.",
    },
    "calibration": {
        "good": "Nothing to do: as many customers leave as the scores expect.",
        "watch": "Look at the drift and at the latest changes of prices and products; then train again.",
        "act": "Train again before you decide by expected gain: the scores are far from what happens.",
    },
    "top_decile_lift": {
        "good": "Nothing to do: the top of the list holds many times the usual share of churners.",
        "watch": "Train again and compare: the top of the list is little better than the rest.",
        "act": "Stop working the list until a new model is trained: its top holds hardly more churners than the rest.",
    },
}
_NEXT["top_decile_calibration"] = _NEXT["calibration"]


@dataclass(frozen=True)
class ScoredRows:
    """Scores of one as-of date or of several; each field has shape (rows,).

    Args:
        customers: a whole number for each customer, the same on all dates.
        scores: churn probabilities.
        churned: 1 where the customer left, 0 where they stayed; NaN where the label is not final.
        weights: how much each row counts, above 0; see :func:`untreated_weights`.
    """

    customers: npt.NDArray[np.int64]
    scores: Floats
    churned: Floats
    weights: Floats

    @property
    def final(self) -> ScoredRows:
        """The rows with a final label."""
        return self.only(~np.isnan(self.churned))

    def only(self, kept: npt.NDArray[np.bool_]) -> ScoredRows:
        """The rows that are ``kept``."""
        return ScoredRows(self.customers[kept], self.scores[kept], self.churned[kept], self.weights[kept])


def untreated_weights(treated: npt.NDArray[np.bool_], control_share: Floats) -> tuple[npt.NDArray[np.bool_], Floats]:
    """Which customers count, and how much: no treated one, and the control group one over its share.

    Args:
        treated: whether the customer was drawn to get an offer, or was contacted; shape (rows,).
        control_share: probability with which a customer of the control group was drawn into it, above 0; 1 for a
            customer of no campaign; shape (rows,).

    Returns:
        whether each row counts, shape (rows,); the weights of the rows that count.
    """
    counts = ~treated
    return counts, 1 / control_share[counts]


def accuracy(rows: ScoredRows, part: str = "") -> list[Measurement]:
    """AUC, log loss, calibration and lift on final labels, with 95 % intervals clustered by customer.

    The interval is a jackknife that leaves out one of 30 groups of customers at a time. A customer on several dates is
    one customer: without their group, no churner might be left.

    Args:
        rows: of untreated customers; rows without a final label are left out.
        part: the as-of date, empty for several.
    """
    rows = rows.final
    churned, customers = rows.churned, rows.customers
    if min(len(np.unique(customers[churned == label])) for label in (0, 1)) < FEWEST:
        return _too_few(part, churned, rows.scores, rows.weights)
    order = np.argsort(rows.scores, kind="stable")
    ranked = Ranked(churned[order], rows.scores[order], rows.weights[order])
    found = _deviations(ranked, customer_groups(customers[order]))
    return [_measured(name, part, ranked, *found[name]) for name in _NEXT]


def _too_few(part: str, churned: Floats, scores: Floats, weights: Floats) -> list[Measurement]:
    """No figures, with the counts that there are."""
    if not len(churned):
        return [too_little(name, part, WAIT, numerator=0, denominator=0) for name in _NEXT]
    ranked = Ranked.of(churned, scores, weights)
    counts = {name: counts_of(name, ranked) for name in _NEXT}
    return [too_little(name, part, WAIT, numerator=above, denominator=below) for name, (above, below) in counts.items()]


METRICS: dict[str, Callable[[Ranked], float]] = {
    "auc": Ranked.auc,
    "log_loss": Ranked.log_loss,
    "calibration": Ranked.observed_per_100,
    "top_decile_calibration": Ranked.top_observed_per_100,
    "top_decile_lift": Ranked.lift,
}


def _measured(name: str, part: str, ranked: Ranked, deviation: float, count: int) -> Measurement:
    numerator, denominator = counts_of(name, ranked)
    if not math.isfinite(deviation):  # a ratio to the churners that the scores expect, of which there are none
        return too_little(name, part, NONE_EXPECTED, numerator=numerator, denominator=denominator)
    value = METRICS[name](ranked)
    half = float(student.ppf(0.975, count - 1)) * deviation
    low, high = max(0.0, value - half), value + half if name != "auc" else min(1.0, value + half)
    status = _status(name, value, low, high, ranked)
    return Measurement(name, part, value, low, high, numerator, denominator, status, _NEXT[name][status])


def _deviations(ranked: Ranked, groups: npt.NDArray[np.int64]) -> dict[str, tuple[float, int]]:
    """The standard deviation of each metric by the jackknife, and the number of groups; not finite where a ratio is."""
    count = int(groups.max()) + 1
    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name, without in leave_one_out(ranked, groups).items():
            squares = float(((without - without.mean()) ** 2).sum())
            found[name] = (math.sqrt((count - 1) / count * squares), count)
    return found


def customer_groups(customers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The group of each row: all rows of a customer are in one, drawn without a look at their labels."""
    found, place = np.unique(customers, return_inverse=True)
    drawn = np.random.default_rng(0).permutation(len(found)) % min(GROUPS, len(found))
    return np.asarray(drawn[place], dtype=np.int64)


def counts_of(name: str, ranked: Ranked) -> tuple[float, float]:
    """Churners above the line; below it the customers, or the churners that the scores expect."""
    if name == "calibration":
        return ranked.churners, ranked.expected
    if name == "top_decile_calibration":
        return float(ranked.top @ ranked.y), float(ranked.top @ ranked.scores)
    if name == "top_decile_lift":
        return float(ranked.top @ ranked.y), float(ranked.top.sum())
    return ranked.churners, float(ranked.weights.sum())


def _status(name: str, value: float, low: float, high: float, ranked: Ranked) -> Status:
    if name == "auc":
        return "act" if low <= COIN else "watch" if value < WATCH_AUC else "good"
    if name == "top_decile_lift":
        return "act" if value < ACT_LIFT else "watch" if value < WATCH_LIFT else "good"
    if name == "log_loss":
        mean = np.full_like(ranked.scores, ranked.churners / ranked.weights.sum())
        plain = Ranked(ranked.y, mean, ranked.weights).log_loss()
        return "act" if value >= plain else "watch" if high >= plain else "good"
    if low <= 100 <= high:
        return "good"
    return "act" if abs(value - 100) >= ACT_PER_100 else "watch"


def joined(parts: Sequence[ScoredRows]) -> ScoredRows:
    """The rows of several dates as one; at least one part."""
    return ScoredRows(
        np.concatenate([part.customers for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.churned for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )
