"""The peer that `/predict` is compared with scores with the very trees that the served model is compiled from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.__main__ import EXAMPLE
from bench.peers.__main__ import bars
from bench.peers.pipeline import Lean, Pipeline
from bench.peers.servers import BY_HAND, PIPELINE, peers
from bench.peers.trees import Trees, trees_of
from churn_mlops.models import ChurnModel
from tests.companies.customers import CONTRACT, customers, left

PLAIN = CONTRACT.model_copy(
    update={"features": {name: one for name, one in CONTRACT.features.items() if name != "charges"}}
)
"""Without texts in numbers, which the peers' encoding does not read."""


def company(rows: int = 600) -> pd.DataFrame:
    """Customers without blanks and rare levels, of which compiled tables say nothing where trees say something."""
    frame = customers(rows).drop(columns="charges").dropna()
    return frame[frame["plan"] != "rare"]


@pytest.fixture(scope="module")
def fitted() -> tuple[ChurnModel, pd.DataFrame, Trees]:
    frame = company()
    y = left(frame).astype(float)
    model = ChurnModel("additive_boosting", contract=PLAIN, seed=3).fit(frame, y)
    return model, frame, trees_of(model.bundle_, frame, y)


def test_the_trees_score_as_the_bundle_that_is_compiled_from_them(
    fitted: tuple[ChurnModel, pd.DataFrame, Trees], tmp_path: Path
) -> None:
    model, frame, trees = fitted
    trees.write(tmp_path / "trees")
    ours = model.predictor.score(frame)
    assert ours.std() > 0.01
    np.testing.assert_allclose(Pipeline(tmp_path / "trees").score(frame), ours, rtol=0, atol=1e-12)
    lean = Lean(tmp_path / "trees")
    np.testing.assert_allclose([lean.score(row) for row in frame.to_dict("records")], ours, rtol=0, atol=1e-12)


def test_every_bag_counts(fitted: tuple[ChurnModel, pd.DataFrame, Trees], tmp_path: Path) -> None:
    model, frame, trees = fitted
    trees.write(tmp_path / "trees")
    facts = json.loads((tmp_path / "trees" / "facts.json").read_text(encoding="utf-8"))
    assert facts["bags"] == len(model.bundle_.training["chosen"]["trees_of_bags"])
    (tmp_path / "trees" / "facts.json").write_text(json.dumps(facts | {"bags": facts["bags"] - 1}), encoding="utf-8")
    fewer = Pipeline(tmp_path / "trees").score(frame)
    assert np.abs(fewer - model.predictor.score(frame)).max() > 1e-6


def test_a_model_that_is_not_compiled_from_trees_is_refused() -> None:
    frame = company(200)
    y: Any = left(frame).astype(float)
    bundle = ChurnModel("logistic_regression", contract=PLAIN).fit(frame, y).bundle_
    with pytest.raises(ValueError, match="logistic_regression is not compiled"):
        trees_of(bundle, frame, y)


def test_the_bar_holds_for_a_peer_as_one_deploys_it_and_not_for_one_by_hand() -> None:
    us = {"start_seconds": 0.9, "memory_mb": 90}
    found = [
        {"name": "near", "form": PIPELINE, "ratio": 39.9},
        {"name": "far", "form": PIPELINE, "ratio": 40.0},
        {"name": "far", "form": BY_HAND, "ratio": 5.0},
    ]
    assert [bar["met"] for bar in bars(us, found)] == [False, True, True, True]
    assert [bar["met"] for bar in bars({"start_seconds": 2.1, "memory_mb": 251}, found)][2:] == [False, False]


def test_a_peer_is_asked_for_the_unchanged_customer(tmp_path: Path) -> None:
    asked = peers(tmp_path / "bin", tmp_path, 18000)
    for peer in asked:
        body = json.dumps(peer.body(EXAMPLE))
        assert all(json.dumps(name) in body and json.dumps(value) in body for name, value in EXAMPLE.items())
    assert len({peer.url for peer in asked}) == 6
