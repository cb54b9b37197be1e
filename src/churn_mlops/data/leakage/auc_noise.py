"""How well a single column ranks churners before retained customers, and how much of that is chance."""

from __future__ import annotations

import math

import numpy as np

from churn_mlops.data.leakage.labelled_rows import Labelled
from churn_mlops.data.leakage.univariate import Codes, Floats, auc_of

HONEST_AUC = 0.88
"""The AUC that strong but honest features reach, such as usage that drops before churn."""


def noise_of(auc: float, left: int, stayed: int) -> float:
    """Standard error of an area under the ROC curve.

    Source: Hanley and McNeil, The meaning and use of the area under a ROC curve, Radiology 143 (1982), with the
    worst case of their exponential model.
    """
    if min(left, stayed) < 1:
        return math.inf
    one, two = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = auc * (1 - auc) + (left - 1) * (one - auc**2) + (stayed - 1) * (two - auc**2)
    return math.sqrt(max(spread, 1e-12) / (left * stayed))


def beyond_honest(auc: float, rows: Labelled) -> float:
    """By how many standard errors ``auc`` lies above what honest features reach."""
    return (auc - HONEST_AUC) / noise_of(HONEST_AUC, *rows.counts)


def rates(codes: Codes, label: Floats, fit: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    """For each row, the churn rate at its code among the rows of ``fit``, drawn a little to the mean."""
    size = int(codes.max(initial=0)) + 1
    mean = label[fit].mean()
    rows = np.bincount(codes[fit], minlength=size)
    left = np.bincount(codes[fit], weights=label[fit], minlength=size)
    return np.asarray(((left + 5 * mean) / (rows + 5))[codes])


def association(codes: Codes, label: Floats) -> float:
    """The standard errors by which churners are spread over the codes more unevenly than by chance (chi-square)."""
    rows = np.bincount(codes)
    left = np.bincount(codes, weights=label)
    rate = label.mean()
    expected = rows * rate
    usable = expected > 0
    spread = float(np.sum((left - expected)[usable] ** 2 / (expected[usable] * (1 - rate))))
    free = max(int(usable.sum()) - 1, 1)
    return (spread - free) / math.sqrt(2 * free)


def auc_within_dates(score: Floats, rows: Labelled) -> float:
    """The area under the ROC curve within each date, weighted by its churners; NaN where no date has both classes.

    An effect that moves all customers of a date alike, such as a season, does not change it.
    """
    total = weight = 0.0
    for date in rows.dates:
        here = rows.as_of == date
        label = rows.label[here]
        left = int(label.sum())
        if 0 < left < label.size:
            total += left * auc_of(score[here], label)
            weight += left
    return total / weight if weight else math.nan
