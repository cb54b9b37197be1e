"""Folds, parts of the rows, and what fits of many rows do differently."""

import numpy as np
import pytest

from churn_mlops.models import ChurnModel
from churn_mlops.models.fitting.inputs import (
    ENOUGH_TO_SPLIT_ONCE,
    MANY_ROWS,
    FitSettings,
    TrainingInputs,
    some_rows,
    stratified_folds,
)
from churn_mlops.models.fitting.tree_growth import Grower
from churn_mlops.models.scorers.lookup_tables import Axis
from tests.companies.customers import CONTRACT, customers, left


def inputs_of(y: np.ndarray, groups: np.ndarray | None = None) -> TrainingInputs:
    """One feature that counts the rows."""
    column = np.arange(len(y), dtype=np.float64)[:, None]
    return TrainingInputs(column, y, (Axis("place", np.empty(0)),), stratified_folds(y, 5, 1, groups), 1, groups)


@pytest.mark.parametrize("grouped", [False, True])
def test_some_rows_are_drawn_from_everywhere_with_the_same_share_of_churners(grouped: bool) -> None:
    y = (np.arange(10_000) >= 9_000).astype(np.float64)  # customers who left stand at the end
    groups = np.arange(10_000) // 4 if grouped else None
    few = some_rows(inputs_of(y, groups), 1_000)
    assert len(few.y) == pytest.approx(1_000, abs=10)
    assert few.y.mean() == pytest.approx(0.1, abs=0.005)
    stayed = few.inputs[few.y == 0, 0]
    assert stayed.mean() == pytest.approx(4_500, abs=400)
    for train, held_out in few.folds:
        assert few.y[held_out].mean() == pytest.approx(0.1, abs=0.02)
        assert sorted([*train, *held_out]) == list(range(len(few.y)))
        if few.groups is not None:
            assert not set(few.groups[train]) & set(few.groups[held_out])


def test_of_few_churners_enough_are_drawn_to_choose_by() -> None:
    y = (np.arange(20_000) % 1_000 == 0).astype(np.float64)  # 20 churners
    few = some_rows(inputs_of(y), 1_000)
    assert few.y.sum() == 20
    assert all(few.y[held_out].sum() == 4 for _, held_out in few.folds)


def test_a_file_sorted_by_who_left_is_learnt_like_any_other() -> None:
    frame = customers(3000)
    in_order = frame.iloc[np.argsort(left(frame), kind="stable")].reset_index(drop=True)
    model = ChurnModel(
        "logistic_regression", contract=CONTRACT, seed=1, settings_cells=1000 * len(CONTRACT.features)
    ).fit(in_order, left(in_order))
    assert model.predict_proba(in_order)[:, 1].mean() == pytest.approx(left(in_order).mean(), rel=0.05)


def test_many_churners_are_split_in_one_way_only() -> None:
    few, many = (np.tile([0.0, 1.0], churners) for churners in (ENOUGH_TO_SPLIT_ONCE - 1, ENOUGH_TO_SPLIT_ONCE))
    assert len(inputs_of(few).ways_to_split(FitSettings())) == 2
    assert len(inputs_of(few).ways_to_split(FitSettings(ways=1))) == 1
    assert len(inputs_of(many).ways_to_split(FitSettings())) == 1


def test_many_rows_take_all_cores_and_larger_steps() -> None:
    settings = FitSettings(learning_rate=0.05, threads=2)
    few, many = (Grower(inputs_of(np.tile([0.0, 1.0], rows // 2)), settings) for rows in (1_000, MANY_ROWS))
    assert (few.parameters["num_threads"], few.parameters["learning_rate"], few.least_gain) == (1, 0.05, 0.0)
    assert (many.parameters["num_threads"], many.parameters["learning_rate"]) == (2, 0.1)
    assert many.least_gain > 0


def test_bags_of_one_way_to_split_are_calibrated_as_they_are() -> None:
    frame = customers(12_500)
    y = left(frame)
    assert min(y.sum(), len(y) - y.sum()) >= ENOUGH_TO_SPLIT_ONCE
    model = ChurnModel(
        "additive_boosting", contract=CONTRACT, seed=1, settings_cells=2_000 * len(CONTRACT.features)
    ).fit(frame, y)
    assert len(model.bundle_.training["chosen"]["trees_of_bags"]) == 5
    others = customers(5_000, seed=9)
    scores = model.predict_proba(others)[:, 1]
    assert left(others).mean() / scores.mean() == pytest.approx(1.0, abs=0.1)
