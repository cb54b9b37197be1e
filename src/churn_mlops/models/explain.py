"""Contributions in points of probability, and in plain words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from churn_mlops.data.contract import DAYS_OF_UNIT, TRUE_TEXTS, DataContract, Feature, level_text, unit_of
from churn_mlops.features.cells import is_missing


class Reason(NamedTuple):
    """The contribution of one feature to a score.

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
        base: probability where every contribution is zero.
        reasons: in the order of :func:`order_of_reasons`.
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


def order_of_reasons(points: Sequence[int]) -> list[int]:
    """Places of ``points`` in the order in which a person reads them.

    First those that move the score to where it is, above or below the base, the largest first; then those against it.
    """
    side = -1 if sum(points) < 0 else 1
    return sorted(range(len(points)), key=lambda place: (points[place] * side <= 0, -abs(points[place]), place))


def wording(contract: DataContract, feature: str) -> Callable[[Any, int], str]:
    """The function that puts one reason of ``feature`` into plain words: (the customer's value, points) -> text."""
    declared = contract.features[feature]
    title = contract.title_of(feature)
    unit = declared.unit if not declared.words else None
    template = declared.words or (f"{title}: {{value}}" if declared.type == "boolean" else f"{title} {{value}}")
    before, _, after = template.partition("{value}")
    named = declared.unit if declared.unit and after.startswith(f" {declared.unit}") else ""

    def text(value: Any, points: int) -> str:
        if is_missing(value, declared):
            subject = f"{title} not known"
        else:
            shown = _shown(value, declared)
            counted = _counted(shown, unit or named) if unit or named else shown
            subject = f"{before}{counted}{after.removeprefix(f' {named}') if named else after}"
        return f"{subject}: {points:+d} {'point' if points in (1, -1) else 'points'}"

    return text


def _counted(number: str, unit: str) -> str:
    """A number with its unit; a time of 0 months is less than one."""
    if number == "0" and unit in DAYS_OF_UNIT and unit != "days":
        return f"less than a {unit_of('1', unit)}"
    return f"{number} {unit_of(number, unit)}"


def _shown(value: Any, feature: Feature) -> str:
    if feature.type == "boolean":
        return "yes" if level_text(value).lower() in TRUE_TEXTS else "no"
    if feature.type == "category":
        return feature.level_of(level_text(value)).replace("_", " ")
    # A text such as "45 GB" holds the unit, which the reason names anyway.
    number = feature.number_format.number_in(value) if isinstance(value, str) else value
    return level_text(_rounded(number, feature.unit) if isinstance(number, float) else number)


def _rounded(number: float, unit: str | None) -> float:
    """As a person says a number: times to tenths, others to hundredths, and below 1 to three digits that count."""
    if number == 0 or not math.isfinite(number):
        return number
    if unit in DAYS_OF_UNIT:
        return round(number, 1)
    return round(number, 2 if abs(number) >= 1 else 2 - math.floor(math.log10(abs(number))))
