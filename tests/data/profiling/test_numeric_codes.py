"""Whole numbers that count nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.profiling.numeric_codes import names_rows
from churn_mlops.data.profiling.table_profile import profile_table
from churn_mlops.data.sources.dataframes import table_of_frame


@pytest.mark.parametrize("rows", [60, 3_000])
def test_infinite_values_among_distinct_whole_numbers_change_nothing(rows: int) -> None:
    numbers = np.arange(rows, dtype="float64")
    numbers[:2] = np.inf, -np.inf
    frame = pd.DataFrame({"tall": numbers, "small": np.arange(rows) % 14})
    tall, small = profile_table(table_of_frame(frame)).columns
    assert names_rows(tall)
    assert not names_rows(small)
    assert tall.infinite == 2
