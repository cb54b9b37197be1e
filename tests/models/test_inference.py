"""Scores, reasons and bands."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.errors import BundleError, DataError
from churn_mlops.models import ChurnModel, ChurnPredictor
from churn_mlops.models.explain import whole_points
from churn_mlops.models.inference import Bands
from tests.companies.customers import customers

ROW = {"tenure": 2, "charges": 80.0, "senior": 0, "plan": "monthly", "channel": "web"}


def test_every_way_in_gives_the_same_score(model: ChurnModel) -> None:
    predictor, frame = model.predictor, customers(300, seed=8)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    expected = [predictor.score_one(row) for row in rows]
    table = pa.Table.from_pandas(frame)
    ways = [
        frame,
        rows,
        {name: frame[name].tolist() for name in frame},
        table,
        table.to_batches()[0],
        frame.convert_dtypes(),
    ]
    categorical = frame.astype({"plan": "category", "channel": "category"})
    for way in [*ways, categorical]:
        np.testing.assert_allclose(predictor.score(way), expected, rtol=0, atol=1e-15)


def test_points_add_up_to_the_rounded_difference(model: ChurnModel) -> None:
    predictor, frame = model.predictor, customers(300, seed=8)
    scores, points = predictor.explain(frame)
    for row, score, whole in zip(frame.to_dict("records"), scores, points, strict=True):
        explanation = predictor.explain_one(row)
        assert explanation.probability == pytest.approx(score, abs=1e-12)
        assert explanation.probability == predictor.score_one(row)
        total = sum(reason.points for reason in explanation.reasons)
        assert total == whole.sum() == math.floor(100 * (score - explanation.base) + 0.5)
        assert {reason.feature: reason.points for reason in explanation.reasons} == dict(
            zip(predictor.contract.features, whole.tolist(), strict=True)
        )


def test_reasons_are_in_plain_words_largest_first(model: ChurnModel) -> None:
    explanation = model.predictor.explain_one(ROW)
    texts = {reason.feature: reason.text for reason in explanation.reasons}
    assert texts["plan"].startswith("monthly plan: +")
    assert texts["tenure"].startswith("tenure 2 months: +")
    assert texts["senior"].startswith("senior: no: ")
    points = [reason.points for reason in explanation.reasons]
    raising, others = [one for one in points if one > 0], [one for one in points if one <= 0]
    assert points == [*sorted(raising, reverse=True), *sorted(others)]
    assert (
        "channel not known"
        in {reason.feature: reason.text for reason in model.predictor.explain_one({**ROW, "channel": None}).reasons}[
            "channel"
        ]
    )
    assert len(model.predictor.explain_one(ROW, top=2).reasons) == 2


@given(st.lists(st.floats(-60, 60), min_size=1, max_size=12))
def test_whole_points_are_close_and_add_up(shares: list[float]) -> None:
    points = whole_points(shares, sum(shares))
    assert sum(points) == math.floor(sum(shares) + 0.5)
    assert all(abs(point - share) <= 1 + 1e-9 for point, share in zip(points, shares, strict=True))


def test_bands_begin_where_they_say(model: ChurnModel) -> None:
    predictor = ChurnPredictor(model.bundle_, bands=Bands(0.2, 0.5))
    assert [predictor.band(p) for p in (0.0, 0.199, 0.2, 0.499, 0.5, 1.0)] == [
        "low",
        "low",
        "medium",
        "medium",
        "high",
        "high",
    ]
    with pytest.raises(ValueError, match="medium_from"):
        Bands(0.6, 0.5)


def test_a_bundle_that_disagrees_with_its_recorded_scores_is_refused(model: ChurnModel) -> None:
    bundle = model.bundle_
    checks = ({**bundle.checks[0], "score": bundle.checks[0]["score"] + 1e-6}, *bundle.checks[1:])
    with pytest.raises(BundleError, match="do not use it"):
        ChurnPredictor(replace(bundle, checks=checks))


def test_recorded_checks_are_no_customers_of_the_training(model: ChurnModel, raw: pd.DataFrame) -> None:
    assert len(model.bundle_.checks) == 10
    assert all(set(check["customer"]) == set(raw.columns) for check in model.bundle_.checks)


@pytest.mark.parametrize("data", [7, "text", [1, 2], {"tenure": [1], "charges": [1, 2]}])
def test_what_holds_no_customers_is_refused(model: ChurnModel, data: object) -> None:
    with pytest.raises(DataError):
        model.predictor.score(data)


def test_no_customers_give_no_scores(model: ChurnModel, raw: pd.DataFrame) -> None:
    assert model.predictor.score(raw[:0]).shape == (0,)
    assert model.predictor.score([]).shape == (0,)
