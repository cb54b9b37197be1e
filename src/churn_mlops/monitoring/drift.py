"""Drift: whether today's scores are spread as those of the training data."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from churn_mlops.monitoring.measurement import Measurement, Status, too_little

WATCH, ACT = 0.1, 0.25
"""The usual bounds of the population stability index (Siddiqi 2006)."""
FEWEST = 200
_EMPTY = 1e-4  # share of a step without customers, whose logarithm would be infinite


def score_drift(
    scores: npt.NDArray[np.float64], cuts: Sequence[float], shares: Sequence[float], part: str
) -> Measurement:
    """The population stability index: the sum of (p - q) log(p / q) over the steps of the training scores.

    Args:
        scores: of all active customers, shape (customers,).
        cuts: edges between the steps, ascending; a score at an edge belongs to the step below it.
        shares: of the training rows in each step and one for missing scores, one or two more than ``cuts``.
        part: the as-of date.
    """
    if len(scores) < FEWEST:
        return too_little("score_drift", part, f"Wait: drift needs {FEWEST} customers.", denominator=len(scores))
    counts = np.bincount(np.searchsorted(cuts, scores, side="left"), minlength=len(shares))
    now = np.maximum(counts / len(scores), _EMPTY)
    then = np.maximum(np.asarray(shares), _EMPTY)
    steps = (counts > 0) | (np.asarray(shares) > 0)
    index = float(((now - then) * np.log(now / then))[steps].sum())
    status: Status = "act" if index >= ACT else "watch" if index >= WATCH else "good"
    step = {
        "good": "Nothing to do: the scores are spread as in training.",
        "watch": "Look which features changed, and whether the source is loaded as before.",
        "act": "Check the source first; train again if the change is real.",
    }[status]
    return Measurement("score_drift", part, index, None, None, None, len(scores), status, step)
