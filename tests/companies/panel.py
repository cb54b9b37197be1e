"""A made-up panel: a row for each customer and period, with a reason to leave that lasts for some rows."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

FIRST = date(2023, 1, 1)


def panel(customers: int = 600, periods: int = 18, months: int = 1, seed: int = 3) -> pd.DataFrame:
    """Rows of ``member_id`` and ``period_start`` with attributes; who leaves has no row in the next period.

    A row has the truth, too: ``leaves`` is 1 in the last row of a customer who leaves. Customers join over time.
    """
    draw, rows = np.random.default_rng(seed), []
    for who in range(customers):
        first = int(draw.integers(0, periods - 3)) if who % 2 else 0
        plan, spend, unhappy = ("basic", "plus")[who % 2], float(draw.gamma(4, 10)), False
        for place in range(first, periods):
            unhappy = bool(draw.random() < (0.8 if unhappy else 0.08))
            calls = int(draw.poisson(3.0 if unhappy else 0.3))
            spend = max(1.0, spend + float(draw.normal(0, 2)))
            leaves = draw.random() < (0.2 if unhappy else 0.01)
            rows.append(
                {
                    "member_id": f"M{who:04}",
                    "period_start": start_of(place, months),
                    "plan": plan,
                    "spend": round(spend, 2),
                    "calls": calls,
                    "joined_on": start_of(first, months) - timedelta(days=who % 20),
                    "leaves": int(leaves),
                }
            )
            if leaves:
                break
    return pd.DataFrame(rows)


def start_of(place: int, months: int) -> date:
    """The first day of a period of so many months."""
    month = place * months
    return date(FIRST.year + month // 12, 1 + month % 12, 1)
