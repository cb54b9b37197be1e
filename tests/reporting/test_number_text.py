"""How a report says numbers."""

from __future__ import annotations

from churn_mlops.reporting.number_text import rows_of, step_text


def test_rows_are_customers_unless_each_has_several() -> None:
    assert rows_of(20, 20) == "20\u00a0customers"
    assert rows_of(63, 20) == "63\u00a0rows of 20\u00a0customers"


def test_a_step_that_ends_at_one_has_its_unit_in_the_singular() -> None:
    assert step_text(None, 1, "months") == "up to 1 month"
    assert step_text(1, 5, "months") == "1 to 5 months"
    assert step_text(1, None, "GB") == "over 1 GB"
    assert step_text(None, 1, "kbps") == "up to 1 kbps"
