"""The effect of each feature, in points around the average customer."""

from __future__ import annotations

import math
from typing import Any

import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.reporting.effects import effects, interplays
from churn_mlops.reporting.report_data import Effect

CONTRACT = DataContract.from_dict(
    {
        "name": "t",
        "features": {
            "age": {"type": "number", "unit": "years"},
            "senior": {"type": "boolean"},
            "plan": {"type": "category", "levels": ["a", "b"], "title": "The plan"},
        },
    }
)
BASE = math.log(0.2 / 0.8)


def curve(values: list[Any], rows: list[int], **name: Any) -> dict[str, Any]:
    return name | {"values": values, "errors": [None if value is None else 0.1 for value in values], "rows": rows}


LEARNT: dict[str, Any] = {
    "curves": {
        "age": curve([0.5, None, -0.5, 0.0, 0.2], [100, 3, 100, 100, 5], cuts=[10.0, 20.0, 30.0]),
        "senior": curve([-0.1, 0.4, None, None], [300, 50, 0, 0], cuts=[0.0, 1.0]),
        "plan": curve([0.0, 1.0, None, 0.3], [200, 12, 0, 30], levels=["a", "b", "(other)", "(missing)"]),
    },
    "importances": {"age": 0.1, "senior": 0.05, "plan": 0.3},
    "pairs": [{"first": "age", "second": "plan", "strength": 0.2}, {"first": "age", "second": "senior", "strength": 0}],
}


@pytest.fixture(scope="module")
def found() -> dict[str, Effect]:
    return {effect.feature: effect for effect in effects(CONTRACT, LEARNT, BASE)}


def test_the_most_important_feature_comes_first(found: dict[str, Effect]) -> None:
    assert list(found) == ["plan", "age", "senior"]
    assert found["plan"].title == "The plan"


def test_points_are_what_a_value_adds_to_the_average_customers_score(found: dict[str, Effect]) -> None:
    figure = found["age"].cells[0].points
    after = 1 / (1 + math.exp(-(BASE + 0.5)))
    assert figure.value == pytest.approx(100 * (after - 0.2))
    low, high = (1 / (1 + math.exp(-(BASE + 0.5 + sign * 1.959964 * 0.1))) for sign in (-1, 1))
    assert (figure.low, figure.high) == pytest.approx((100 * (low - 0.2), 100 * (high - 0.2)), abs=1e-4)


def test_a_step_without_customers_counts_to_the_next(found: dict[str, Effect]) -> None:
    assert [(cell.low, cell.high) for cell in found["age"].cells] == [(None, 10), (10, 30), (30, None)]
    assert all(cell.kind == "step" for cell in found["age"].cells)  # too few are missing to be shown


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([1, 100, 100, 100], [(None, 20, 101), (20, 30, 100), (30, None, 100)]),
        ([100, 5, 14, 100], [(None, 10, 100), (10, None, 119)]),
        ([100, 100, 100, 1], [(None, 10, 100), (10, 20, 100), (20, None, 101)]),
        ([5, 4, 3, 2], []),
    ],
    ids=["first", "middle", "last", "all"],
)
def test_a_step_of_few_customers_is_joined_with_its_neighbour(
    rows: list[int], expected: list[tuple[float | None, float | None, int]]
) -> None:
    values = [0.5, -0.5, 0.0, 0.2, None]
    learnt = LEARNT | {"curves": {"age": curve(values, [*rows, 0], cuts=[10.0, 20.0, 30.0])}}
    age = next(effect for effect in effects(CONTRACT, learnt, BASE) if effect.feature == "age")
    assert [(cell.low, cell.high, cell.rows) for cell in age.cells] == expected


def test_joined_steps_say_the_mean_over_their_customers() -> None:
    both = LEARNT | {"curves": {"age": curve([1.0, 0.0, None], [10, 30, 0], cuts=[10.0])}}
    few = effects(CONTRACT, both, BASE)[1].cells[0].points
    after = 1 / (1 + math.exp(-(BASE + 1.0)))
    assert few.value == pytest.approx(100 * (after - 0.2) / 4)
    assert few.low < few.value < few.high


def test_a_yes_or_no_has_two_levels(found: dict[str, Effect]) -> None:
    assert [(cell.text, cell.rows) for cell in found["senior"].cells] == [("no", 300), ("yes", 50)]


def test_a_yes_or_no_that_the_curve_does_not_distinguish_is_not_drawn() -> None:
    learnt = LEARNT | {"curves": {"senior": curve([0.1, None, 0.2], [300, 0, 40], cuts=[1.0])}}
    senior = next(effect for effect in effects(CONTRACT, learnt, BASE) if effect.feature == "senior")
    assert [cell.kind for cell in senior.cells] == ["missing"]
    assert not senior.has_curve


def test_a_rare_level_is_not_shown(found: dict[str, Effect]) -> None:
    assert [(cell.kind, cell.text) for cell in found["plan"].cells] == [("level", "a"), ("missing", "")]


def test_pairs_that_do_nothing_are_left_out() -> None:
    assert [(pair.first, pair.second) for pair in interplays(CONTRACT, LEARNT)] == [("age", "The plan")]
