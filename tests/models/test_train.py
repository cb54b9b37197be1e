"""The result of a fit, and the rows that it uses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.contract import DataContract
from churn_mlops.models import ChurnModel
from churn_mlops.models import train as training
from churn_mlops.models.calibration import Calibration, fit_calibration
from churn_mlops.models.fitting import inputs as fitting
from churn_mlops.models.fitting.inputs import FitSettings, Fitted, TrainingInputs
from tests.companies.customers import CONTRACT, customers, left


def numbers(rows: int, seed: int) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    return pd.DataFrame({name: draw.normal(size=rows).round(3) for name in ("a", "b", "c")})


NUMBERS = DataContract.from_dict({"name": "t", "features": {name: {"type": "number"} for name in ("a", "b", "c")}})


def drawn(log_odds: pd.Series, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(log_odds)) < 1 / (1 + np.exp(-log_odds))).astype(int)


@pytest.mark.parametrize("model_type", training.FITS)
def test_the_bundle_is_the_fit_under_a_calibration_from_scores_that_did_not_see_the_row(
    model_type: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Fitted] = []
    given: list[np.ndarray] = []

    def fit(data: TrainingInputs, settings: FitSettings, progress: object) -> Fitted:
        fitted = training_fit(data, settings, lambda done, total: None)
        # Twice too sure of itself: the calibration has to notice.
        fitted = dataclasses.replace(fitted, out_of_fold=0.3 + 2.0 * fitted.out_of_fold)
        seen.append(fitted)
        return fitted

    def calibrate(log_odds: np.ndarray, y: np.ndarray, bent: bool) -> Calibration:
        given.append(log_odds)
        return fit_calibration(log_odds, y, bent=bent)

    training_fit = training.FITS[model_type]
    monkeypatch.setitem(training.FITS, model_type, fit)
    monkeypatch.setattr(fitting, "fit_calibration", calibrate)
    frame = customers(2500)
    bundle = training.fit_bundle(frame, left(frame), CONTRACT, model_type, seed=1)
    inputs = bundle.engineer.transform(frame)
    stored = Calibration(**bundle.training["calibration"])
    assert 0.3 < stored.slope < 0.7
    expected = stored.of(seen[0].model.log_odds(inputs))
    np.testing.assert_allclose(bundle.model.log_odds(inputs), expected, atol=1e-9)
    np.testing.assert_array_equal(given[-1], seen[0].out_of_fold)
    in_sample = seen[0].model.log_odds(inputs)
    assert np.abs(given[-1] - in_sample).max() > 1e-3


@pytest.mark.parametrize("model_type", training.FITS)
def test_scores_of_fresh_customers_are_calibrated(model_type: str) -> None:
    frame, fresh = customers(4000, seed=2), customers(20_000, seed=3)
    scores = (
        ChurnModel(model_type, contract=CONTRACT, seed=1).fit(frame, left(frame, seed=2)).predict_proba(fresh)[:, 1]
    )
    y = left(fresh, seed=3)
    assert fit_calibration(np.log(scores / (1 - scores)), y, prior=False).slope == pytest.approx(1, abs=0.15)
    assert y.sum() / scores.sum() == pytest.approx(1, abs=0.08)


def test_single_features_are_fitted_by_stumps_and_an_interaction_by_pairs() -> None:
    frame = numbers(4000, seed=1)
    single = ChurnModel("additive_boosting", contract=NUMBERS).fit(frame, drawn(np.sin(2 * frame.a) + frame.b)).bundle_
    assert single.training["chosen"]["trees"].startswith("stumps")
    assert single.model.pairs == ()
    both = ChurnModel("additive_boosting", contract=NUMBERS).fit(frame, drawn(2.0 * np.sign(frame.a * frame.b))).bundle_
    assert both.training["chosen"]["trees"].startswith("pairs")
    assert {(pair.first, pair.second) for pair in both.model.pairs} >= {(0, 1)}


@pytest.mark.parametrize("model_type", ["logistic_regression"])
def test_the_setting_with_the_lowest_loss_out_of_fold_is_taken(model_type: str) -> None:
    frame = customers(1500)
    chosen = ChurnModel(model_type, contract=CONTRACT).fit(frame, left(frame)).bundle_.training["chosen"]
    losses = chosen["log_loss_of_candidates"]
    assert losses[str(chosen["C"])] == min(losses.values()) < max(losses.values())


def test_numbers_of_absurd_size_do_not_break_a_fit() -> None:
    frame = numbers(600, seed=4).assign(b=lambda f: f.b * 1e290, c=lambda f: f.c * 1e-300)
    for model_type in training.FITS:
        scores = ChurnModel(model_type, contract=NUMBERS).fit(frame, drawn(frame.a)).predict_proba(frame)
        assert np.isfinite(scores).all()


def test_labels_are_read_however_they_are_kept() -> None:
    frame = customers(400)
    y = left(frame).astype(bool)
    expected = ChurnModel("logistic_regression", contract=CONTRACT).fit(frame, y).bundle_.sha256
    for labels in (
        y.tolist(),
        pd.Series(y, index=range(900, 1300)),
        pd.array(y, dtype="boolean"),
        np.where(y, "Yes", "No"),
    ):
        assert ChurnModel("logistic_regression", contract=CONTRACT).fit(frame, labels).bundle_.sha256 == expected
    for missing in (
        pd.array([None, *y[1:]], dtype="boolean"),
        pd.array([None, *(["a", "b"] * 200)[1:]], dtype="string"),
    ):
        with pytest.raises(ValueError, match="1 of 400 labels are missing"):
            ChurnModel("logistic_regression", contract=CONTRACT).fit(frame, missing)


@pytest.mark.parametrize(
    "settings",
    [{"threads": 0}, {"threads": -3}, {"bags": "5"}, {"threshold": 5.0}, {"learning_rate": 0}, {"patience": 1.5}],
)
def test_a_setting_out_of_range_is_named(settings: dict[str, object]) -> None:
    frame = customers(100)
    with pytest.raises(ValueError, match=next(iter(settings))):
        ChurnModel(contract=CONTRACT, **settings).fit(frame, left(frame))  # type: ignore[arg-type]


def test_all_rows_of_a_customer_fall_on_one_side_of_every_fold() -> None:
    draw = np.random.default_rng(0)
    groups = draw.integers(0, 300, 2000)
    y = (draw.random(2000) < 0.1).astype(float)
    for seed in range(3):
        folds = fitting.stratified_folds(y, 5, seed, groups)
        assert sorted(np.concatenate([held_out for _, held_out in folds])) == list(range(2000))
        for train, held_out in folds:
            assert not set(groups[train]) & set(groups[held_out])
            assert len(train) + len(held_out) == 2000
            assert 0.05 < y[held_out].mean() < 0.15


def test_a_fit_splits_its_customers_in_every_way_it_splits_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    groups = np.arange(1200) // 3
    seen = []

    def folds(y: np.ndarray, bags: int, seed: int, groups: np.ndarray | None = None) -> fitting.Folds:
        seen.append(groups)
        return real(y, bags, seed, groups)

    real = fitting.stratified_folds
    monkeypatch.setattr(fitting, "stratified_folds", folds)
    monkeypatch.setattr(training, "stratified_folds", folds)
    frame = numbers(1200, 1)
    training.fit_bundle(frame, drawn(frame.a).astype(float), NUMBERS, "additive_boosting", groups=groups)
    assert sum(found is groups for found in seen) == 2
