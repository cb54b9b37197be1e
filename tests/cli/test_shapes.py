"""From one file of each shape to a contact list: `init`, `train` and `score`, without an edit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cli.conftest import Churn
from tests.companies.panel import panel

DAY = date(2024, 6, 30)
CUSTOMERS = 400


def policies() -> pd.DataFrame:
    """A row for each customer and month."""
    return panel(CUSTOMERS, 14).drop(columns="leaves")


def subscriptions() -> pd.DataFrame:
    """A start and an end; most who leave do so early."""
    draw = np.random.default_rng(2)
    start = draw.integers(0, 400, CUSTOMERS)
    cheap = draw.random(CUSTOMERS) < 0.5
    end = start + draw.exponential(np.where(cheap, 60, 3000)).astype(int) + 5
    return pd.DataFrame(
        {
            "customer_id": [f"c{who}" for who in range(CUSTOMERS)],
            "created_date": [DAY - timedelta(days=int(500 - day)) for day in start],
            "canceled_date": [DAY - timedelta(days=int(500 - day)) if day < 500 else None for day in end],
            "plan": np.where(cheap, "cheap", "full"),
        }
    )


def accounts() -> pd.DataFrame:
    """A row for each customer, with dates; those who did not log in for long leave."""
    draw = np.random.default_rng(3)
    idle = draw.integers(0, 120, CUSTOMERS)
    left = draw.random(CUSTOMERS) < np.where(idle > 60, 0.7, 0.05)
    return pd.DataFrame(
        {
            "customer_id": [f"c{who}" for who in range(CUSTOMERS)],
            "last_login": [(DAY - timedelta(days=int(days))).strftime("%m/%d/%Y") for days in idle],
            "seats": draw.integers(1, 20, CUSTOMERS),
            "churned": np.where(left, "yes", "no"),
        }
    )


@pytest.mark.parametrize(
    ("made", "options", "reason"),
    [
        pytest.param(policies, (), "calls", id="a row for each customer and month"),
        pytest.param(subscriptions, (), "time as a customer", id="a start and an end"),
        pytest.param(
            accounts, ("--customer", "customer_id", "--label", "churned", "--as-of", DAY), "days since last login",
            id="a row for each customer, with dates",
        ),
    ],
)  # fmt: skip
def test_from_the_file_to_the_list(
    made: Callable[[], pd.DataFrame], options: tuple[object, ...], reason: str, churn: Churn
) -> None:
    made().to_csv("data.csv", index=False)
    assert churn("init", "--from", "data.csv", *options).code == 0
    config = Path("config/config.yaml")
    config.write_text(f"{config.read_text()}decision: {{customer_value: 1000, threshold: 0.1}}\n")
    trained = churn("train", "--model-type", "logistic_regression")
    assert "is live now" in trained.out, trained.out + trained.err
    scored = churn("score", "--json")
    assert scored.code == 0, scored.err
    found = json.loads(scored.out)
    assert found["likely_to_churn"] > 0
    assert reason in str(found["list"])
