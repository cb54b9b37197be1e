"""Calibration that is affine in log-odds, so that it folds into an additive model without loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from churn_mlops.models.tables import Floats

PRIOR_SLOPE_DEVIATION = 0.5
SMALLEST_SLOPE = 1e-3


@dataclass(frozen=True)
class Calibration:
    """Calibrated log-odds = intercept + slope x raw log-odds, slope > 0."""

    intercept: float
    slope: float


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of each log-odds; never overflows."""
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, small) / (1.0 + small))


def fit_calibration(log_odds: Floats, y: Floats, *, prior: bool = True, rounds: int = 100) -> Calibration:
    """The most likely calibration of out-of-fold scores, by Newton's method (Platt 1999, in log-odds).

    The slope has a weak normal prior around 1 (standard deviation 0.5), which only few rows, or scores that hardly
    differ, let through.

    Args:
        log_odds: raw out-of-fold scores, shape (rows,).
        y: 1 where the customer left, else 0, shape (rows,); both occur.
        prior: whether the slope has its prior; without it, this measures the calibration of scores.
        rounds: most steps of Newton's method.
    """
    base = np.log(y.mean() / (1.0 - y.mean()))
    centre = log_odds.mean()
    z = log_odds - centre
    beta = np.array([base, 1.0])
    design = np.column_stack([np.ones_like(z), z])
    # Without the prior, a trace of it keeps scores that are all alike from making the matrix singular.
    precision = np.array([0.0, PRIOR_SLOPE_DEVIATION**-2 if prior else 1e-9])
    for _ in range(rounds):
        p = sigmoid(design @ beta)
        gradient = design.T @ (p - y) + precision * (beta - 1.0)
        hessian = (design * (p * (1.0 - p))[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        beta -= step
        if np.abs(step).max() < 1e-12:
            break
    slope = max(float(beta[1]), SMALLEST_SLOPE)
    intercept = float(beta[0]) if slope == beta[1] else float(base)
    return Calibration(intercept - slope * float(centre), slope)
