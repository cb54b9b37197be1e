"""The score with other values, by the model that answered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from churn_mlops.models import ChurnModel, ChurnPredictor
from churn_mlops.retention import Economics
from churn_mlops.serving.console.what_if import WhatIf, what_if
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.served_model import ServedModel
from churn_mlops.serving.prediction.responses import explanation
from tests.companies.customers import CONTRACT, customers, left
from tests.made_once import object_made_once

CONTROLLED = ("plan", "charges", "none of the model")


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> ChurnPredictor:
    def fit(_: Path) -> ChurnModel:
        raw = customers(400)
        return ChurnModel("logistic_regression", contract=CONTRACT, seed=1).fit(raw, left(raw))

    return object_made_once(tmp_path_factory, "model-of-what-if", fit).predictor


@pytest.fixture
def row() -> dict[str, Any]:
    return {"tenure": 3.0, "plan": "monthly", "charges": 65.5}


def answer(predictor: ChurnPredictor, row: dict[str, Any]) -> dict[str, Any]:
    live = ServedModel(predictor, "1", "2026-11-23T06:00:00+00:00", "logistic_regression")
    score = predictor.score_one(row)
    return {"origin": "source", "churn_probability": score, **explanation(live, row, score, Economics())}


def asked(
    predictor: ChurnPredictor, row: dict[str, Any], features: tuple[str, ...] = CONTROLLED, **values: str
) -> WhatIf:
    query = {f"if.{name}": value for name, value in values.items()}
    return what_if(predictor, answer(predictor, row), features, query) or pytest.fail("nothing can be changed")


def test_the_score_is_that_of_the_model_for_the_changed_row(predictor: ChurnPredictor, row: dict[str, Any]) -> None:
    found = asked(predictor, row, plan="yearly", charges="20")
    assert found.score == predictor.score_one(row | {"plan": "yearly", "charges": 20.0})
    assert found.points == round(100 * found.score) - round(100 * predictor.score_one(row))
    assert [(control.name, control.value) for control in found.controls] == [
        ("if.plan", "yearly"),
        ("if.charges", "20"),
    ]


def test_without_a_change_there_is_no_score(predictor: ChurnPredictor, row: dict[str, Any]) -> None:
    for values in ({}, {"plan": "monthly"}, {"plan": "", "charges": "65.5"}, {"tenure": "70"}):
        found = asked(predictor, row, **values)
        assert found.score is None
        assert [control.value for control in found.controls] == ["monthly", "65.5"]


@pytest.mark.parametrize("values", [{"plan": "none"}, {"charges": "x"}, {"charges": "nan"}, {"tenure": "-1"}])
def test_a_value_that_is_none_is_named(predictor: ChurnPredictor, row: dict[str, Any], values: dict[str, str]) -> None:
    with pytest.raises(RequestError) as refused:
        asked(predictor, row, ("plan", "charges", "tenure"), **values)
    assert refused.value.status == 422


def test_nothing_is_changed_of_a_published_score_or_of_a_row_that_is_not_whole(
    predictor: ChurnPredictor, row: dict[str, Any]
) -> None:
    given = answer(predictor, row)
    assert what_if(predictor, given | {"origin": "published", "reasons": ["words"]}, CONTROLLED, {}) is None
    assert what_if(predictor, given | {"reasons": given["reasons"][1:]}, CONTROLLED, {}) is None
    assert what_if(predictor, given, ("none of the model",), {}) is None
