"""A column that is filled in afterwards, by rows whose label is not known yet."""

from __future__ import annotations

import numpy as np

from churn_mlops.data.leakage.absent_at_scoring import gone_when_needed
from churn_mlops.data.leakage.labelled_rows import Column, Labelled

CUSTOMERS = 400


def _rows(left: np.ndarray) -> Labelled:
    """As many customers at each of twelve dates; ``left`` says of each date whether a fifth of them left."""
    label = (np.tile(np.arange(CUSTOMERS) % 5 == 0, 12) & np.repeat(left, CUSTOMERS)).astype(np.int8)
    dates = np.repeat(np.arange("2025-01", "2026-01", dtype="datetime64[M]").astype("datetime64[D]"), CUSTOMERS)
    return Labelled(label, np.arange(label.size), dates)


def _codes(rows: Labelled, of_churners: float) -> Column:
    """1 where a customer left, else of three values."""
    values = np.where(rows.label == 1, of_churners, 2.0 + np.arange(rows.label.size) % 3)
    return Column("status", values, numeric=True)


def test_values_that_only_churners_have_and_no_row_without_a_label_are_found() -> None:
    rows = _rows(np.ones(12, dtype=bool))
    now = Column("status", 2.0 + np.arange(CUSTOMERS) % 3, numeric=True)
    found = gone_when_needed(_codes(rows, 1.0), rows, now)
    assert found is not None
    assert found.message.startswith("values that 100% of churners have, and 20.0% of all, stand at 0.0%")


def test_latest_dates_without_a_churner_say_nothing_of_what_churners_have() -> None:
    rows = _rows(np.arange(12) < 2)
    now = Column("status", 2.0 + np.arange(CUSTOMERS) % 3, numeric=True)
    assert gone_when_needed(_codes(rows, 1.0), rows, now) is None


def test_a_column_that_is_the_same_for_all_customers_of_each_date_is_not_filled_in_afterwards() -> None:
    rows = _rows(np.ones(12, dtype=bool))
    months = np.repeat(np.arange(12.0), CUSTOMERS)  # the age of one cohort
    now = Column("tenure", np.full(CUSTOMERS, 12.0), numeric=True)
    assert gone_when_needed(Column("tenure", months, numeric=True), rows, now) is None
    filled = Column("tenure", months + np.arange(rows.label.size) % 7, numeric=True)
    assert gone_when_needed(filled, rows, now) is not None
