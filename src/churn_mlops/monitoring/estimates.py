"""The accuracy that the scores themselves expect, while labels are not final, with the error of such estimates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from scipy.stats import t as student

from churn_mlops.monitoring.accuracy import FEWEST, METRICS, WAIT, ScoredRows, counts_of
from churn_mlops.monitoring.label_noise import label_noise
from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.weighted_metrics import Floats, Ranked

EXPECTED = ("auc", "log_loss", "top_decile_lift")
SUPPOSED = 2
"""Independent errors that are supposed beside those that are known: as large as the chance in the labels makes them."""
LEAST_OF_AUC, LEAST_SHARE_OF_LIFT = 0.03, 0.1
"""And at least so large: from one season to the next, a model may lose so much without any sign in its scores.

A loss of 0.03 of the AUC is about a tenth of the lift of the top decile: 7 to 13 % where the scores of churners and of
others are normal with one variance, for an AUC from 0.65 to 0.85 and 2 to 25 % of churners.
"""
FEWEST_HELD, GOOD_HELD, POOR_HELD = 8, 0.9, 0.6
_SAID = "This is an estimate: look again when its labels are final."


@dataclass(frozen=True)
class EarlierErrors:
    """How far earlier estimates were from what came true.

    Args:
        by_metric: what came true less the estimate, one number for each date.
        apart: how many of these dates share no day of their horizons: so many of the errors are independent.
    """

    by_metric: Mapping[str, Sequence[float]] = field(default_factory=dict)
    apart: int = 0


def earlier_errors(
    errors: Mapping[date, Mapping[str, float]], as_of: date, final_after: int, first: Mapping[str, float] | None = None
) -> EarlierErrors:
    """The errors of the dates whose labels were final on a date, and that of the backtest.

    Args:
        errors: of each date, the earliest first, what came true less the estimate, by metric.
        as_of: the date.
        final_after: days until labels are final.
        first: the same of the backtest of the model, known before any of its dates; None where there was none.
    """
    known = [day for day in errors if day <= as_of - timedelta(days=final_after)]
    of = [*([] if first is None else [first]), *(errors[day] for day in known)]
    by_metric = {name: [one[name] for one in of if name in one] for name in EXPECTED}
    apart = 1 + (known[-1] - known[0]).days // final_after if known else 0
    return EarlierErrors(by_metric, apart + (1 if first else 0))


def estimate_errors(scores: Floats, churned: Floats) -> dict[str, float]:
    """By metric, what came true less what the scores themselves expected.

    Args:
        scores: churn probabilities, shape (rows,).
        churned: 1 where the customer of such a row churned, else 0; both occur.
    """
    ones = np.ones(len(scores))
    true, said = Ranked.of(churned, scores, ones), Ranked.of(scores, scores, ones)
    return {name: METRICS[name](true) - METRICS[name](said) for name in EXPECTED}


def expected_accuracy(rows: ScoredRows, part: str = "", earlier: EarlierErrors | None = None) -> list[Measurement]:
    """The AUC, log loss and lift that the scores themselves expect, where labels are not final.

    Each customer counts as a churner by as much as their score. So the figure is right if the scores are calibrated,
    and it shows a change of the customers, not a change of why they leave. Calibration itself cannot be expected.

    The 95 % interval is for what will come true. Its variance is that of the labels if the scores are right, or the
    mean square of the earlier errors if that is larger: by so much estimates were wrong before. Two supposed errors of
    the first size stand beside the known ones, so that it is wide while few are known.

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
    value = METRICS[name](ranked)
    least = {"auc": LEAST_OF_AUC, "top_decile_lift": LEAST_SHARE_OF_LIFT * value}.get(name, 0.0)
    half = _half(noise, max(noise, least), earlier.by_metric.get(name, ()), earlier.apart)
    high = min(1.0, value + half) if name == "auc" else value + half
    low = max(0.0, value - half)
    return Measurement(name, part, value, low, high, *counts_of(name, ranked), "watch", _SAID, False)


def _half(noise: float, supposed: float, errors: Sequence[float], apart: int) -> float:
    """Half the width of the interval; it has as many degrees of freedom as there are independent errors."""
    known = apart if errors else 0
    square = float(np.mean(np.square(errors))) if errors else 0.0
    freedom = SUPPOSED + known
    return float(student.ppf(0.975, freedom)) * math.sqrt(
        max(noise**2, (SUPPOSED * supposed**2 + known * square) / freedom)
    )


def estimates_held(held: int, known: int) -> Measurement:
    """The share of earlier estimates of the AUC whose interval holds what came true.

    One wrong estimate is chance: of few, it would be more than a tenth.

    Args:
        held: estimates whose interval does.
        known: all estimates with an interval whose labels are final.
    """
    if known < FEWEST_HELD:
        wait = f"Wait: this needs {FEWEST_HELD} estimates whose labels are final."
        return too_little("estimates_held", "", wait, numerator=held, denominator=known)
    share = held / known
    is_good = share >= GOOD_HELD or known - held <= 1
    status: Status = "good" if is_good else "watch" if share >= POOR_HELD else "act"
    step = {
        "good": "Nothing to do: the estimates can be relied on.",
        "watch": "Take the estimates with care: too many were wrong.",
        "act": "Wait for final labels, and train again: customers leave for other reasons than the scores know.",
    }[status]
    return Measurement("estimates_held", "", share, None, None, held, known, status, step)
