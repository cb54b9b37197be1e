"""scikit-learn's tools take ChurnModel as they take its own classifiers."""

from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import DataConversionWarning
from sklearn.exceptions import NotFittedError as ScikitLearnNotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.inspection import permutation_importance
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import estimator_html_repr
from sklearn.utils.validation import check_is_fitted

from churn_mlops.data.contract import DataContract
from churn_mlops.errors import DataError, NotFittedError
from churn_mlops.models import MODEL_TYPES, ChurnModel, ChurnPredictor
from churn_mlops.models.inference import Bands
from tests.companies.customers import CONTRACT, customers, left
from tests.estimator_checks import TOO_FEW_CUSTOMERS, checks_of, refusal, run
from tests.pages import ROOT

QUICK = {"bags": 2, "ways": 1, "max_trees": 20, "patience": 5}
LINEAR = {"model_type": "logistic_regression", "bags": 2, "ways": 1}
NUMBERS = DataContract.from_dict(
    {"name": "n", "features": {"tenure": {"type": "number"}, "senior": {"type": "number"}}}
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return customers(400, seed=3)


@pytest.fixture(scope="module")
def y(frame: pd.DataFrame) -> Any:
    return left(frame, seed=3)


@pytest.fixture(scope="module", params=[name for name in MODEL_TYPES if name != "auto"])
def fitted(request: pytest.FixtureRequest, frame: pd.DataFrame, y: Any) -> ChurnModel:
    return ChurnModel(request.param, contract=CONTRACT, **QUICK).fit(frame, y)


# The one is compiled to tables, the other stays trees; `make study` runs every check of every type.
@pytest.mark.parametrize("model_type", ["additive_boosting", "boosting"])
def test_the_checks_of_scikit_learn_hold(model_type: str) -> None:
    for name, check in checks_of(ChurnModel(model_type, **QUICK)):
        run(name, check)


@pytest.mark.parametrize("model_type", sorted(set(MODEL_TYPES) - {"additive_boosting", "boosting"}))
def test_the_checks_that_the_type_of_model_decides_hold_for_every_other_type(model_type: str) -> None:
    decided = {"check_classifiers_train", "check_estimators_pickle", "check_fit_idempotent"}
    decided |= {"check_methods_subset_invariance", "check_dict_unchanged"}
    found = {name: check for name, check in checks_of(ChurnModel(model_type, **QUICK)) if name in decided}
    for name, check in found.items():
        run(name, check)
    assert found.keys() == decided


def test_the_checks_that_cannot_hold_give_too_few_customers() -> None:
    checks = {name: check for name, check in checks_of(ChurnModel(**QUICK)) if name in TOO_FEW_CUSTOMERS}
    refusals = {name: refusal(check) for name, check in checks.items()}
    needed = {name: f"{many} customers left: a model needs at least 10" for name, many in TOO_FEW_CUSTOMERS.items()}
    assert [name for name, text in needed.items() if text not in refusals[name]] == []


def test_the_page_names_the_checks_that_cannot_hold() -> None:
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| `(check_\w+)` \| (\d+ of \d+) \|", page, re.MULTILINE)) == TOO_FEW_CUSTOMERS


def test_cross_validation_finds_the_signal(frame: pd.DataFrame, y: Any) -> None:
    words = pd.Series(np.where(y, "Yes", "No"), index=frame.index)
    for labels in (y, words):
        assert (
            cross_val_score(ChurnModel(contract=CONTRACT, **LINEAR), frame, labels, scoring="roc_auc", cv=3).mean()
            > 0.65
        )


def test_two_processes_fit_what_one_fits(frame: pd.DataFrame, y: Any) -> None:
    model = ChurnModel("boosting", contract=CONTRACT, **QUICK)
    apart, here = (
        cross_validate(model, frame, y, cv=2, scoring="neg_log_loss", return_estimator=True, n_jobs=jobs)
        for jobs in (2, 1)
    )
    np.testing.assert_array_equal(apart["test_score"], here["test_score"])
    for one, other in zip(apart["estimator"], here["estimator"], strict=True):
        assert one.bundle_.to_bytes() == other.bundle_.to_bytes()


def test_a_grid_search_in_a_pipeline_chooses_and_fits_again(frame: pd.DataFrame, y: Any) -> None:
    def whole_years(X: pd.DataFrame) -> pd.DataFrame:
        return X.assign(tenure=X["tenure"] // 12)

    pipeline = Pipeline(
        [("years", FunctionTransformer(whole_years)), ("model", ChurnModel(contract=CONTRACT, **QUICK))]
    )
    grid = {"model__model_type": ["logistic_regression", "boosting"], "model__learning_rate": [1e-6, 0.1]}
    search = GridSearchCV(pipeline, grid, scoring="neg_log_loss", cv=2).fit(frame, y)
    scores = dict(zip(map(str, search.cv_results_["params"]), search.cv_results_["mean_test_score"], strict=True))
    assert search.best_score_ == max(scores.values())
    assert (
        scores[str({"model__learning_rate": 0.1, "model__model_type": "boosting"})]
        > scores[str({"model__learning_rate": 1e-6, "model__model_type": "boosting"})]
    )
    assert search.best_estimator_["model"].bundle_.model_type == search.best_params_["model__model_type"]
    assert search.feature_names_in_.tolist() == list(frame.columns)


def test_a_search_may_draw_the_numbers_of_numpy(frame: pd.DataFrame, y: Any) -> None:
    drawn = {"bags": np.array([3]), "seed": np.array([5]), "threshold": np.array([0.25], dtype=np.float32)}
    model = ChurnModel("logistic_regression", contract=CONTRACT, ways=1)
    search = RandomizedSearchCV(model, drawn, n_iter=1, cv=2, random_state=0).fit(frame, y)
    chosen = {name: value.item() for name, value in search.best_params_.items()}
    plain = ChurnModel("logistic_regression", contract=CONTRACT, ways=1, **chosen).fit(frame, y)
    assert search.best_estimator_.bundle_.to_bytes() == plain.bundle_.to_bytes()


def test_a_fitted_model_is_copied_whole(fitted: ChurnModel, frame: pd.DataFrame) -> None:
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert other is not fitted
        assert other.bundle_.to_bytes() == fitted.bundle_.to_bytes()
        assert other.get_params() == fitted.get_params()
        np.testing.assert_array_equal(other.predict_proba(frame), fitted.predict_proba(frame))


def test_a_copy_of_a_predictor_keeps_its_threshold_and_bands(fitted: ChurnModel, frame: pd.DataFrame) -> None:
    predictor = ChurnPredictor(fitted.bundle_, threshold=0.125, bands=Bands(0.25, 0.75))
    other = pickle.loads(pickle.dumps(predictor))
    assert (other.threshold, other.bands) == (0.125, predictor.bands)
    np.testing.assert_array_equal(other.score(frame), predictor.score(frame))


def test_permutation_finds_the_columns_that_matter(frame: pd.DataFrame, y: Any) -> None:
    fitted = ChurnModel(contract=CONTRACT, **LINEAR).fit(frame, y)
    found = permutation_importance(fitted, frame, y, scoring="neg_log_loss", n_repeats=3, random_state=0)
    importance = dict(zip(frame.columns, found.importances_mean, strict=True))
    assert min(importance["tenure"], importance["plan"]) > 2 * max(importance["charges"], importance["senior"])


def test_a_model_can_be_calibrated_again(frame: pd.DataFrame, y: Any) -> None:
    fresh = customers(400, seed=4)
    fitted = ChurnModel(contract=CONTRACT, **LINEAR).fit(frame, y)
    for inner in (ChurnModel(contract=CONTRACT, **LINEAR), FrozenEstimator(fitted)):
        calibrated = CalibratedClassifierCV(inner, cv=2).fit(fresh, left(fresh, seed=4))
        assert log_loss(y, calibrated.predict_proba(frame)) < log_loss(y, np.full(len(y), y.mean()))


def test_the_array_of_a_column_transformer_is_taken_by_position(frame: pd.DataFrame, y: Any) -> None:
    columns = ColumnTransformer(
        [("numbers", SimpleImputer(), ["tenure", "senior"]), ("texts", "passthrough", ["plan"])]
    )
    pipeline = Pipeline([("columns", columns), ("model", ChurnModel(**LINEAR))]).fit(frame, y)
    model = pipeline["model"]
    assert {name: feature.type for name, feature in model.bundle_.contract.features.items()} == {
        "x0": "number",
        "x1": "boolean",
        "x2": "category",
    }
    assert model.n_features_in_ == 3
    assert not hasattr(model, "feature_names_in_")
    apart = ChurnModel(**LINEAR).fit(frame[["tenure", "senior", "plan"]], y)
    np.testing.assert_allclose(pipeline.predict_proba(frame), apart.predict_proba(frame), rtol=0, atol=1e-12)
    with pytest.raises(DataError, match="which it calls x0, x1 and so on; X has 'tenure'"):
        model.predict(frame)


def test_an_array_takes_the_names_of_the_columns_that_were_fitted(frame: pd.DataFrame, y: Any) -> None:
    fitted = ChurnModel(contract=NUMBERS, **LINEAR).fit(frame[["plan", "senior", "tenure"]], y)
    assert fitted.feature_names_in_.tolist() == ["plan", "senior", "tenure"]
    array = frame[["plan", "senior", "tenure"]].to_numpy()
    with pytest.warns(UserWarning, match="X has no column names, and ChurnModel was fitted with them"):
        scores = fitted.predict_proba(array)
    np.testing.assert_array_equal(scores, fitted.predict_proba(frame))
    with pytest.raises(ValueError, match="X has 2 features, but ChurnModel is expecting 3 features as input"):
        fitted.predict(array[:, 1:])


def test_the_columns_of_an_array_are_the_features_of_the_contract_in_its_order(frame: pd.DataFrame, y: Any) -> None:
    named = frame[["tenure", "senior"]]
    expected = ChurnModel(contract=NUMBERS, **LINEAR).fit(named, y)
    for unnamed in (named.to_numpy(), named.to_numpy().tolist(), named.set_axis([0, 1], axis=1)):
        fitted = ChurnModel(contract=NUMBERS, **LINEAR).fit(unnamed, y)
        assert fitted.bundle_.to_bytes() == expected.bundle_.to_bytes()
        np.testing.assert_array_equal(fitted.predict_proba(unnamed), expected.predict_proba(named))
        np.testing.assert_array_equal(fitted.predict_proba(named), expected.predict_proba(named))
    with pytest.raises(DataError, match="X has 5 columns without names, and the contract 2"):
        ChurnModel(contract=NUMBERS, **LINEAR).fit(frame.to_numpy(), y)


def test_a_loaded_model_takes_an_array_in_the_order_of_its_contract(frame: pd.DataFrame, y: Any, tmp_path: Any) -> None:
    ChurnModel(contract=NUMBERS, **LINEAR).fit(frame, y).save(tmp_path / "m.bundle")
    loaded = ChurnModel.load(tmp_path / "m.bundle")
    assert loaded.n_features_in_ == 2
    check_is_fitted(loaded)
    with pytest.warns(UserWarning, match="X has no column names"):
        scores = loaded.predict_proba(frame[["tenure", "senior"]].to_numpy())
    np.testing.assert_array_equal(scores, loaded.predict_proba(frame))


def test_labels_belong_to_the_rows_in_their_order_however_they_come(frame: pd.DataFrame, y: Any) -> None:
    expected = ChurnModel(contract=CONTRACT, **LINEAR).fit(frame, y)
    for labels in (pd.DataFrame({"left": y})["left"], pd.Series(y, index=frame.index[::-1]), pa.array(y)):
        assert ChurnModel(contract=CONTRACT, **LINEAR).fit(frame, labels).bundle_.sha256 == expected.bundle_.sha256
    for column in (pd.DataFrame({"left": y}), y[:, None]):
        with pytest.warns(DataConversionWarning, match="A column-vector y was passed"):
            fitted = ChurnModel(contract=CONTRACT, **LINEAR).fit(frame, column)
        assert fitted.bundle_.sha256 == expected.bundle_.sha256
    with pytest.raises(DataError, match="shape"):
        ChurnModel(contract=CONTRACT, **LINEAR).fit(frame, np.column_stack([y, y]))


def test_the_score_is_the_share_of_right_classes(frame: pd.DataFrame, y: Any) -> None:
    words = np.where(y, "Yes", "No")
    fitted = ChurnModel(contract=CONTRACT, **LINEAR).fit(frame, words)
    right = fitted.predict(frame) == words
    assert fitted.score(frame, words) == pytest.approx(right.mean())
    assert fitted.score(frame, words, sample_weight=right.astype(float)) == 1.0


def test_parameters_are_set_by_name_or_not_at_all() -> None:
    model = ChurnModel("boosting")
    assert model.set_params(seed=3, patience=7) is model
    assert (model.get_params()["seed"], model.get_params()["patience"]) == (3, 7)
    with pytest.raises(
        ValueError, match="invalid parameter 'lerning_rate' for ChurnModel; the parameters are: model_type"
    ):
        model.set_params(seed=4, lerning_rate=0.1)
    assert model.seed == 3


def test_what_differs_from_the_defaults_is_shown() -> None:
    assert repr(ChurnModel()) == "ChurnModel()"
    assert repr(ChurnModel("boosting", seed=2, bags=3)) == "ChurnModel(model_type='boosting', seed=2, bags=3)"
    declared = ChurnModel(contract=CONTRACT)
    assert repr(declared) == "ChurnModel(contract=<DataContract 'tests': 5 features>)"
    assert "ChurnModel" in estimator_html_repr(Pipeline([("model", declared)]))


def test_what_is_not_fitted_says_so_in_both_families_of_errors(frame: pd.DataFrame) -> None:
    with pytest.raises(ScikitLearnNotFittedError):
        check_is_fitted(ChurnModel())
    for use in (ChurnModel().predict, ChurnModel().predict_proba):
        with pytest.raises(ScikitLearnNotFittedError, match="this ChurnModel is not fitted yet") as caught:
            use(frame)
        assert isinstance(caught.value, NotFittedError)
        assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)


WITHOUT = """
import sys
from churn_mlops.errors import NotFittedError
from churn_mlops.models import ChurnModel
model = ChurnModel("boosting").set_params(seed=1)
assert repr(model) == "ChurnModel(model_type='boosting', seed=1)"
try:
    model.predict([])
except NotFittedError:
    assert not {"sklearn", "pandas", "lightgbm"} & set(sys.modules)
else:
    raise AssertionError
"""


def test_nothing_loads_scikit_learn_before_it_is_needed() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT], check=True, timeout=120)
