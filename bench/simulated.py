"""Made-up churn data of many kinds, each with its true probabilities: for the study of model types."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Simulated:
    """A made-up file: raw customers, who left, and how likely each was to leave."""

    customers: pd.DataFrame
    left: npt.NDArray[np.int64]
    truth: Floats


def _drawn(frame: pd.DataFrame, log_odds: Floats, base: float, draw: np.random.Generator) -> Simulated:
    """Labels from ``log_odds`` shifted so that the mean probability is ``base``."""
    low, high = -30.0, 30.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 / (1 + np.exp(-(log_odds + middle)))).mean() < base else (low, middle)
    truth = 1 / (1 + np.exp(-(log_odds + low)))
    return Simulated(frame, (draw.random(len(truth)) < truth).astype(np.int64), truth)


def _numbers(draw: np.random.Generator, rows: int, columns: int) -> pd.DataFrame:
    return pd.DataFrame({f"x{place}": draw.normal(size=rows).round(4) for place in range(columns)})


def no_interaction(draw: np.random.Generator, rows: int = 8000) -> Simulated:
    """Curves of single features and nothing more."""
    frame = _numbers(draw, rows, 10).assign(plan=draw.choice(["a", "b", "c"], rows))
    log_odds = np.sin(2 * frame.x0) + 0.7 * np.maximum(frame.x1, 0) - 0.5 * frame.x2 + 0.8 * (frame.plan == "c")
    return _drawn(frame, log_odds.to_numpy(), 0.15, draw)


def three_way(draw: np.random.Generator, rows: int = 12000) -> Simulated:
    """Mostly one interaction of three features."""
    frame = _numbers(draw, rows, 8).assign(plan=draw.choice(["a", "b"], rows))
    log_odds = 3.0 * np.sign(frame.x0) * np.sign(frame.x1) * np.sign(frame.x2) + 0.4 * frame.x3
    return _drawn(frame, log_odds.to_numpy(), 0.25, draw)


def weak_signal(draw: np.random.Generator, rows: int = 10000) -> Simulated:
    """Little to find among much noise."""
    frame = _numbers(draw, rows, 20)
    return _drawn(frame, (0.25 * frame.x0 - 0.2 * frame.x1 + 0.15 * frame.x2**2).to_numpy(), 0.08, draw)


def many_levels(draw: np.random.Generator, rows: int = 15000) -> Simulated:
    """A category of 300 levels, each with its own effect, beside numbers."""
    effects = draw.normal(size=300)
    city = draw.zipf(1.3, rows) % 300
    frame = _numbers(draw, rows, 6).assign(city=[f"city {place}" for place in city])
    return _drawn(frame, (effects[city] + 0.5 * frame.x0).to_numpy(), 0.2, draw)


def heavy_missingness(draw: np.random.Generator, rows: int = 8000) -> Simulated:
    """Up to 90 % missing, which itself says something."""
    frame = _numbers(draw, rows, 12)
    log_odds = 0.8 * frame.x0 - 0.6 * frame.x1 + 0.5 * np.tanh(frame.x2)
    for place in range(12):
        gone = draw.random(rows) < 0.9 * (place % 4) / 3
        if place % 4 == 2:
            log_odds = log_odds + 0.5 * gone
        frame.loc[gone, f"x{place}"] = np.nan
    return _drawn(frame, log_odds.to_numpy(), 0.2, draw)


def small(draw: np.random.Generator, rows: int = 300) -> Simulated:
    """300 customers."""
    return no_interaction(draw, rows)


def rare(draw: np.random.Generator, rows: int = 40000) -> Simulated:
    """Half a percent leave."""
    frame = _numbers(draw, rows, 10)
    return _drawn(frame, (1.2 * frame.x0 + 0.8 * frame.x1 * (frame.x2 > 0)).to_numpy(), 0.005, draw)


def wide(draw: np.random.Generator, rows: int = 50000) -> Simulated:
    """50,000 customers of 58 columns: 46 numbers, 12 categories."""
    frame = _numbers(draw, rows, 46)
    for place in range(12):
        frame[f"c{place}"] = draw.choice([f"level {level}" for level in range(2 + 2 * place)], rows)
    log_odds = frame.x0 + 0.5 * frame.x1 * frame.x2 - 0.7 * np.abs(frame.x3) + 0.6 * (frame.c3 == "level 1")
    return _drawn(frame, log_odds.to_numpy(), 0.1, draw)


KINDS: dict[str, Callable[[np.random.Generator], Simulated]] = {
    "no interaction": no_interaction,
    "three-way interaction": three_way,
    "weak signal": weak_signal,
    "many levels": many_levels,
    "heavy missingness": heavy_missingness,
    "300 rows": small,
    "half a percent": rare,
    "50,000 x 58": wide,
}
