"""What a customer brings in a year is read from the amounts in the data, and offered as the value of a customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.proposal.history_proposal import propose_history
from tests.data.proposal.databases import tables


def orders(**columns: Any) -> pd.DataFrame:
    """400 orders of 40 customers over 800 days, 10 in each 20 days."""
    place = np.arange(400)
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta(place * 2, unit="D")
    return pd.DataFrame({"customer_id": [f"C{one % 40:03}" for one in place], "ordered_at": day, **columns})


def said(frame: pd.DataFrame) -> dict[str | None, str]:
    proposal = propose_history(tables({"orders": frame}), name="shop")
    return {finding.column: finding.message for finding in proposal.findings if finding.kind == "customer_value"}


def test_the_amounts_of_the_last_year_by_customer_are_named() -> None:
    found = said(orders(amount=np.where(np.arange(400) % 2, 30.0, 10.0)))
    # Of 183 orders in the last 365 days, 92 are of 30 and 91 of 10; 40 customers made them.
    assert found["orders.amount"].startswith("a customer brought 91.75 on average from 2024-03-10 to 2025-03-09")
    assert "decision.customer_value is 500 USD until you set it" in found["orders.amount"]


def test_without_a_column_of_amounts_quantity_times_price_is_taken() -> None:
    found = said(orders(quantity=np.arange(400) % 3 + 1, unit_price=np.full(400, 2.5)))
    assert "sum of quantity times unit_price of 40 customers" in found["orders.unit_price"]


@pytest.mark.parametrize("column", ["minutes", "rating"])
def test_other_numbers_are_no_money(column: str) -> None:
    assert said(orders(**{column: np.arange(400) % 7 + 1.0})) == {}
