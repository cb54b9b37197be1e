"""The accuracy that the scores themselves expect, while labels are not final, with the error of such estimates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import t as student

from churn_mlops.monitoring.accuracy import FEWEST, METRICS, WAIT, ScoredRows, counts_of
from churn_mlops.monitoring.label_noise import label_noise
from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.weighted_metrics import Ranked

EXPECTED = ("auc", "log_loss", "top_decile_lift")
FEWEST_ERRORS = 4
"""Fewest earlier dates for the error of an estimate."""
FEWEST_HELD, GOOD_HELD, POOR_HELD = 8, 0.8, 0.6
_SAID = "This is an estimate: look again when its labels are final."


@dataclass(frozen=True)
class EarlierErrors:
    """How far earlier estimates were from what came true.

    Args:
        by_metric: what came true less the estimate, one number for each date.
        apart: how many of these dates share no day of their horizons: so many of the errors are independent.
    """

    by_metric: Mapping[str, Sequence[float]] = field(default_factory=dict)
    apart: int = 1


def expected_accuracy(rows: ScoredRows, part: str = "", earlier: EarlierErrors | None = None) -> list[Measurement]:
    """The AUC, log loss and lift that the scores themselves expect, where labels are not final.

    Each customer counts as a churner by as much as their score. So the figure is right if the scores are calibrated,
    and it shows a change of the customers, not a change of why they leave. Calibration itself cannot be expected.

    The 95 % interval is for what will come true. It adds the variance of the labels, if the scores are right, and what
    the mean square of the earlier errors has above that: by so much the scores were wrong before. There is no interval
    before four earlier dates are known.

    Args:
        rows: of untreated customers; labels are not read.
        part: the as-of date.
        earlier: the errors of dates whose labels were final by then.
    """
    ranked = Ranked.of(rows.scores, rows.scores, rows.weights) if len(rows.scores) else None
    if ranked is None or min(ranked.scores.sum(), (1 - ranked.scores).sum()) < FEWEST:
        below = float(rows.weights.sum())
        return [too_little(name, part, WAIT, denominator=below, is_final=False) for name in EXPECTED]
    noise = label_noise(ranked)
    return [_estimate(name, part, ranked, noise[name], earlier or EarlierErrors()) for name in EXPECTED]


def _estimate(name: str, part: str, ranked: Ranked, noise: float, earlier: EarlierErrors) -> Measurement:
    value, half = METRICS[name](ranked), _half(noise, earlier.by_metric.get(name, ()), earlier.apart)
    low = None if half is None else max(0.0, value - half)
    high = None if half is None else min(1.0, value + half) if name == "auc" else value + half
    return Measurement(name, part, value, low, high, *counts_of(name, ranked), "watch", _SAID, False)


def _half(noise: float, errors: Sequence[float], apart: int) -> float | None:
    """Half the width of the interval; its degrees of freedom follow Satterthwaite (1946)."""
    if len(errors) < FEWEST_ERRORS:
        return None
    excess = max(0.0, float(np.mean(np.square(errors))) - noise**2)
    whole = noise**2 + excess
    if whole == 0.0:
        return 0.0
    freedom = apart * (whole / excess) ** 2 if excess else math.inf
    return float(student.ppf(0.975, freedom)) * math.sqrt(whole)


def estimates_held(held: int, known: int) -> Measurement:
    """The share of earlier estimates of the AUC whose interval holds what came true.

    Args:
        held: estimates whose interval does.
        known: all estimates with an interval whose labels are final.
    """
    if known < FEWEST_HELD:
        wait = f"Wait: this needs {FEWEST_HELD} estimates whose labels are final."
        return too_little("estimates_held", "", wait, numerator=held, denominator=known)
    share = held / known
    status: Status = "good" if share >= GOOD_HELD else "watch" if share >= POOR_HELD else "act"
    step = {
        "good": "Nothing to do: the estimates can be relied on.",
        "watch": "Take the estimates with care: too many were wrong.",
        "act": "Wait for final labels, and train again: customers leave for other reasons than the scores know.",
    }[status]
    return Measurement("estimates_held", "", share, None, None, held, known, status, step)
