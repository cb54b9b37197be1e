"""Additivity, purity and speed-independent parity of the lookup tables."""

from __future__ import annotations

import lightgbm
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from churn_mlops.models import ChurnModel
from churn_mlops.models.fitting.tree_compiler import compile_trees, leaves_of, purify
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Axis, Line
from churn_mlops.models.scorers.serialization import model_from_plain, model_to_plain
from tests.companies.customers import customers


def test_intercept_plus_contributions_is_the_log_odds(model: ChurnModel) -> None:
    fresh = customers(2000, seed=3)
    predictor = model.predictor
    total = predictor.intercept + predictor.contributions(fresh).sum(axis=1)
    np.testing.assert_allclose(total, predictor.log_odds(fresh), atol=1e-12)


def test_intercept_is_the_mean_log_odds_of_the_training_rows(model: ChurnModel, raw: pd.DataFrame) -> None:
    fitted = model.bundle_.model
    if not isinstance(fitted, AdditiveTables):
        # A tree weighs its leaves by the rows of one fold; and a bent calibration of a mean is not the mean calibrated.
        mean = fitted.raw(model.bundle_.engineer.transform(raw), threads=1).mean()
        assert fitted.raw_base == pytest.approx(mean, abs=0.05)
        assert model.predictor.intercept == float(fitted.calibration.of(np.asarray(fitted.raw_base)))
        return
    assert model.predictor.intercept == pytest.approx(model.predictor.log_odds(raw).mean(), abs=1e-9)
    np.testing.assert_allclose(model.predictor.contributions(raw).mean(axis=0), 0.0, atol=1e-9)


def test_one_row_in_plain_python_is_the_batch_to_the_last_bit(model: ChurnModel) -> None:
    fresh = customers(500, seed=4)
    fitted, inputs = model.bundle_.model, model.bundle_.engineer.transform(fresh)
    batch, parts = fitted.log_odds(inputs), fitted.contributions(inputs)
    for row, expected, contributions in zip(inputs.tolist(), batch, parts, strict=True):
        assert fitted.row_log_odds(row) == expected
        assert fitted.row_contributions(row) == contributions.tolist()


def test_plain_data_and_back_is_the_same_model(model: ChurnModel) -> None:
    plain = model_to_plain(model.bundle_.model)
    assert model_to_plain(model_from_plain(plain)) == plain


def boosted(seed: int, depth: int, trees: int = 60) -> tuple[lightgbm.Booster, np.ndarray, tuple[Axis, ...]]:
    """A real LightGBM model on numbers (with and without missing values), a category, and interactions."""
    draw = np.random.default_rng(seed)
    x = np.column_stack(
        [draw.normal(size=3000), draw.exponential(size=3000), draw.integers(0, 7, 3000), draw.normal(size=3000)]
    )
    y = (x[:, 0] * x[:, 1] + (x[:, 2] == 3) * x[:, 3] + draw.normal(size=3000) > 0).astype(float)
    x[draw.random(3000) < 0.1, 1] = np.nan
    parameters = {"objective": "binary", "max_depth": depth, "num_leaves": 2**depth, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(parameters, lightgbm.Dataset(x, y, categorical_feature=[2]), trees)
    axes = (Axis("a", np.empty(0)), Axis("b", np.empty(0)), Axis("c", None, tuple("01234")), Axis("d", np.empty(0)))
    return booster, x, axes


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_compiled_tables_are_the_trees_themselves(seed: int, depth: int) -> None:
    booster, x, axes = boosted(seed, depth)
    tables = compile_trees(leaves_of(booster.model_to_string(), 60), axes, x)
    fresh = np.random.default_rng(seed + 50).permuted(x, axis=0)
    for inputs in (x, fresh):
        np.testing.assert_allclose(tables.log_odds(inputs), booster.predict(inputs, raw_score=True), atol=1e-9)
    assert bool(tables.pairs) == (depth == 2)


def test_compiled_tables_are_pure_and_centred() -> None:
    booster, x, axes = boosted(1, 2)
    tables = compile_trees(leaves_of(booster.model_to_string(), 60), axes, x)
    cells = [axis.cells(x[:, place]) for place, axis in enumerate(tables.axes)]
    for place, main in enumerate(tables.mains):
        assert not isinstance(main, Line)
        assert main[cells[place]].mean() == pytest.approx(0, abs=1e-9)
    for pair in tables.pairs:
        rows, columns = pair.rows[cells[pair.first]], pair.columns[cells[pair.second]]
        values = pair.table[rows, columns]
        for groups, count in ((rows, pair.table.shape[0]), (columns, pair.table.shape[1])):
            sums = np.bincount(groups, weights=values, minlength=count)
            np.testing.assert_allclose(sums / np.maximum(np.bincount(groups, minlength=count), 1), 0, atol=1e-9)


def test_a_deeper_tree_is_refused() -> None:
    booster, x, axes = boosted(2, 4)
    with pytest.raises(ValueError, match="only trees of depth 1 or 2"):
        compile_trees(leaves_of(booster.model_to_string(), 60), axes, x)


def test_what_no_training_row_had_says_nothing() -> None:
    booster, x, axes = boosted(3, 2)
    tables = compile_trees(leaves_of(booster.model_to_string(), 60), axes, x)
    row = x[:1].copy()
    row[0, 0] = np.nan  # the first feature was never missing in training
    cell = tables.axes[0].cells(row[:, 0])
    assert not isinstance(tables.mains[0], Line)
    assert tables.mains[0][cell] == 0.0


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_purifying_moves_and_never_changes(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
    table = data.draw(arrays(float, shape, elements=st.floats(-5, 5)))
    weights = data.draw(arrays(float, shape, elements=st.integers(0, 9).map(float)))
    before = table.copy()
    rows, columns = purify(table, weights)
    np.testing.assert_allclose(table + rows[:, None] + columns[None, :], before, atol=1e-9)
    np.testing.assert_allclose((table * weights).sum(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose((table * weights).sum(axis=0), 0, atol=1e-6)


def test_an_affine_calibration_folds_in() -> None:
    tables = AdditiveTables(
        0.5, (Axis("a", np.array([1.0])), Axis("b", np.empty(0))), (np.array([-1.0, 1.0, 0.0]), Line(2, 1, 0, 3, 0.25))
    )
    inputs = np.array([[0.0, 2.0], [5.0, np.nan], [np.nan, 9.0]])
    assert tables.log_odds(inputs).tolist() == [4.5, 1.75, 7.5]
    np.testing.assert_allclose(tables.scaled(0.1, 2.0).log_odds(inputs), 0.1 + 2.0 * tables.log_odds(inputs))


def test_a_split_of_missing_from_all_numbers_compiles_without_loss() -> None:
    draw = np.random.default_rng(2)
    x = draw.normal(size=(3000, 2))
    x[draw.random(3000) < 0.7, 0] = np.nan
    y = (np.isnan(x[:, 0]) + 0.3 * x[:, 1] + draw.normal(size=3000) > 0.7).astype(float)
    booster = lightgbm.train(
        {"objective": "binary", "max_depth": 1, "num_leaves": 2, "verbose": -1, "num_threads": 1},
        lightgbm.Dataset(x, y),
        80,
    )
    text = booster.model_to_string()
    assert " inf" in text or "=inf" in text
    tables = compile_trees(leaves_of(text, 80), (Axis("a", np.empty(0)), Axis("b", np.empty(0))), x)
    np.testing.assert_allclose(tables.log_odds(x), booster.predict(x, raw_score=True), atol=1e-9)
    assert all(np.isfinite(axis.cuts).all() for axis in tables.axes if axis.cuts is not None)
