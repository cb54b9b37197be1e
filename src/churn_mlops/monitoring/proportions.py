"""Intervals of one share, and of the difference of two."""

from __future__ import annotations

import math

Z = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def share_interval(count: float, of: float) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which is honest near 0 and 1 and for few customers.

    Args:
        count: from 0 to ``of``.
        of: above 0.
    """
    share = count / of
    centre = share + Z * Z / (2 * of)
    half = Z * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    scale = 1 + Z * Z / of
    # At 0 and 1 the ends are exact: what rounding leaves of them would be above a share of 0.
    return (
        max(0.0, (centre - half) / scale) if count else 0.0,
        min(1.0, (centre + half) / scale) if count < of else 1.0,
    )


def difference_interval(count: float, of: float, other: float, of_other: float) -> tuple[float, float]:
    """The 95 % interval of ``count / of - other / of_other``, of two independent groups.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions", method 10: it joins
    the Wilson intervals of the two shares. It keeps its coverage where no one or everyone stayed, as the usual normal
    interval does not.

    Args:
        count: from 0 to ``of``.
        of: above 0.
        other: from 0 to ``of_other``.
        of_other: above 0.
    """
    first, second = count / of, other / of_other
    low, high = share_interval(count, of)
    other_low, other_high = share_interval(other, of_other)
    difference = first - second
    return (
        max(-1.0, difference - math.hypot(first - low, other_high - second)),
        min(1.0, difference + math.hypot(high - first, second - other_low)),
    )
