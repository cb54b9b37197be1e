"""How a report says numbers."""

from __future__ import annotations

from churn_mlops.reporting.words import rows_of


def test_rows_are_customers_unless_each_has_several() -> None:
    assert rows_of(20, 20) == "20\u00a0customers"
    assert rows_of(63, 20) == "63\u00a0rows of 20\u00a0customers"
