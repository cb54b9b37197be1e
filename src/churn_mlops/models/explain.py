"""Contributions in points of probability, and in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from churn_mlops.data.contract import TRUE_TEXTS, DataContract, level_text
from churn_mlops.features.cells import is_missing


@dataclass(frozen=True)
class Reason:
    """What one feature adds to a score.

    Args:
        feature: its name in the contract.
        value: the customer's own value, None where it is missing.
        points: percentage points of probability, rounded; the points of all features add up to the rounded p - p0.
        text: in plain words, such as "month-to-month contract: +21 points".
    """

    feature: str
    value: Any
    points: int
    text: str


@dataclass(frozen=True)
class Explanation:
    """A score with its reasons.

    Args:
        probability: of churn, in (0, 1).
        base: probability where every contribution is nought.
        reasons: the largest first.
    """

    probability: float
    base: float
    reasons: tuple[Reason, ...]


def points_per_log_odds(probability: float, base: float, log_odds: float, base_log_odds: float) -> float:
    """Points of probability for each unit of log-odds: (p - p0) / (logit p - logit p0), at the limit p0 (1 - p0)."""
    difference = log_odds - base_log_odds
    if abs(difference) < 1e-6:
        return 100.0 * base * (1.0 - base)
    return 100.0 * (probability - base) / difference


def whole_points(shares: Sequence[float], total: float) -> list[int]:
    """``shares`` as whole numbers that add up to the rounded ``total`` (largest remainder)."""
    floors = [math.floor(share) for share in shares]
    left = math.floor(total + 0.5) - sum(floors)
    order = sorted(range(len(shares)), key=lambda place: floors[place] - shares[place])
    for place in order[:left] if left >= 0 else order[left:]:
        floors[place] += 1 if left >= 0 else -1
    return floors


def words(contract: DataContract, feature: str, value: Any, points: int) -> str:
    """One reason in plain words."""
    declared = contract.features[feature]
    title = contract.title_of(feature)
    if is_missing(value, declared):
        subject = f"{title} not known"
    elif declared.words:
        subject = declared.words.replace("{value}", level_text(value).replace("_", " "))
    elif declared.type == "boolean":
        yes = level_text(value).lower() in TRUE_TEXTS
        subject = f"{title}: {'yes' if yes else 'no'}"
    else:
        unit = f" {declared.unit}" if declared.unit else ""
        subject = f"{title} {level_text(value).replace('_', ' ')}{unit}"
    return f"{subject}: {points:+d} {'point' if abs(points) == 1 else 'points'}"
