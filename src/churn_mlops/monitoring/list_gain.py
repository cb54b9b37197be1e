"""What the lists of a model earned, week by week, and the money that the newest earn less than the first.

A list holds few customers: at 20,000 customers, chance alone moves what their labels say of a month's gain by a third.
So the log-odds of the scores are fitted to the labels of all customers (Platt, 1999), and the list earns by those
probabilities, which moves by half as much. And a company earns differently from month to month without any change of
the model, so that two months are never compared by the chance of labels alone: the variance between the earlier months
counts too, as in a meta-analysis of random effects (DerSimonian and Laird, 1986), and at least `LEAST_VARIATION`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from churn_mlops.monitoring.accuracy import ScoredRows
from churn_mlops.monitoring.measurement import Measurement, too_little
from churn_mlops.monitoring.money import MEASURED_BY, WAIT, ListTerms, is_enough, listed_weights, loss
from churn_mlops.monitoring.weighted_metrics import Floats

SPANS = (1, 3, 6, 12)
"""Horizons over which the newest lists are taken together: a large loss is sure at once, a small one later."""
LEAST_VARIATION = 0.05
"""Standard deviation between months that is supposed at least, as a share of the gain."""
SURE = 3.0
"""Standard errors beyond which a loss is sure: more than 1.96, because one looks each week, over each of `SPANS`."""
ERRORS_OF_95 = 1.96
"""Standard errors from the middle of a 95 % interval to its ends."""
_CLIP = 1e-6


@dataclass(frozen=True)
class ListGain:
    """What a month's lists like that of one date earn.

    Args:
        as_of: the date.
        value: in the currency of the settings, per month.
        error: its standard error by the chance of labels; at least 0.
    """

    as_of: date
    value: float
    error: float


def week_gain(rows: ScoredRows, terms: ListTerms, part: str) -> Measurement:
    """What a month's lists like that of one date earn, by final labels.

    Args:
        rows: of the date.
        terms: by which a list earns; the figure's next step states them.
        part: the as-of date.

    Returns:
        the figure ``list_gain``, in the currency of the settings, per month, with its 95 % interval.
    """
    final = rows.final
    if not is_enough([final]):
        return too_little("list_gain", part, WAIT)
    listed, x = listed_weights(final, terms), _log_odds(final.scores)
    fitted, covariance = _fitted(x, final)
    p = expit(x @ fitted)
    scale = terms.monthly / float(final.weights.sum())
    value = scale * float(listed @ terms.gains(p))
    slope = scale * (terms.churner + terms.retained) * ((listed * p * (1 - p)) @ x)
    half = ERRORS_OF_95 * math.sqrt(float(slope @ covariance @ slope))
    return Measurement("list_gain", part, value, value - half, value + half, None, None, "good", measured_by(terms))


def measured_by(terms: ListTerms) -> str:
    """The next step of a week's gain: it says by which terms it was measured."""
    most = "with no limit of contacts" if terms.most is None else f"at most {terms.most} contacts"
    by = f"a churner on the list adds {terms.churner:.2f}, a retained customer takes off {terms.retained:.2f}"
    return f"{MEASURED_BY} In it, {by}, {most}."


def money_lost(gains: Sequence[ListGain], horizon_days: int) -> list[Measurement]:
    """What the newest lists of a model earn less than those before them.

    The newest 1, 3, 6 and 12 horizons are each compared with all before; the loss that is surest is the figure.

    Args:
        gains: of the lists of the model, by final labels, in any order.
        horizon_days: of the label; lists within one horizon share their labels, so they count as one.

    Returns:
        the figures ``list_gain_then``, ``list_gain`` and ``money_lost``, in the currency of the settings, per month.
    """
    values, errors = _by_horizon(gains, horizon_days)
    splits = [_Split.of(values, errors, span) for span in SPANS if span < len(values)]
    if not splits:
        then = _gain("list_gain_then", float(values.mean()), float(errors.mean())) if len(values) else None
        return [then or too_little("list_gain_then", "", WAIT), *(too_little(name, "", WAIT) for name in _LATER)]
    surest = max(splits, key=lambda split: (split.then - split.now) / split.error)
    return [
        _gain("list_gain_then", surest.then, surest.then_error),
        _gain("list_gain", surest.now, surest.now_error),
        loss("", surest.then - surest.now, ERRORS_OF_95 * surest.error, surest.now, surest.then, SURE / ERRORS_OF_95),
    ]


_LATER = ("list_gain", "money_lost")


@dataclass(frozen=True)
class _Split:
    """The gain of the earlier and of the newest horizons, and the standard errors of both."""

    then: float
    now: float
    then_error: float
    now_error: float

    @classmethod
    def of(cls, values: Floats, errors: Floats, span: int) -> _Split:
        """``values`` and ``errors`` of each horizon, the newest first, of which ``span`` are new."""
        then = values[span:]
        between = float(then.var(ddof=1) - (errors[span:] ** 2).mean()) if len(then) > 1 else 0.0
        variance = max(between, (LEAST_VARIATION * float(then.mean())) ** 2)
        of_then, of_now = (
            math.sqrt((float((part**2).mean()) + variance) / len(part)) for part in (errors[span:], errors[:span])
        )
        return cls(float(then.mean()), float(values[:span].mean()), of_then, of_now)

    @property
    def error(self) -> float:
        """Standard error of the loss; above 0 where anything is earned."""
        return math.hypot(self.then_error, self.now_error) or math.inf


def _by_horizon(gains: Sequence[ListGain], horizon_days: int) -> tuple[Floats, Floats]:
    """The gain and the standard error of each horizon, counted back from the newest list."""
    newest = max((one.as_of for one in gains), default=date.min)
    places = np.array([(newest - one.as_of).days // horizon_days for one in gains], dtype=np.int64)
    count = np.maximum(np.bincount(places), 1)
    there = np.bincount(places) > 0
    values = np.bincount(places, [one.value for one in gains]) / count
    errors = np.sqrt(np.bincount(places, [one.error**2 for one in gains]) / count)
    return values[there], errors[there]


def _gain(name: str, value: float, error: float) -> Measurement:
    ends = value - ERRORS_OF_95 * error, value + ERRORS_OF_95 * error
    return Measurement(name, "", value, *ends, None, None, "good", MEASURED_BY)


def _log_odds(scores: Floats) -> Floats:
    """1 and the log-odds of each score, shape (rows, 2)."""
    inside = np.clip(scores, _CLIP, 1 - _CLIP)
    return np.column_stack([np.ones(len(scores)), np.log(inside / (1 - inside))])


def _fitted(x: Floats, rows: ScoredRows) -> tuple[Floats, npt.NDArray[np.float64]]:
    """The intercept and slope by which the log-odds fit the labels, and their covariance (Huber's sandwich)."""
    total = float(rows.weights.sum())

    def misfit(beta: Floats) -> tuple[float, Floats]:
        odds = x @ beta
        value = rows.weights @ (np.logaddexp(0, odds) - rows.churned * odds)
        return float(value) / total, (rows.weights * (expit(odds) - rows.churned)) @ x / total

    def curvature(beta: Floats) -> Floats:
        p = expit(x @ beta)
        return np.asarray((x * (rows.weights * p * (1 - p))[:, None]).T @ x / total)

    found = minimize(misfit, np.array([0.0, 1.0]), jac=True, hess=curvature, method="trust-exact")
    residuals = rows.weights * (expit(x @ found.x) - rows.churned)
    inverse = np.linalg.pinv(curvature(found.x) * total)
    return np.asarray(found.x), np.asarray(inverse @ ((x * (residuals**2)[:, None]).T @ x) @ inverse)
