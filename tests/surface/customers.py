"""A few made-up customers, the same on every machine, with a feature of every type, required and optional."""

from __future__ import annotations

import math
import random
from typing import Any

from churn_mlops.data.contract import DataContract

ROWS = 200
CONTRACT = {
    "version": 1,
    "name": "surface",
    "customer": "customer_id",
    "label": {"column": "churned", "positive": "yes", "negative": "no", "horizon_days": 30},
    "features": {
        "tenure": {"type": "number", "unit": "months", "min": 0},
        "charges": {"type": "number", "unit": "USD/month", "missing": 0.2, "min": 0},
        "senior": {"type": "boolean"},
        "plan": {"type": "category", "levels": ["monthly", "yearly"], "words": "{value} plan"},
        "channel": {"type": "category", "levels": ["phone", "shop", "web"], "required": False, "missing": 0.5},
    },
    "set_aside": {"churn_reason": {"reason": "by_choice", "note": "known only afterwards"}},
}


def contract() -> DataContract:
    """The contract of the customers."""
    return DataContract.from_dict(CONTRACT)


def customers() -> tuple[list[dict[str, Any]], list[float]]:
    """Customers, and for each 1 where they left, else 0."""
    draw = random.Random(1)
    rows = [_customer(draw) for _ in range(ROWS)]
    return rows, [float(draw.random() < _hazard(row)) for row in rows]


def _customer(draw: random.Random) -> dict[str, Any]:
    return {
        "tenure": draw.randrange(72),
        "charges": None if draw.random() < 0.05 else round(20 + 100 * draw.random(), 2),
        "senior": draw.random() < 0.3,
        "plan": "monthly" if draw.random() < 0.6 else "yearly",
        "channel": draw.choice(["phone", "shop", "web", None]),
    }


def _hazard(row: dict[str, Any]) -> float:
    early, monthly = math.exp(-row["tenure"] / 12), row["plan"] == "monthly"
    return 1 / (1 + math.exp(1.5 - monthly - 2 * early * monthly - early))
