"""LightGBM's text: joined without loss, and refused where LightGBM would crash on it."""

from __future__ import annotations

import re

import lightgbm
import numpy as np
import pytest

from churn_mlops.models.tree_text import check, merged, with_log_odds_leaves

FEATURES = 3


def boosted(seed: int, **given: object) -> tuple[lightgbm.Booster, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.normal(size=2000), draw.integers(0, 6, 2000), draw.exponential(size=2000)])
    y = (x[:, 0] * (x[:, 1] == 2) + x[:, 2] + draw.normal(size=2000) > 1.5).astype(float)
    x[draw.random(2000) < 0.1, 0] = np.nan
    parameters = {"objective": "binary", "num_leaves": 8, "verbose": -1, "num_threads": 1, **given}
    return lightgbm.train(parameters, lightgbm.Dataset(x, y, categorical_feature=[1]), 30), x, y


@pytest.fixture(scope="module")
def text() -> str:
    return str(boosted(1)[0].model_to_string())


def test_joined_models_score_the_weighted_sum_of_each() -> None:
    (first, x, _), (second, _, _) = boosted(1), boosted(2)
    both = lightgbm.Booster(model_str=merged([b.model_to_string() for b in (first, second)], [0.25, 2.0]))
    expected = 0.25 * first.predict(x, raw_score=True) + 2.0 * second.predict(x, raw_score=True)
    np.testing.assert_allclose(both.predict(x, raw_score=True), expected, rtol=0, atol=1e-12)


def test_contributions_of_joined_models_are_the_weighted_sum_of_each() -> None:
    (first, x, _), (second, _, _) = boosted(1), boosted(2)
    both = lightgbm.Booster(model_str=merged([b.model_to_string() for b in (first, second)], [0.5, 0.5]))
    expected = 0.5 * (first.predict(x[:50], pred_contrib=True) + second.predict(x[:50], pred_contrib=True))
    np.testing.assert_allclose(both.predict(x[:50], pred_contrib=True), expected, rtol=0, atol=1e-9)


def test_a_joined_model_that_is_joined_again_is_the_same() -> None:
    booster, x, _ = boosted(1)
    again = merged([merged([booster.model_to_string()], [1.0])], [1.0])
    scores = lightgbm.Booster(model_str=again).predict(x, raw_score=True)
    np.testing.assert_allclose(scores, booster.predict(x, raw_score=True), rtol=0, atol=1e-12)


def test_leaves_of_a_forest_hold_the_log_odds_of_their_own_rows() -> None:
    forest = {"boosting": "rf", "bagging_fraction": 0.9, "bagging_freq": 1, "min_data_in_leaf": 50}
    booster, x, y = boosted(1, **forest)
    single = lightgbm.Booster(model_str=with_log_odds_leaves(booster.model_to_string(num_iteration=1), y.mean(), 1e-9))
    leaf = booster.predict(x, pred_leaf=True, num_iteration=1)
    leaf = leaf if leaf.ndim == 1 else leaf[:, 0]
    scores = single.predict(x, raw_score=True)
    for place in np.unique(leaf):
        rows = leaf == place
        share = 1 / (1 + np.exp(-scores[rows][0]))
        assert share == pytest.approx(y[rows].mean(), abs=0.08)  # a tenth of the rows was not drawn


def test_a_leaf_of_leavers_alone_is_drawn_towards_the_base_rate() -> None:
    forest = {"boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1, "min_data_in_leaf": 1, "num_leaves": 127}
    booster, x, y = boosted(1, **forest)
    scores = [
        lightgbm.Booster(model_str=with_log_odds_leaves(booster.model_to_string(), y.mean(), weight)).predict(
            x, raw_score=True
        )
        for weight in (1.0, 100.0)
    ]
    assert np.isfinite(scores[0]).all()
    assert scores[1].std() < 0.7 * scores[0].std()


def test_what_lightgbm_wrote_passes(text: str) -> None:
    check(text, FEATURES)
    check(merged([text], [0.5]), FEATURES)
    forest = {"boosting": "rf", "bagging_fraction": 0.6, "bagging_freq": 1}
    check(with_log_odds_leaves(boosted(1, **forest)[0].model_to_string(), 0.3, 1.0), FEATURES)


def changed(text: str, field: str, to: str) -> str:
    """``text`` with the first number of ``field`` replaced, in the first tree where that changes anything."""
    head, trees = text.split("\nTree=0", 1)
    return f"{head}\nTree=0" + re.sub(rf"^{field}=(?!{to}$)\S+", f"{field}={to}", trees, count=1, flags=re.MULTILINE)


@pytest.mark.parametrize(
    ("field", "to"),
    [
        ("num_leaves", "9"), ("num_leaves", "-1"), ("num_leaves", "1000000000"), ("split_feature", "3"),
        ("split_feature", "-1"), ("split_feature", "0.5"), ("left_child", "0"), ("left_child", "99"),
        ("right_child", "-99"), ("leaf_value", "nan"), ("leaf_value", "inf"), ("leaf_value", "x"), ("threshold", "nan"),
        ("num_cat", "7"), ("num_cat", "0"), ("cat_boundaries", "5"), ("cat_threshold", "-4"), ("is_linear", "1"),
        ("decision_type", "99999"),
    ],
)  # fmt: skip
def test_a_tree_that_would_crash_lightgbm_is_refused(text: str, field: str, to: str) -> None:
    with pytest.raises(ValueError, match=r"tree \d+ is not one"):
        check(changed(text, field, to), FEATURES)


def test_trees_of_another_number_of_features_or_classes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="features"):
        check(text, FEATURES + 1)
    with pytest.raises(ValueError, match="log-odds"):
        check(text.replace("objective=binary", "objective=regression"), FEATURES)
