"""Made-up databases with a history: one that is sound, and the faults that are put into it."""

from __future__ import annotations

from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from churn_mlops.data.sources import memory_connection

Frames = dict[str, pd.DataFrame]
DAY = np.timedelta64(1, "D")


def shop(customers: int = 300) -> Frames:
    """A sound database: customers with an end, orders and tickets within their time, articles that are ordered."""
    rng = np.random.default_rng(7)
    start = np.datetime64("2023-01-01") + rng.integers(0, 300, customers) * DAY
    left = rng.random(customers) < 0.4
    end = np.where(left, start + rng.integers(100, 400, customers) * DAY, np.datetime64("NaT"))
    names = np.array([f"K{number:05}" for number in 10_000 + rng.permutation(customers)])
    last = np.where(left, end, np.datetime64("2024-12-31"))
    who = rng.integers(0, customers, 3000)
    at = start[who] + (rng.random(3000) * ((last[who] - start[who]) / DAY)).astype(int) * DAY
    asked = rng.integers(0, customers, 400)
    opened = start[asked] + (rng.random(400) * ((last[asked] - start[asked]) / DAY)).astype(int) * DAY
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": names,
                "signup_date": start,
                "cancelled_at": end,
                "country": rng.choice(["DE", "FR"], customers),
            }
        ),
        "orders": pd.DataFrame(
            {
                "order_id": [f"O{place:06}" for place in range(3000)],
                "customer_id": names[who],
                "ordered_at": at,
                "article": [f"{number:05}" for number in rng.integers(10_000, 10_400, 3000)],
                "quantity": rng.integers(1, 9, 3000),
                "recorded_at": at + rng.integers(0, 3, 3000) * DAY,
            }
        ),
        "tickets": pd.DataFrame(
            {
                "ticket_id": [f"T{place:06}" for place in range(400)],
                "customer_id": names[asked],
                "submitted_at": opened,
                "closed_at": opened + rng.integers(0, 5, 400) * DAY,
                "priority": rng.choice(["low", "high"], 400),
                "urgent_flag": rng.choice(["TRUE", "FALSE"], 400),
            }
        ),
    }


def tables(frames: Frames) -> dict[str, ir.Table]:
    """The database in the engine."""
    connection = memory_connection()
    return {
        name: connection.create_table(name, pa.Table.from_pandas(frame, preserve_index=False))
        for name, frame in frames.items()
    }


def write_folder(frames: Frames, folder: Path) -> Path:
    """The database as CSV files."""
    folder.mkdir()
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder
