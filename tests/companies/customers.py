"""Made-up customers for tests: small, seeded, and with a label that depends on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from churn_mlops.data.contract import DataContract

CONTRACT = DataContract.from_dict(
    {
        "name": "tests",
        "features": {
            "tenure": {"type": "number", "unit": "months", "min": 0},
            "charges": {"type": "number", "missing_values": ["n/a"]},
            "senior": {"type": "boolean"},
            "plan": {"type": "category", "levels": ["monthly", "yearly", "rare"], "words": "{value} plan"},
            "channel": {"type": "category", "levels": ["web", "shop", "phone"]},
        },
    }
)


def customers(rows: int, seed: int = 0) -> pd.DataFrame:
    """Raw customers as they come: blanks, numbers in text, missing levels, a level that is rare."""
    draw = np.random.default_rng(seed)
    charges = draw.uniform(20, 120, rows).round(2).astype(str).astype(object)
    charges[draw.random(rows) < 0.03] = " "
    charges[draw.random(rows) < 0.02] = "n/a"
    channel = draw.choice(np.array(["web", "shop", "phone", None], dtype=object), rows, p=[0.5, 0.3, 0.15, 0.05])
    return pd.DataFrame(
        {
            "tenure": draw.integers(0, 72, rows),
            "charges": charges,
            "senior": draw.integers(0, 2, rows),
            "plan": draw.choice(["monthly", "yearly", "rare"], rows, p=[0.6, 0.398, 0.002]),
            "channel": channel,
        }
    )


def left(frame: pd.DataFrame, seed: int = 0) -> Any:
    """The churn labels: more likely on a monthly plan, early, and most of all both together."""
    early = np.exp(-frame["tenure"].to_numpy() / 12)
    monthly = (frame["plan"] == "monthly").to_numpy()
    log_odds = -2.5 + 1.0 * monthly + 1.0 * early + 2.0 * monthly * early
    return (np.random.default_rng(seed + 1).random(len(frame)) < 1 / (1 + np.exp(-log_odds))).astype(int)
