"""Whether scores can be taken at face value: overall by bins of scores, and in groups of customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from scipy.stats import norm

from churn_mlops.data.contract import DataContract
from churn_mlops.models.scorers.lookup_tables import Axis, Floats
from churn_mlops.reporting.intervals import share_of
from churn_mlops.reporting.number_text import level_words, step_words
from churn_mlops.reporting.report_data import SMALLEST_GROUP, Bin, Segment

BINS = 10
STEPS = 5
"""Steps that a number is divided into."""
FALSE_DISCOVERIES = 0.05


def calibration_bins(y: Floats, scores: Floats) -> tuple[Bin, ...]:
    """Customers in order of their scores, in up to 10 bins of as many each, none of fewer than 20."""
    bins = np.array_split(np.argsort(scores, kind="stable"), max(1, min(BINS, len(y) // SMALLEST_GROUP)))
    return tuple(
        Bin(
            customers=len(rows),
            expected=float(scores[rows].mean()),
            observed=share_of(float(y[rows].sum()), len(rows)),
        )
        for rows in bins
    )


def segments(
    contract: DataContract,
    levels: Mapping[str, tuple[str, ...]],
    reference: Mapping[str, Any],
    inputs: Floats,
    y: Floats,
    scores: Floats,
) -> tuple[Segment, ...]:
    """Every level and step of every feature with at least 20 customers, the most doubtful first.

    Each is tested by the exact mean, variance and skewness of the number of churners that its scores expect; which are
    beyond chance is settled for all together (Benjamini and Hochberg 1995, 5 % false discoveries).

    Args:
        contract: declares the features.
        levels: learnt of each category.
        reference: of the bundle, whose steps of a number are taken.
        inputs: of the model, shape (rows, features).
        y: 1 where the customer left, else 0, shape (rows,).
        scores: churn probabilities, shape (rows,).
    """
    found = []
    for title, text, rows in _groups(contract, levels, reference, inputs):
        if rows.sum() >= SMALLEST_GROUP:
            found.append((title, text, rows, p_value(float(y[rows].sum()), scores[rows])))
    found.sort(key=lambda group: group[3])
    limit = discoveries([group[3] for group in found])
    return tuple(
        Segment(
            title=title,
            text=text,
            customers=int(rows.sum()),
            expected=float(scores[rows].mean()),
            observed=share_of(float(y[rows].sum()), float(rows.sum())),
            p_value=p,
            misjudged=place < limit,
        )
        for place, (title, text, rows, p) in enumerate(found)
    )


def discoveries(p_values: list[float]) -> int:
    """How many of the sorted ``p_values`` stand out, at 5 % false discoveries (Benjamini and Hochberg 1995)."""
    passing = [place for place, p in enumerate(p_values, 1) if p <= FALSE_DISCOVERIES * place / len(p_values)]
    return max(passing, default=0)


def p_value(left: float, scores: Floats) -> float:
    """Two-sided p-value of ``left`` churners if each customer left with the probability of their score.

    By the normal distribution refined by the skewness, with a correction for whole numbers (Hong 2013, "On computing
    the distribution function for the Poisson binomial distribution").
    """
    mean, variance = float(scores.sum()), float((scores * (1 - scores)).sum())
    if variance <= 0:
        return 1.0 if abs(left - mean) < 0.5 else 0.0
    deviation = variance**0.5
    skewness = float((scores * (1 - scores) * (1 - 2 * scores)).sum()) / deviation**3

    def at_most(count: float) -> float:
        x = (count + 0.5 - mean) / deviation
        return float(np.clip(norm.cdf(x) + skewness * (1 - x * x) * norm.pdf(x) / 6, 0, 1))

    return min(1.0, 2 * min(at_most(left), 1 - at_most(left - 1)))


def _groups(
    contract: DataContract, levels: Mapping[str, tuple[str, ...]], reference: Mapping[str, Any], inputs: Floats
) -> Iterator[tuple[str, str, np.ndarray[Any, np.dtype[np.bool_]]]]:
    """Title, value in words and rows of each group, empty ones among them."""
    for place, (name, feature) in enumerate(contract.features.items()):
        title, values = contract.title_of(name), inputs[:, place]
        if feature.type == "category":
            texts = [*map(level_words, levels[name]), "other", "not known"]
            axis = Axis(name, None, levels[name])
        elif feature.type == "boolean":
            texts, axis = ["no", "yes", "not known"], Axis(name, np.array([0.5]))
        else:
            axis = Axis(name, _coarse(np.asarray(reference["features"][name]["cuts"], dtype=np.float64)))
            texts = [*step_words(axis.cuts, feature.unit), "not known"]
        cells = axis.cells(values)
        for cell, text in enumerate(texts):
            yield title, text, cells == cell


def _coarse(cuts: Floats) -> Floats:
    """About four of ``cuts``, which are the deciles that differ."""
    if len(cuts) < STEPS:
        return cuts
    return np.asarray(cuts[np.unique(np.linspace(0, len(cuts) - 1, STEPS + 1).round().astype(int)[1:-1])])
