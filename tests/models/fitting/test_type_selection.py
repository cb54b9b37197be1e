"""``auto``: the simplest type that is not worse than the best beyond noise, and what that costs."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.models.calibration import sigmoid
from churn_mlops.models.fitting.inputs import Fitted
from churn_mlops.models.fitting.type_selection import Excess, choose_type, compare_types, in_words
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Axis
from tests.companies.customers import CONTRACT, customers, left

EMPTY = AdditiveTables(0.0, (Axis("a", np.empty(0)),), (np.zeros(2),))


def scored(log_odds: np.ndarray) -> Fitted:
    return Fitted(EMPTY, ((EMPTY,),), log_odds, 1, "")


def found(**excesses: tuple[float, float]) -> dict[str, Excess]:
    return {name: Excess(0.4 + excess, excess, error) for name, (excess, error) in excesses.items()}


def test_the_first_within_one_standard_error_of_the_best_is_taken() -> None:
    noise = found(logistic_regression=(0.01, 0.002), additive_boosting=(0.001, 0.002), boosting=(0.0, 0.0))
    assert choose_type(noise) == "additive_boosting"
    clear = found(logistic_regression=(0.01, 0.002), additive_boosting=(0.003, 0.002), boosting=(0.0, 0.0))
    assert choose_type(clear) == "boosting"
    simple = found(logistic_regression=(0.0, 0.0), additive_boosting=(0.001, 0.002), boosting=(0.002, 0.001))
    assert choose_type(simple) == "logistic_regression"


def test_the_error_is_that_of_the_difference_row_for_row() -> None:
    draw = np.random.default_rng(1)
    truth = draw.normal(-1, 2, 4000)
    y = (draw.random(4000) < sigmoid(truth)).astype(float)
    compared = compare_types({"a": scored(truth + draw.normal(0, 0.2, 4000)), "b": scored(truth)}, y)
    assert compared["b"].excess == compared["b"].error == 0.0
    # Two scores that are nearly alike differ by little in every row: their difference is known far better than each.
    assert 0 < compared["a"].error < 0.2 * y.std() / np.sqrt(4000)
    assert compared["a"].excess > 2 * compared["a"].error


def test_types_are_compared_under_their_calibration() -> None:
    draw = np.random.default_rng(2)
    truth = draw.normal(-1, 1, 20_000)
    y = (draw.random(20_000) < sigmoid(truth)).astype(float)
    compared = compare_types({"sure": scored(0.5 + 1.5 * truth), "right": scored(truth)}, y)
    assert abs(compared["sure"].log_loss - compared["right"].log_loss) < 1e-4


def test_the_cost_or_gain_of_the_chosen_type_is_reported() -> None:
    costs = found(
        logistic_regression=(0.2, 0.01), additive_boosting=(0.1, 0.01), random_forest=(0.05, 0.01), boosting=(0.0, 0.0)
    )
    assert in_words(costs, "boosting") == (
        "boosting has the lowest out-of-fold log loss. "
        "Its log loss is 0.05000 (11 %) lower (better) than that of random_forest, the best other. "
        "That of additive_boosting, the best glass box, would be 0.10000 (25 %) higher (worse)."
    )
    gains = found(
        logistic_regression=(0.2, 0.01), additive_boosting=(0.0, 0.0), random_forest=(0.05, 0.01), boosting=(0.1, 0.01)
    )
    said = "Its log loss is 0.05000 (11 %) lower (better) than that of random_forest, the best other."
    assert in_words(gains, "additive_boosting").endswith(said)


def test_a_type_chosen_for_its_simplicity_is_reported_with_its_cost_against_the_best() -> None:
    near = found(
        logistic_regression=(0.01, 0.02), additive_boosting=(0.0, 0.0), random_forest=(0.1, 0.01), boosting=(0.05, 0.01)
    )
    assert in_words(near, "logistic_regression") == (
        "logistic_regression is the simplest within one standard error of the best, additive_boosting. "
        "Its log loss is 0.01000 (2.5 %) higher (worse) than that of additive_boosting, the best other."
    )


def drawn(log_odds: pd.Series, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(log_odds)) < sigmoid(log_odds.to_numpy())).astype(int)


def test_auto_takes_boosting_on_an_interaction_of_three_and_says_what_the_glass_box_costs() -> None:
    draw = np.random.default_rng(3)
    frame = pd.DataFrame({name: draw.normal(size=2500).round(3) for name in "abcd"})
    contract = DataContract.from_dict({"name": "t", "features": {name: {"type": "number"} for name in "abcd"}})
    y = drawn(3 * np.sign(frame.a * frame.b * frame.c) - 0.5, 4)
    bundle = ChurnModel("auto", contract=contract, seed=1).fit(frame, y).bundle_
    assert bundle.model_type == "boosting"
    compared = bundle.training["chosen"]["auto"]
    assert compared["chosen"] == "boosting"
    assert compared["types"]["additive_boosting"]["excess"] > 3 * compared["types"]["additive_boosting"]["error"]
    assert re.search(
        r"That of \w+, the best glass box, would be 0\.\d+ \(\d+ %\) higher \(worse\)", compared["sentence"]
    )


def test_auto_is_the_type_that_it_chose_with_a_little_more_caution_for_the_choice() -> None:
    frame = customers(1500)
    chosen = ChurnModel("auto", contract=CONTRACT, seed=1).fit(frame, left(frame)).bundle_
    alone = ChurnModel(chosen.model_type, contract=CONTRACT, seed=1).fit(frame, left(frame)).bundle_
    inputs = chosen.engineer.transform(customers(100, seed=8))
    by_auto, by_itself = chosen.model.log_odds(inputs), alone.model.log_odds(inputs)
    slope, intercept = np.polyfit(by_itself, by_auto, 1)
    assert 0.9 < slope < 1.0
    np.testing.assert_allclose(by_auto, intercept + slope * by_itself, atol=1e-9)
    assert set(chosen.training["chosen"]["auto"]["types"]) == {
        "logistic_regression", "additive_boosting", "random_forest", "boosting",
    }  # fmt: skip


@pytest.mark.parametrize("model_type", ["auto", "logistic_regression", "additive_boosting", "boosting"])
def test_with_many_rows_the_choice_is_made_on_some_and_fitted_on_all(model_type: str) -> None:
    frame = customers(3000)
    model = ChurnModel(model_type, contract=CONTRACT, seed=1, settings_cells=1000 * len(CONTRACT.features)).fit(
        frame, left(frame)
    )
    training = model.bundle_.training
    assert training["rows"] == 3000
    assert training["chosen"]["rows_chosen_on"] == pytest.approx(1000, abs=10)
    assert "log_loss_of_candidates" in training["chosen"]
    scores = model.predict_proba(frame)[:, 1]
    assert scores.mean() == pytest.approx(left(frame).mean(), rel=0.05)
