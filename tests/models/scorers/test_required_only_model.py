"""Customers with the required fields alone are scored by a model of these, calibrated by itself."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import DataContract
from churn_mlops.errors import DataError
from churn_mlops.models import ChurnModel
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.calibration import fit_calibration, sigmoid
from churn_mlops.models.inference import ChurnPredictor

CONTRACT = DataContract.from_dict(
    {
        "name": "t",
        "features": {
            "plan": {"type": "category", "levels": ["a", "b"]},
            "logins": {"type": "number", "required": False},
            "tenure": {"type": "number"},
            "device": {"type": "category", "levels": ["phone", "desk"], "required": False},
        },
    }
)


def company(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    draw = np.random.default_rng(seed)
    tenure, plan = draw.normal(size=rows), draw.choice(["a", "b"], rows)
    logins = 0.8 * tenure + draw.normal(size=rows)
    device = np.where(draw.random(rows) < 0.5 + 0.2 * (plan == "b"), "phone", "desk")
    log_odds = -1.5 - 1.2 * logins + 0.6 * (plan == "b") + 0.4 * (device == "phone")
    frame = pd.DataFrame({"plan": plan, "logins": logins, "tenure": tenure, "device": device})
    return frame, (draw.random(rows) < sigmoid(log_odds)).astype(int)


@pytest.fixture(scope="module", params=["logistic_regression", "additive_boosting", "boosting"])
def predictor(request: pytest.FixtureRequest) -> ChurnPredictor:
    frame, left = company(4000, 1)
    return ChurnModel(request.param, contract=CONTRACT, seed=1, bags=3).fit(frame, left).predictor


def test_scores_without_behaviour_are_calibrated(predictor: ChurnPredictor) -> None:
    frame, left = company(20_000, 2)
    bare = frame[["plan", "tenure"]]
    log_odds, y = predictor.log_odds(bare), left.astype(float)
    assert 0.9 < fit_calibration(log_odds, y, prior=False).slope < 1.1
    assert 0.9 < y.sum() / sigmoid(log_odds).sum() < 1.1


def test_one_customer_is_scored_as_in_a_batch_and_their_reasons_add_up(predictor: ChurnPredictor) -> None:
    rows = [
        {"plan": "b", "tenure": 0.3},
        {"plan": "b", "tenure": 0.3, "logins": None, "device": ""},
        {"plan": "b", "tenure": 0.3, "logins": 1.0},
        {"plan": "a", "tenure": -1.0, "device": "phone", "logins": math.nan},
    ]
    scores, points = predictor.explain(rows)
    np.testing.assert_allclose(scores, [predictor.score_one(row) for row in rows], atol=1e-12)
    np.testing.assert_allclose(scores, predictor.score(rows), atol=1e-9)
    assert scores[0] == scores[1] != scores[2]
    for row, score, shares in zip(rows, scores, points, strict=True):
        explained = predictor.explain_one(row)
        by_name = {reason.feature: reason.points for reason in explained.reasons}
        assert [by_name.get(name, 0) for name in CONTRACT.features] == shares.tolist()
        assert abs(100 * (score - explained.base) - shares.sum()) <= 0.5 + 1e-9
    assert {reason.feature for reason in predictor.explain_one(rows[0]).reasons} == {"plan", "tenure"}


def test_a_bundle_keeps_its_core(predictor: ChurnPredictor) -> None:
    again = ChurnPredictor(Bundle.from_bytes(predictor.bundle.to_bytes()))
    bare = {"plan": "a", "tenure": 0.1}
    assert again.score_one(bare) == predictor.score_one(bare)


def test_a_contract_without_optional_features_has_no_core() -> None:
    frame, left = company(400, 1)
    flat = DataContract.from_dict({"name": "t", "features": {"tenure": {"type": "number"}}})
    assert ChurnModel("logistic_regression", contract=flat).fit(frame, left).bundle_.core is None


MIXED = DataContract.from_dict(
    {
        "name": "t",
        "features": {
            "plan": {"type": "category", "levels": ["a", "b"], "column": "Plan"},
            "tenure": {"type": "number", "column": "Tenure"},
            "calls": {"type": "number", "missing_values": ["-1", "unknown"]},
            "paperless": {"type": "boolean"},
            "logins": {"type": "number", "required": False, "column": "Logins", "missing_values": ["-1"]},
            "device": {"type": "category", "levels": ["phone", "desk"], "required": False, "missing_values": ["n/a"]},
            "beta": {"type": "boolean", "required": False, "column": "Beta"},
        },
    }
)
CELLS = st.one_of(
    st.sampled_from(
        [None, "", " ", "n/a", "unknown", "a", "b", "phone", "yes", "no", True, False, -1, 0, 1, -1.0, "-1"]
    ),
    st.sampled_from([math.nan, math.inf, -math.inf, np.float64(0.5), np.nan, 10**400, [], "1.5", "x"]),
    st.floats(-5, 5),
)
KEYS = [*MIXED.features, "Plan", "Tenure", "Logins", "Beta"]


@pytest.fixture(scope="module")
def mixed() -> ChurnPredictor:
    frame, left = company(3000, 3)
    draw = np.random.default_rng(4)
    more = {"calls": draw.integers(0, 5, 3000), "paperless": draw.random(3000) < 0.5, "beta": draw.random(3000) < 0.5}
    return ChurnModel("additive_boosting", contract=MIXED, seed=1, bags=2).fit(frame.assign(**more), left).predictor


@settings(max_examples=300, deadline=None)
@given(row=st.dictionaries(st.sampled_from(KEYS), st.one_of(st.none(), CELLS)))
def test_the_quick_score_is_that_of_the_reasons(mixed: ChurnPredictor, row: dict[str, object]) -> None:
    """To the last bit, whatever is given under whichever name; a cell that means nothing is refused alike."""
    try:
        slow: object = mixed.explain_one(row).probability
    except DataError as error:
        slow = error.problems
    try:
        quick: object = mixed.score_one(row)
    except DataError as error:
        quick = error.problems
    assert quick == slow
