"""ChurnModel, as a data scientist uses it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from churn_mlops.data.contract import DataContract
from churn_mlops.errors import DataError, NotFittedError
from churn_mlops.models import MODEL_TYPES, ChurnModel
from churn_mlops.models.fit_settings import FitSettings
from churn_mlops.models.scorers.lookup_tables import AdditiveTables
from tests.companies.customers import CONTRACT, customers, left


def test_a_model_finds_the_signal_that_is_there(model: ChurnModel) -> None:
    fresh = customers(4000, seed=5)
    assert roc_auc_score(left(fresh, seed=5), model.predict_proba(fresh)[:, 1]) > 0.7


def test_probabilities_of_a_customer_add_up_to_one(model: ChurnModel, raw: pd.DataFrame) -> None:
    probabilities = model.predict_proba(raw)
    assert probabilities.shape == (len(raw), 2)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, atol=1e-12)
    assert ((probabilities > 0) & (probabilities < 1)).all()


def test_the_mean_score_is_the_share_who_left(model: ChurnModel, raw: pd.DataFrame) -> None:
    assert model.predict_proba(raw)[:, 1].mean() == pytest.approx(left(raw).mean(), rel=0.05)


@pytest.mark.parametrize("model_type", MODEL_TYPES)
def test_same_data_and_seed_give_the_same_bytes(model_type: str) -> None:
    frame = customers(600)
    first = ChurnModel(model_type, contract=CONTRACT, seed=3).fit(frame, left(frame)).bundle_
    again = ChurnModel(model_type, contract=CONTRACT, seed=3, threads=1).fit(frame, left(frame)).bundle_
    assert first.to_bytes() == again.to_bytes()


def test_another_seed_gives_another_model() -> None:
    frame = customers(600)
    hashes = {ChurnModel(contract=CONTRACT, seed=seed).fit(frame, left(frame)).bundle_.sha256 for seed in (1, 2)}
    assert len(hashes) == 2


def test_a_saved_model_scores_alike(model: ChurnModel, raw: pd.DataFrame, tmp_path: Path) -> None:
    model.save(tmp_path / "m.bundle")
    again = ChurnModel.load(tmp_path / "m.bundle")
    np.testing.assert_array_equal(again.predict_proba(raw), model.predict_proba(raw))
    assert again.model_type == model.model_type


def test_the_order_of_columns_does_not_matter(model: ChurnModel, raw: pd.DataFrame) -> None:
    np.testing.assert_array_equal(model.predict_proba(raw[raw.columns[::-1]]), model.predict_proba(raw))


def test_labels_in_words_are_answered_in_words(raw: pd.DataFrame) -> None:
    frame = raw[:600]
    model = ChurnModel("logistic_regression", contract=CONTRACT, threshold=0.3)
    model.fit(frame, np.where(left(frame), "Yes", "No"))
    assert set(model.predict(frame)) == {"Yes", "No"}
    assert (model.predict(frame) == "Yes").tolist() == (model.predict_proba(frame)[:, 1] >= 0.3).tolist()


def test_a_contract_is_inferred_from_the_frame(raw: pd.DataFrame) -> None:
    model = ChurnModel("logistic_regression").fit(raw[:1000], left(raw[:1000]))
    assert set(model.bundle_.contract.features) == set(raw.columns)
    assert roc_auc_score(left(raw), model.predict_proba(raw)[:, 1]) > 0.7


def test_clone_copies_the_arguments_and_not_the_fit(model: ChurnModel) -> None:
    copy = clone(model).set_params(bags=3)
    assert copy.get_params() == {
        "model_type": model.model_type,
        "contract": CONTRACT,
        "seed": 1,
        "threshold": 0.5,
        **asdict(FitSettings(bags=3)),
    }
    with pytest.raises(NotFittedError, match="call fit first"):
        copy.predict(pd.DataFrame())


def test_a_setting_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="lerning_rate"):
        ChurnModel(lerning_rate=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("arguments", "labels", "message"),
    [
        ({"model_type": "magic"}, None, "unknown model type 'magic'"),
        ({"seed": -1}, None, "seed=-1"),
        ({"seed": None}, None, "seed=None"),
        ({"bags": 1}, None, "bags=1"),
        ({}, "one value", "two values, not 1"),
        ({}, "three values", "two values, not 3"),
        ({}, "missing", "1 of 200 labels are missing"),
        ({}, "few", "3 of 200 customers left"),
        ({}, "short", "200 customers and 100 labels"),
    ],
)
def test_a_wrong_use_is_named(arguments: dict[str, object], labels: str | None, message: str) -> None:
    frame = customers(200)
    y: object = {
        None: left(frame),
        "one value": np.zeros(200),
        "three values": np.arange(200) % 3,
        "missing": [None, *(["Yes", "No"] * 100)[1:]],
        "few": np.arange(200) < 3,
        "short": left(frame)[:100],
    }[labels]
    with pytest.raises(ValueError, match=message):
        ChurnModel(**{"contract": CONTRACT, **arguments}).fit(frame, y)  # type: ignore[arg-type]


def test_new_levels_and_missing_values_are_neither_a_crash_nor_a_known_level(model: ChurnModel) -> None:
    known = {"tenure": 5, "charges": 50.0, "senior": 0, "plan": "monthly", "channel": "web"}
    predictor = model.predictor
    scores = {plan: predictor.score_one({**known, "plan": plan}) for plan in ("monthly", "yearly", "never seen", None)}
    if isinstance(model.bundle_.model, AdditiveTables):  # a deeper tree may send a new level along with known ones
        assert scores["never seen"] not in (scores["monthly"], scores["yearly"])
    for column in known:
        without = {name: value for name, value in known.items() if name != column}
        assert 0 < predictor.score_one(without) < 1
        assert predictor.score_one(without) == predictor.score_one({**known, column: None})


def test_a_cell_that_means_nothing_is_named(model: ChurnModel, raw: pd.DataFrame) -> None:
    broken = raw.astype({"tenure": object}).copy()
    broken.loc[17, "tenure"] = "twelve"
    broken.loc[3, "senior"] = 7
    with pytest.raises(DataError, match="tenure: row 18: 'twelve' is not a number; senior: row 4"):
        model.predict_proba(broken)
    with pytest.raises(DataError, match="charges: '1,5' is not a number"):
        model.predictor.score_one({"charges": "1,5"})


@pytest.mark.parametrize("value", [float("inf"), "inf", 1e400, "1e400", "0x1F", "1_000", [1], {}])
def test_no_number_is_read_from_what_is_none(model: ChurnModel, value: object) -> None:
    with pytest.raises(DataError, match="tenure"):
        model.predictor.score_one({"tenure": value})


def test_a_constant_feature_adds_nothing_and_a_shuffled_one_next_to_nothing() -> None:
    frame = customers(3000).assign(constant=1.0, noise=np.random.default_rng(9).permutation(3000))
    declared = {**CONTRACT.to_dict()["features"], "constant": {"type": "number"}, "noise": {"type": "number"}}
    contract = DataContract.from_dict({"name": "tests", "features": declared})
    for model_type in MODEL_TYPES[1:]:
        model = ChurnModel(model_type, contract=contract, seed=1, bags=3).fit(frame, left(frame))
        size = np.abs(model.predictor.contributions(frame)).mean(axis=0)
        assert size[-2] == 0.0
        assert size[-1] < 0.2 * size[3]
