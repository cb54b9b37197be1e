"""The money that lists earn by final labels, week by week.

A list holds few customers: at 100,000 customers and by the defaults of the decision, chance alone moves what their
labels say of a month's gain by 13 %. So the log-odds of the scores are fitted to the labels of all customers (Platt,
1999), and the list earns by those probabilities, which moves by 8 %.

The control group stands for the treated customers by its weight. Another draw of it would hold others, so the interval
takes that too (Horvitz and Thompson, 1952).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from churn_mlops.monitoring.accuracy import ScoredRows
from churn_mlops.monitoring.measurement import Measurement, too_little
from churn_mlops.monitoring.money.lists import ListTerms, is_enough, listed_weights
from churn_mlops.monitoring.weighted_metrics import Floats

ERRORS_OF_95 = 1.96
"""Standard errors from the middle of a 95 % interval to its ends."""
MEASURED_BY = "Nothing to do: the loss is measured by it."
WAIT = "Wait: this needs final labels of lists that this model made, from two times."
NO_CONTROL_GROUP = "Draw a control group: without it, no one shows what the customers of this list would have done."
_CLIP = 1e-6
_EXACT = {"gtol": 1e-9}
"""The default of 1e-4 ends too early where few customers leave."""


def week_gain(rows: ScoredRows, terms: ListTerms, part: str) -> Measurement:
    """The gain of a month's lists like that of one date, by final labels.

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
    gains = terms.gains(p)
    value = scale * float(listed @ gains)
    slope = scale * (terms.churner + terms.retained) * ((listed * p * (1 - p)) @ x)
    drawn = scale**2 * float(listed**2 @ ((1 - 1 / final.weights) * gains**2))  # who is in the control group
    half = ERRORS_OF_95 * math.sqrt(float(slope @ covariance @ slope) + drawn)
    return Measurement("list_gain", part, value, value - half, value + half, None, None, "good", measured_by(terms))


def measured_by(terms: ListTerms) -> str:
    """The next step of a week's gain: it says by which terms it was measured."""
    share = 100 * min(1.0, terms.reach)
    most = "with no limit of contacts" if terms.most is None else f"at most {share:.6g} % of the customers"
    by = f"a churner on the list adds {terms.churner:.6g}, a retained customer takes off {terms.retained:.6g}"
    return f"{MEASURED_BY} In it, {by}, {most}."


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

    found = minimize(misfit, np.array([0.0, 1.0]), jac=True, hess=curvature, method="trust-exact", options=_EXACT)
    residuals = rows.weights * (expit(x @ found.x) - rows.churned)
    inverse = np.linalg.pinv(curvature(found.x) * total)
    return np.asarray(found.x), np.asarray(inverse @ ((x * (residuals**2)[:, None]).T @ x) @ inverse)
