"""The list: its columns, and how many reasons it gives."""

from __future__ import annotations

REASONS = 3


OWN_COLUMNS = frozenset({"rank", "score", "risk_band", "will_churn", "action", "expected_gain"})


def customer_column(customer: str | None) -> str:
    """The column that names customers in a list, by what the contract calls it; None where it has no such column."""
    # A company may call its customers by a word that the list needs for itself.
    return "customer" if customer in OWN_COLUMNS else customer or "row"
