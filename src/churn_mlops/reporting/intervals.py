"""Intervals of shares and of curves."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.reporting.report_data import Figure

Z = 1.959963984540054


def share_of(count: float, rows: float) -> Figure:
    """A share with its 95 % interval (Wilson 1927), which is honest near 0 and 1 and for few rows."""
    share = count / rows
    centre = share + Z * Z / (2 * rows)
    half = Z * math.sqrt(share * (1 - share) / rows + Z * Z / (4 * rows * rows))
    scale = 1 + Z * Z / rows
    return Figure(value=share, low=max(0.0, (centre - half) / scale), high=min(1.0, (centre + half) / scale))


def at_least(figure: Figure, own: Figure) -> Figure:
    """``figure`` with an interval that covers that of ``own``, too: where all or none left, redrawing has no width."""
    return Figure(value=figure.value, low=min(figure.low, own.low), high=max(figure.high, own.high))


def scaled(figure: Figure, factor: float) -> Figure:
    """``figure`` times ``factor``, which is above 0."""
    return Figure(value=figure.value * factor, low=figure.low * factor, high=figure.high * factor)


def banded(values: Floats, replicates: npt.NDArray[np.float64]) -> list[Figure]:
    """Each value with the middle 95 % of its replicates, shape (replicates, values); NaN counts as not drawn."""
    low, high = np.nanpercentile(replicates, [2.5, 97.5], axis=0)
    return [
        Figure(value=float(value), low=float(min(a, value)), high=float(max(b, value)))
        for value, a, b in zip(values, low, high, strict=True)
    ]
