"""The rows on which two versions are compared: customers that no version trains on, at enough dates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.pipelines.training.test_set import SplitRule, TrainingData, split

CONTRACT = DataContract.from_dict({"name": "club", "customer": "member", "features": {"visits": {"type": "number"}}})
RULE = SplitRule(0.2, "a secret of the tests")
DATES = 6


def split_of(members: int, churners: float, *, flat: bool = False) -> TrainingData:
    """Of a company with a share of churners at each of six dates."""
    draw = np.random.default_rng(1)
    count = members * (1 if flat else DATES)
    rows = pa.table(
        {
            "member": [f"m{place % members}" for place in range(count)],
            LABEL: pa.array((draw.random(count) < churners).astype(np.int8)),
            "visits": draw.normal(size=count),
        }
    )
    as_of = np.datetime64("2026-01-01") + 30 * (np.arange(count) // members)
    return split(rows, CONTRACT, RULE, None if flat else as_of)


@pytest.mark.parametrize(
    ("members", "tested", "compared"),
    [(20_000, 1, 1), (6_000, 1, 3), (2_000, 3, DATES), (600, DATES, DATES)],
)
def test_the_newest_dates_are_taken_until_300_churners_are_in_or_the_window_ends(
    members: int, tested: int, compared: int
) -> None:
    data = split_of(members, 0.1)
    dates = data.compared.dates
    assert len(dates) == compared
    assert len(data.test_y) / tested == len(data.compared.y) / compared
    churners = [float(data.compared.y[of].sum()) for of in dates]
    assert sum(churners[1:]) < 300
    assert sum(churners) >= 300 or compared == DATES
    assert (data.compared.rows is data.test) == (tested == compared)


def test_no_customer_of_the_comparison_is_trained_on() -> None:
    data = split_of(2_000, 0.1)
    assert data.compared.customers is not None
    assert data.train_groups is not None
    assert not set(data.compared.customers) & set(data.train_groups)
    assert len(data.compared.rows) == len(data.compared.y) == len(data.compared.customers)


def test_of_a_flat_table_the_comparison_takes_the_test_set() -> None:
    data = split_of(2_000, 0.1, flat=True)
    assert data.compared.rows is data.test
    np.testing.assert_array_equal(data.compared.y, data.test_y)
    assert [int(of.sum()) for of in data.compared.dates] == [len(data.test_y)]
