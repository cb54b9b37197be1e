"""When the company's database learnt of a thing: mostly the same day, sometimes days, rarely weeks later."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from churn_mlops.data.demo_company.months import Days

Timestamps = npt.NDArray[np.int64]
"""Microseconds since 1970."""
REPORTING_DELAY = 7
"""Days until an end is in the database, at the latest."""
_DAY = 86_400
_MORNING, _EVENING = 8 * 3600, 20 * 3600  # the same day in every time zone near the company's own


def recorded(draw: np.random.Generator, days: Days, late: float = 0.03, very_late: float = 0.003) -> Timestamps:
    """A timestamp on each of ``days``; for a share ``late`` 1 to 6 days later, for ``very_late`` two to four weeks."""
    fate = draw.random(len(days))
    delay = np.where(fate < late + very_late, draw.integers(1, 7, len(days)), 0)
    delay = np.where(fate < very_late, draw.integers(14, 29, len(days)), delay)
    return _timestamps(draw, days.astype(np.int64) + delay)


def recorded_on_time(days: Days) -> Timestamps:
    """A timestamp on the morning of each of ``days``: what a system writes by itself is never late."""
    return np.asarray((days.astype(np.int64) * _DAY + _MORNING) * 1_000_000)


def reported(draw: np.random.Generator, days: Days) -> Timestamps:
    """The times when ends were recorded: within :data:`REPORTING_DELAY` days, more than half on the same day."""
    delay = np.minimum(draw.geometric(0.6, len(days)) - 1, REPORTING_DELAY - 1)
    return _timestamps(draw, days.astype(np.int64) + delay)


def _timestamps(draw: np.random.Generator, days: Timestamps) -> Timestamps:
    return np.asarray((days * _DAY + draw.integers(_MORNING, _EVENING, len(days))) * 1_000_000)
