"""Calibration of log-odds: affine, so that it folds into an additive model without loss; bent for deeper trees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

PRIOR_DEVIATION = 0.5
SMALLEST_SLOPE = 1e-3
KNEE_QUANTILES = (0.5, 0.6, 0.7, 0.8, 0.9)
KNEE_WIDTH = 0.25
"""Raw log-odds over which the slope changes: half of the change lies within 1.1 of these on either side."""
CHURNERS_LOST = 5.0
"""A slope errs by this number divided by the number of churners; the study measures the effect."""
_HALVINGS = 60
LEAST_OF_SLOPE = 0.1
"""The least that a bend leaves of the slope."""


@dataclass(frozen=True)
class Calibration:
    """Calibrated log-odds = intercept + slope x raw + bend x hinge(raw), ascending everywhere.

    The hinge, width x log(1 + exp((raw - knee) / width)), is zero far below the knee and raw - knee far above it.

    Args:
        intercept: log-odds.
        slope: far below the knee, above 0.
        bend: what the slope gains far above the knee, above minus the slope; 0 for an affine calibration.
        knee: raw log-odds around which the slope changes.
    """

    intercept: float = 0.0
    slope: float = 1.0
    bend: float = 0.0
    knee: float = 0.0

    def of(self, log_odds: Floats) -> Floats:
        """Calibrated log-odds of raw ones, any shape."""
        affine = self.intercept + self.slope * log_odds
        return np.asarray(affine + self.bend * _hinge(log_odds, self.knee) if self.bend else affine)

    def information(self, log_odds: Floats) -> float:
        """How well customers of these raw log-odds determine the steepness: Fisher's information of a factor on it."""
        calibrated = self.of(log_odds)
        p = sigmoid(calibrated)
        weights = p * (1.0 - p)
        return float(weights @ (calibrated - weights @ calibrated / weights.sum()) ** 2)

    def flatter(self, factor: float, log_odds: Floats) -> Calibration:
        """The calibration with ``factor`` of its slope and bend, expecting about as many churners of ``log_odds``."""
        flat = replace(self, intercept=0.0, slope=self.slope * factor, bend=self.bend * factor)
        raw, expected = flat.of(log_odds), float(sigmoid(self.of(log_odds)).mean())
        low, high = (float(edge) for edge in np.log(expected / (1.0 - expected)) - np.array([raw.max(), raw.min()]))
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            low, high = (middle, high) if sigmoid(raw + middle).mean() < expected else (low, middle)
        return replace(flat, intercept=(low + high) / 2.0)

    def rate(self, log_odds: Floats, base: float) -> Floats:
        """Calibrated log-odds gained over ``base`` for each unit of raw log-odds, the slope where they meet."""
        difference = log_odds - base
        near = np.abs(difference) < 1e-6
        at_base = self.slope + self.bend * sigmoid((log_odds - self.knee) / KNEE_WIDTH)
        gained = self.of(log_odds) - self.of(np.asarray(base))
        return np.asarray(np.where(near, at_base, gained / np.where(near, 1.0, difference)))


def sigmoid(log_odds: Floats) -> Floats:
    """Probability of each log-odds; never overflows."""
    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, small) / (1.0 + small))


def fit_calibration(
    log_odds: Floats, y: Floats, *, prior: bool = True, bent: bool = False, rounds: int = 100
) -> Calibration:
    """The most likely calibration of out-of-fold scores, by Newton's method (Platt 1999, in log-odds).

    The slope has a weak normal prior around 1, the bend one around 0 (standard deviation 0.5), which only few rows, or
    scores that hardly differ, let through.

    Args:
        log_odds: raw out-of-fold scores, shape (rows,).
        y: 1 where the customer left, else 0, shape (rows,); both occur.
        prior: whether there are priors; without them, this measures the calibration of scores.
        bent: whether the slope may change around a score: the likeliest of five, which from half to a tenth of the
            customers exceed.
        rounds: most steps of Newton's method.
    """
    base = np.log(y.mean() / (1.0 - y.mean()))
    centre = float(log_odds.mean())
    one, line = np.ones_like(log_odds), log_odds - centre

    def likely(*columns: Floats) -> list[float]:
        return [float(weight) for weight in _most_likely(np.column_stack(columns), y, float(base), prior, rounds)]

    def bent_at(knee: float) -> Calibration:
        hinge = _hinge(log_odds, knee)
        intercept, slope, bend = likely(one, line, hinge)
        if slope > SMALLEST_SLOPE and slope + bend < LEAST_OF_SLOPE * slope:
            intercept, slope = likely(one, line + (LEAST_OF_SLOPE - 1.0) * hinge)
            bend = (LEAST_OF_SLOPE - 1.0) * slope
        return Calibration(intercept - slope * centre, slope, bend, knee)

    if bent:
        found = [bent_at(float(knee)) for knee in np.unique(np.quantile(log_odds, KNEE_QUANTILES))]
        ascending = [calibration for calibration in found if calibration.slope > SMALLEST_SLOPE]
        if ascending:
            return min(ascending, key=lambda calibration: _log_loss(calibration.of(log_odds), y))
    intercept, slope = likely(one, line)
    if slope < SMALLEST_SLOPE:
        intercept, slope = float(base), SMALLEST_SLOPE
    return Calibration(intercept - slope * centre, slope)


def cautious(calibration: Calibration, log_odds: Floats, y: Floats, choices: int) -> Calibration:
    """``calibration``, flatter by what chance made it too steep: little, unless rows are few.

    The heuristic shrinkage of van Houwelingen and le Cessie (1990), (information - choices) / information, in a form
    that stays positive; and what the most likely slope of a logistic regression errs by for lack of churners (or of
    retained customers, if they are fewer), which falls with their number (Firth 1993).

    Args:
        calibration: fitted on out-of-fold scores by which settings were chosen, too.
        log_odds: those scores, shape (rows,).
        y: 1 where the customer left, else 0, shape (rows,).
        choices: how many settings, about.
    """
    information, fewer = calibration.information(log_odds), min(y.sum(), (1.0 - y).sum())
    if not information:  # scores that are all alike have no steepness, and a slope of 0 does not ascend
        return calibration
    factor = information / (information + choices) * fewer / (fewer + CHURNERS_LOST)
    return calibration.flatter(float(factor), log_odds)


def _hinge(log_odds: Floats, knee: float) -> Floats:
    return np.asarray(KNEE_WIDTH * np.logaddexp(0.0, (log_odds - knee) / KNEE_WIDTH))


def _log_loss(log_odds: Floats, y: Floats) -> float:
    return float((np.logaddexp(0.0, log_odds) - y * log_odds).mean())


def _most_likely(design: Floats, y: Floats, base: float, prior: bool, rounds: int) -> Floats:
    """Coefficients of a logistic regression, with the priors of :func:`fit_calibration` on all but the first."""
    size = design.shape[1]
    expected = np.eye(size)[1]
    # Without the prior, a trace of it keeps scores that are all alike from making the matrix singular.
    precision = np.r_[0.0, np.full(size - 1, PRIOR_DEVIATION**-2 if prior else 1e-9)]
    beta = np.eye(size)[0] * base
    for _ in range(rounds):
        p = sigmoid(design @ beta)
        gradient = design.T @ (p - y) + precision * (beta - expected)
        hessian = (design * (p * (1.0 - p))[:, None]).T @ design + np.diag(precision)
        step = np.linalg.solve(hessian, gradient)
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-300))
        beta = beta - step
        if np.abs(step).max() < 1e-12:
            break
    return np.asarray(beta)
