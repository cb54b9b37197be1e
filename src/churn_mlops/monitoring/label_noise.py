"""How far a metric may lie from what the scores expect, by the draw of the labels alone.

If each customer leaves with the probability of their score, the realised metric differs from the expected one by
chance. To the first order its variance is the sum over the rows of p (1 - p) times the square of the metric's
derivative by that row's label: the delta method, at the expected labels.
"""

from __future__ import annotations

import numpy as np

from churn_mlops.models.metrics import log_losses
from churn_mlops.monitoring.weighted_metrics import Floats, Ranked, sum_below


def label_noise(ranked: Ranked) -> dict[str, float]:
    """The standard deviation of AUC, log loss and top decile lift, if the scores are calibrated.

    Args:
        ranked: the labels are the scores; churners and retained customers are expected.
    """
    slopes = {"auc": _auc(ranked), "log_loss": _log_loss(ranked), "top_decile_lift": _lift(ranked)}
    spread = ranked.scores * (1 - ranked.scores)
    return {name: float(np.sqrt(spread @ slope**2)) for name, slope in slopes.items()}


def _auc(ranked: Ranked) -> Floats:
    """A churner more adds the pairs with retained customers below them, and takes those with churners above them."""
    gone, kept = ranked.weights * ranked.y, ranked.weights * (1 - ranked.y)
    pairs = sum_below(kept, ranked.ties) - (gone.sum() - sum_below(gone, ranked.ties))
    return np.asarray(ranked.weights * (pairs - ranked.auc() * (kept.sum() - gone.sum())) / (gone.sum() * kept.sum()))


def _log_loss(ranked: Ranked) -> Floats:
    left, stayed = (log_losses(np.full_like(ranked.scores, label), ranked.scores) for label in (1.0, 0.0))
    return np.asarray(ranked.weights * (left - stayed) / ranked.weights.sum())


def _lift(ranked: Ranked) -> Floats:
    churners, top = ranked.churners, ranked.top
    rate = float(top @ ranked.y / top.sum())
    return np.asarray((top / top.sum() - rate * ranked.weights / churners) * ranked.weights.sum() / churners)
