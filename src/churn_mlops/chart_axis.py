"""Axes of charts: round values that a scale begins and ends with, for pages and for printed reports."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """A scale from its first tick to its last.

    Args:
        ticks: round values in even steps, ascending, at least two.
        digits: decimals that distinguish the ticks.
    """

    ticks: tuple[float, ...]
    digits: int

    def share(self, value: float) -> float:
        """The place of ``value`` on the scale: 0 at the first tick, 1 at the last."""
        return (value - self.ticks[0]) / (self.ticks[-1] - self.ticks[0])


def axis(values: Iterable[float], steps: int = 4) -> Axis:
    """The scale that holds all ``values``.

    Args:
        values: finite, at least one.
        steps: most even steps that the span of the values is divided into; up to two more make the ends round.
    """
    found = list(values)
    low, high = min(found), max(found)
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-9):
        margin = abs(low) / 10 or 1.0
        low, high = low - margin, high + margin
    step = _step((high - low) / steps)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    digits += round(step * 10**digits, 6) != round(step * 10**digits)  # a step of 0.25 has two decimals
    return Axis(tuple(round(number * step, 12) for number in range(first, last + 1)), digits)


def _step(least: float) -> float:
    """The smallest round step from ``least`` on."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * step for step in _STEPS if power * step >= least * (1 - 1e-9))
