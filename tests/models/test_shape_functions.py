"""The shape functions of a model: curves with their uncertainty, importances, pairs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.models.shape_functions import _jackknife_variance, quantile_cuts


def numbers(rows: int, seed: int = 0) -> tuple[pd.DataFrame, DataContract]:
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({name: draw.normal(size=rows).round(3) for name in "abc"})
    return frame, DataContract.from_dict({"name": "t", "features": {name: {"type": "number"} for name in "abc"}})


def drawn(log_odds: pd.Series, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))).astype(int)


def test_every_cell_has_a_value_an_error_and_its_rows(model: ChurnModel, raw: pd.DataFrame) -> None:
    learnt = model.bundle_.learnt
    assert list(learnt["curves"]) == list(model.bundle_.contract.features)
    for curve in learnt["curves"].values():
        cells = len(curve["cuts"]) + 2 if "cuts" in curve else len(curve["levels"])
        assert len(curve["values"]) == len(curve["errors"]) == len(curve["rows"]) == cells
        assert sum(curve["rows"]) == len(raw)
        for value, error, rows in zip(curve["values"], curve["errors"], curve["rows"], strict=True):
            assert (value is None) == (error is None)
            assert rows > 0 or value is None
            assert error is None or error >= 0


def test_importances_are_mean_absolute_contributions(model: ChurnModel, raw: pd.DataFrame) -> None:
    rows = raw.iloc[:600]
    expected = np.abs(model.predictor.contributions(rows)).mean(axis=0)
    found = np.array(list(model.bundle_.learnt["importances"].values()))
    np.testing.assert_allclose(found, expected, rtol=0.25, atol=0.03)


def test_a_curve_is_the_mean_contribution_of_its_rows(model: ChurnModel, raw: pd.DataFrame) -> None:
    place = list(model.bundle_.contract.features).index("plan")
    curve = model.bundle_.learnt["curves"]["plan"]
    rows = raw.iloc[:1000]
    contributions = model.predictor.contributions(rows)[:, place]
    for level, value in zip(curve["levels"], curve["values"], strict=True):
        of_level = (rows["plan"] == level).to_numpy()
        if of_level.sum() > 100:
            assert contributions[of_level].mean() == pytest.approx(value, abs=0.1)


@pytest.mark.parametrize("model_type", ["logistic_regression", "additive_boosting"])
def test_the_truth_lies_within_the_error_of_a_curve(model_type: str) -> None:
    outside, cells = 0, 0
    for seed in range(3):
        frame, contract = numbers(3000, seed)
        y = drawn(0.8 * frame.a - 0.3 * frame.b - 1, seed)
        learnt = ChurnModel(model_type, contract=contract, seed=seed).fit(frame, y).bundle_.learnt
        edges = np.array([-np.inf, *learnt["curves"]["a"]["cuts"], np.inf])
        means = [frame.a[(frame.a > low) & (frame.a <= high)].mean() for low, high in pairwise(edges)]
        curve = learnt["curves"]["a"]
        for value, error, mean in zip(curve["values"], curve["errors"], means, strict=False):
            cells += 1
            outside += abs(value - 0.8 * (mean - frame.a.mean())) > 3 * error + 0.05
    assert cells == 60
    assert outside <= 6


def test_fewer_customers_make_a_curve_less_certain() -> None:
    errors = {}
    for rows in (500, 8000):
        frame, contract = numbers(rows)
        learnt = ChurnModel("logistic_regression", contract=contract).fit(frame, drawn(frame.a - 1)).bundle_.learnt
        errors[rows] = np.mean([error for error in learnt["curves"]["a"]["errors"] if error is not None])
    assert errors[500] > 2 * errors[8000]


@pytest.mark.parametrize("model_type", ["additive_boosting", "boosting"])
def test_the_pair_that_acts_together_is_the_strongest(model_type: str) -> None:
    frame, contract = numbers(4000, seed=1)
    y = drawn(2.0 * np.sign(frame.a * frame.c) - 0.3)
    pairs = ChurnModel(model_type, contract=contract).fit(frame, y).bundle_.learnt["pairs"]
    assert {pairs[0]["first"], pairs[0]["second"]} == {"a", "c"}
    assert all(pairs[0]["strength"] > 3 * pair["strength"] for pair in pairs[1:])


def test_a_regression_has_no_pairs() -> None:
    frame, contract = numbers(500)
    bundle = ChurnModel("logistic_regression", contract=contract).fit(frame, drawn(frame.a)).bundle_
    assert bundle.learnt["pairs"] == []


@given(st.lists(st.integers(0, 30), min_size=1, max_size=200), st.integers(2, 20))
def test_no_step_of_a_curve_is_empty(values: list[int], steps: int) -> None:
    known = np.array(values, dtype=float)
    cuts = quantile_cuts(np.append(known, np.nan), steps)
    assert len(cuts) < steps
    assert np.bincount(np.searchsorted(cuts, known), minlength=len(cuts) + 1).min() > 0


def test_the_error_of_a_mean_is_that_of_a_textbook() -> None:
    values = np.random.default_rng(3).normal(size=1000)
    groups = values.reshape(10, 100)
    without = [np.array([np.delete(groups, place, axis=0).mean()]) for place in range(10)]
    # The mean of ten groups has the variance of the groups' means over ten.
    expected = groups.mean(axis=1).var(ddof=1) / 10
    assert _jackknife_variance(without)[0] == pytest.approx(expected)
