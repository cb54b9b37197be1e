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


def test_amounts_of_several_currencies_are_not_added_up() -> None:
    amount, currency = np.where(np.arange(400) % 2, 30.0, 1000.0), np.where(np.arange(400) % 2, "EUR", "JPY")
    proposal = propose_history(tables({"orders": orders(amount=amount, currency=currency)}), name="shop")
    found = [finding.message for finding in proposal.findings if finding.kind == "customer_value"]
    assert found
    assert not any("2,344.00" in message for message in found), "92 of 30 EUR and 91 of 1,000 JPY"


def test_without_a_column_of_amounts_quantity_times_price_is_taken() -> None:
    found = said(orders(quantity=np.arange(400) % 3 + 1, unit_price=np.full(400, 2.5)))
    assert "sum of quantity times unit_price of 40 customers" in found["orders.unit_price"]


def test_the_price_of_a_whole_row_is_not_multiplied_by_the_quantity_again() -> None:
    quantity = np.arange(400) % 3 + 1
    frame = orders(total_price=quantity * 2.5, unit_price=2.5 + np.arange(400) % 2, quantity=quantity)
    assert "sum of total_price of 40 customers" in said(frame)["orders.total_price"]
    features = propose_history(tables({"orders": frame}), name="shop").contract.features
    assert features["total_price_so_far"].sum == "orders.total_price"
    assert features["unit_price_mean_90d"].mean == "orders.unit_price"


@pytest.mark.parametrize("column", ["minutes", "rating"])
def test_other_numbers_are_no_money(column: str) -> None:
    assert said(orders(**{column: np.arange(400) % 7 + 1.0})) == {}


@pytest.mark.parametrize("column", ["dollar_value", "total"])
def test_other_words_for_money_count_if_the_amounts_are_written_as_money(column: str) -> None:
    found = said(orders(**{column: np.where(np.arange(400) % 2, 30.25, 9.99)}))
    assert found[f"orders.{column}"].startswith("a customer brought 92.30 on average")  # (92 x 30.25 + 91 x 9.99) / 40
    assert said(orders(**{column: np.arange(400) % 7 + 1})) == {}


def test_amounts_of_an_unknown_name_are_asked_about() -> None:
    found = said(orders(ticket=np.where(np.arange(400) % 2, 30.25, 9.99)))
    assert found["orders.ticket"].startswith("is ticket what a customer paid? Then a customer brought 92.30 on average")


@pytest.mark.parametrize("column", ["discount", "rating", "weight", "minutes", "measured"])
def test_other_numbers_with_decimals_are_no_money(column: str) -> None:
    values = np.arange(400) / 7 if column == "measured" else np.where(np.arange(400) % 2, 30.25, 9.99)
    assert said(orders(**{column: values})) == {}


PAID = np.where(np.arange(400) % 2, 30.0, 10.0)
STATUS = np.where(np.arange(400) % 4 == 0, "Cancelled", "Completed")


def test_orders_that_were_cancelled_bring_nothing() -> None:
    found = said(orders(amount=PAID, **{"Order Status": STATUS}))["orders.amount"]
    # Of 183 orders in the last year, 45 of 10 are cancelled, so 92 of 30 and 46 of 10 are left; 40 customers made them.
    assert found.startswith("a customer brought 80.50 on average")
    assert "sum of amount where Order Status is Completed of 40 customers" in found
    assert "in the currency of the data; with Cancelled, 91.75" in found


def test_beside_a_status_of_unknown_words_both_values_are_named() -> None:
    status = np.where(np.arange(400) % 4 == 1, "zeta", STATUS)
    found = said(orders(amount=PAID, status=status))["orders.amount"]
    assert found.startswith("a customer brought 91.75 on average")
    assert "in the currency of the data; without Cancelled, 80.50" in found
