"""Reasons in words that a person would say."""

from __future__ import annotations

from typing import Any

import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.models.explain import order_of_reasons, wording

CONTRACT = DataContract.from_dict(
    {
        "name": "tests",
        "features": {
            "tenure": {"type": "number", "unit": "months"},
            "usage": {"type": "number", "unit": "GB"},
            "plan": {"type": "category", "levels": ["a_b"]},
        },
    }
)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (2.529774127310062, "2.53"),
        (0.21428571428571427, "0.214"),
        (0.0000123456, "1.23e-05"),
        (1234.5678, "1234.57"),
        (-3.999, "-4"),
        (12, "12"),
        (0.0, "0"),
        (58.5, "58.5"),
    ],
)
def test_numbers_are_written_to_hundredths_or_three_digits(value: Any, said: str) -> None:
    assert wording(CONTRACT, "usage")(value, 3) == f"usage {said} GB: +3 points"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "less than a month"),
        (0.03, "less than a month"),
        (0.131, "0.1 months"),
        (3.3812, "3.4 months"),
        (1.04, "1 month"),
        (126.03, "126 months"),
        (12, "12 months"),
    ],
)
def test_a_time_is_written_to_tenths_and_one_of_it_in_the_singular(value: float, said: str) -> None:
    declared = CONTRACT.model_dump() | {
        "features": {"tenure": {"type": "number", "unit": "months", "words": "{value} months with us"}}
    }
    assert wording(DataContract.from_dict(declared), "tenure")(value, 3) == f"{said} with us: +3 points"
    assert wording(CONTRACT, "tenure")(value, 3) == f"tenure {said}: +3 points"


def test_levels_are_written_as_they_are() -> None:
    assert wording(CONTRACT, "plan")("a_b", -1) == "plan a b: -1 point"


def test_one_of_a_unit_is_written_in_the_singular() -> None:
    assert wording(CONTRACT, "tenure")(1, 2) == "tenure 1 month: +2 points"
    assert wording(CONTRACT, "tenure")(1.5, 2) == "tenure 1.5 months: +2 points"


@pytest.mark.parametrize(
    ("points", "order"),
    [
        ([5, -12, 30, 0], [2, 0, 1, 3]),
        ([5, -12, -30, 0], [2, 1, 0, 3]),
        ([5, -5, 0], [0, 1, 2]),
        ([], []),
    ],
)
def test_the_reasons_that_move_the_score_to_where_it_is_come_first(points: list[int], order: list[int]) -> None:
    assert order_of_reasons(points) == order
