"""Trees as arrays: to LightGBM and back without loss, and refused where LightGBM would crash on them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest

from churn_mlops.models.scorers.lightgbm_text import read_trees, tree_from_plain, with_log_odds_leaves, write_text
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble, combined

FEATURES = 3
FOREST = {"boosting": "rf", "bagging_fraction": 0.9, "bagging_freq": 1, "min_data_in_leaf": 50}


def boosted(seed: int, **given: object) -> tuple[lightgbm.Booster, np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    x = np.column_stack([draw.normal(size=2000), draw.integers(0, 40, 2000), draw.exponential(size=2000)])
    y = (x[:, 0] * (x[:, 1] % 3 == 2) + x[:, 2] + draw.normal(size=2000) > 1.5).astype(float)
    x[draw.random(2000) < 0.1, 0] = np.nan
    parameters = {"objective": "binary", "num_leaves": 8, "verbose": -1, "num_threads": 1, "min_data_per_group": 20}
    return lightgbm.train({**parameters, **given}, lightgbm.Dataset(x, y, categorical_feature=[1]), 30), x, y


def ensemble(booster: lightgbm.Booster) -> TreeEnsemble:
    trees, constant = read_trees(booster.model_to_string())
    return TreeEnsemble(tuple(trees), FEATURES, constant)


def test_what_lightgbm_reads_again_scores_and_explains_alike() -> None:
    booster, x, _ = boosted(1)
    again = ensemble(booster)
    np.testing.assert_allclose(again.log_odds(x), booster.predict(x, raw_score=True), rtol=0, atol=1e-12)
    shap = booster.predict(x[:200], pred_contrib=True)
    np.testing.assert_allclose(again.contributions(x[:200]), shap[:, :-1], rtol=0, atol=1e-9)
    assert again.intercept == pytest.approx(shap[0, -1], abs=1e-9)
    assert any(len(tree.cat_threshold) for tree in again.trees)


def test_a_split_of_missing_from_all_numbers_goes_into_a_file() -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(3000, FEATURES))
    x[draw.random(3000) < 0.7, 0] = np.nan
    y = (np.isnan(x[:, 0]) + 0.3 * x[:, 1] + draw.normal(size=3000) > 0.7).astype(float)
    booster = lightgbm.train({"objective": "binary", "num_leaves": 2, "verbose": -1}, lightgbm.Dataset(x, y), 80)
    assert re.search(r"^threshold=inf$", booster.model_to_string(), re.MULTILINE)
    again = ensemble(booster)
    json.dumps([tree.to_plain() for tree in again.trees], allow_nan=False)
    np.testing.assert_allclose(again.log_odds(x), booster.predict(x, raw_score=True), rtol=0, atol=1e-12)


def test_combined_models_score_the_weighted_sum_of_each() -> None:
    (first, x, _), (second, _, _) = boosted(1), boosted(2)
    both = combined([ensemble(first), ensemble(second)], 0.25)
    expected = 0.25 * (first.predict(x, raw_score=True) + second.predict(x, raw_score=True))
    np.testing.assert_allclose(both.log_odds(x), expected, rtol=0, atol=1e-12)


def test_trees_that_never_split_are_a_constant() -> None:
    x = np.zeros((100, FEATURES))
    y = np.r_[np.ones(30), np.zeros(70)]
    booster = lightgbm.train({"objective": "binary", "verbose": -1}, lightgbm.Dataset(x, y), 3)
    constant = ensemble(booster)
    assert constant.trees == ()
    np.testing.assert_allclose(constant.log_odds(x), booster.predict(x, raw_score=True), atol=1e-12)
    assert (constant.contributions(x) == 0).all()
    assert constant.intercept == pytest.approx(np.log(3 / 7))


def test_leaves_of_a_forest_hold_the_log_odds_of_their_own_rows() -> None:
    booster, x, y = boosted(1, **FOREST)
    trees, _ = read_trees(booster.model_to_string(num_iteration=1))
    single = TreeEnsemble(tuple(with_log_odds_leaves(trees, y.mean(), 1e-9)), FEATURES)
    leaf = np.ravel(booster.predict(x, pred_leaf=True, num_iteration=1))
    scores = single.log_odds(x)
    for place in np.unique(leaf):
        rows = leaf == place
        share = 1 / (1 + np.exp(-scores[rows][0]))
        assert share == pytest.approx(y[rows].mean(), abs=0.08)  # a tenth of the rows was not drawn


def test_a_leaf_of_churners_alone_is_drawn_towards_the_base_rate() -> None:
    booster, x, y = boosted(1, **{**FOREST, "min_data_in_leaf": 1, "num_leaves": 127})
    trees, _ = read_trees(booster.model_to_string())
    spread = [
        TreeEnsemble(tuple(with_log_odds_leaves(trees, y.mean(), weight)), FEATURES).log_odds(x).std()
        for weight in (1.0, 100.0)
    ]
    assert spread[1] < 0.7 * spread[0]


@pytest.fixture(scope="module")
def plain() -> dict[str, Any]:
    """A tree with a split by categories and one by a number, as plain data."""
    trees, _ = read_trees(boosted(1)[0].model_to_string())
    return next(
        tree.to_plain() for tree in trees if len(tree.cat_threshold) and len(set(tree.decision_type.tolist())) > 1
    )


def test_plain_data_and_back_is_the_same_tree(plain: dict[str, Any]) -> None:
    again = tree_from_plain(json.loads(json.dumps(plain)), FEATURES)
    assert again.to_plain() == plain
    assert write_text([again], FEATURES) == write_text([tree_from_plain(plain, FEATURES)], FEATURES)


def put(field: str, value: object, place: int = 0) -> Callable[[dict[str, Any]], None]:
    return lambda tree: tree[field].__setitem__(place, value)


@pytest.mark.parametrize(
    "change",
    [
        put("split_feature", 3), put("split_feature", -1), put("split_feature", 0.5), put("split_feature", True),
        put("left_child", 0), put("left_child", 99), put("right_child", -99), put("left_child", -1, 1),
        put("leaf_value", float("nan")), put("leaf_value", float("inf")), put("leaf_value", "1"),
        put("leaf_value", [1.0]), put("leaf_count", 0), put("leaf_count", -5), put("leaf_count", 2**70),
        put("threshold", float("nan")), put("decision_type", 99999), put("decision_type", -1),
        put("cat_boundaries", 5), put("cat_boundaries", 10**6, -1), put("cat_threshold", -4),
        put("cat_threshold", 2**32),
        lambda tree: tree["leaf_value"].append(0.5), lambda tree: tree["leaf_count"].clear(),
        lambda tree: tree["threshold"].pop(), lambda tree: tree.pop("decision_type"),
        lambda tree: tree.update(split_feature="0 1 2"), lambda tree: tree.update(cat_threshold=[], cat_boundaries=[]),
        lambda tree: tree.update({name: [] for name in tree} | {"leaf_value": [0.5], "leaf_count": [3]}),
    ],
)  # fmt: skip
def test_a_tree_that_would_crash_lightgbm_is_refused(
    plain: dict[str, Any], change: Callable[[dict[str, Any]], object]
) -> None:
    tree = json.loads(json.dumps(plain))
    change(tree)
    with pytest.raises((ValueError, KeyError, TypeError, OverflowError)):
        tree_from_plain(tree, FEATURES)


def test_a_set_of_categories_that_is_not_there_is_refused(plain: dict[str, Any]) -> None:
    tree = json.loads(json.dumps(plain))
    place = next(place for place, kind in enumerate(tree["decision_type"]) if kind & 1)
    tree["threshold"][place] = len(tree["cat_boundaries"]) - 1
    with pytest.raises(ValueError, match="set of categories"):
        tree_from_plain(tree, FEATURES)


def test_a_tree_as_deep_as_a_well_is_refused() -> None:
    leaves = 1000
    chain = {
        "split_feature": [0] * (leaves - 1),
        "threshold": [float(place) for place in range(leaves - 1)],
        "decision_type": [2] * (leaves - 1),
        "left_child": [-place - 1 for place in range(leaves - 1)],
        "right_child": [*range(1, leaves - 1), -leaves],
        "leaf_value": [0.1] * leaves,
        "leaf_count": [1] * leaves,
        "cat_boundaries": [],
        "cat_threshold": [],
    }
    with pytest.raises(ValueError, match="1000 leaves"):
        tree_from_plain(chain, FEATURES)
