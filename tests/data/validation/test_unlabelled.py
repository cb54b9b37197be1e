"""Rows without a label that lie apart from all customers who stayed are noticed at training."""

from __future__ import annotations

import pyarrow as pa

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.validation.unlabelled import unlabelled_apart

CONTRACT = DataContract.from_dict(
    {
        "name": "c",
        "features": {
            "tenure": {"type": "number", "column": "months"},
            "plan": {"type": "category", "levels": ["old", "new"]},
        },
    }
)


def rows(tenure: list[float | None], plan: list[str], label: list[int]) -> pa.Table:
    levels = pa.array(plan).dictionary_encode()
    return pa.table({"tenure": pa.array(tenure, pa.float64()), "plan": levels, LABEL: pa.array(label, pa.int8())})


KNOWN = rows(
    [float(1 + place % 40) for place in range(400)], ["old"] * 400, [int(place % 40 < 3) for place in range(400)]
)
"""All who have been there for three months or less have left."""


def newcomers(count: int, tenure: float | None = 2.0, plan: str = "old") -> pa.Table:
    return rows([tenure] * count, [plan] * count, [0] * count)


def test_newcomers_without_a_label_lie_below_all_who_stayed() -> None:
    (found,) = unlabelled_apart(KNOWN, newcomers(50), CONTRACT)
    assert (found.severity, found.column, found.rule, found.rows) == ("warning", "months", "unlabelled_apart", 50)
    assert "50 of 50 rows without a label have a value below 4" in found.advice


def test_a_level_that_no_one_who_stayed_has_counts_too() -> None:
    (found,) = unlabelled_apart(KNOWN, newcomers(30, tenure=None, plan="new"), CONTRACT)
    assert (found.column, found.rows) == ("plan", 30)
    assert "'new'" in found.advice


def test_rows_like_those_who_stayed_and_few_rows_raise_no_warning() -> None:
    assert unlabelled_apart(KNOWN, newcomers(50, tenure=20.0), CONTRACT) == ()
    assert unlabelled_apart(KNOWN, newcomers(19), CONTRACT) == ()
    mixed = pa.concat_tables([newcomers(30), newcomers(170, tenure=20.0)])
    assert unlabelled_apart(KNOWN, mixed, CONTRACT) == ()  # 15 %
