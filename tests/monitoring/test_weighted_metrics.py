"""Weighted metrics are the plain ones where weights are 1, and a weight of 2 is a row that stands twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.models.metrics import METRICS
from churn_mlops.monitoring.weighted_metrics import Ranked

NAMES = ("auc", "log_loss", "observed_per_100", "top_observed_per_100", "lift")
PLAIN = {
    "auc": ("auc", 1),
    "log_loss": ("log_loss", 1),
    "observed_per_100": ("observed_over_expected", 100),
    "top_observed_per_100": ("observed_over_expected_top_decile", 100),
    "lift": ("lift_top_decile", 1),
}


@st.composite
def rows(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of both kinds and scores with ties; 10 times as many rows as fill the top decile without a rest."""
    count = 10 * draw(st.integers(2, 6))
    scores = draw(st.lists(st.sampled_from([0.02, 0.1, 0.25, 0.4, 0.8]), min_size=count, max_size=count))
    labels = draw(st.lists(st.booleans(), min_size=count - 2, max_size=count - 2))
    return np.array([0.0, 1.0, *labels]), np.array(scores)


@given(rows())
def test_weights_of_1_give_the_plain_metrics(given_rows: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = given_rows
    ranked = Ranked.of(y, scores, np.ones(len(y)))
    for name, (plain, factor) in PLAIN.items():
        assert getattr(ranked, name)() == pytest.approx(METRICS[plain](y, scores) * factor)


@given(rows(), st.data())
def test_a_weight_is_the_number_of_times_a_row_stands(
    given_rows: tuple[np.ndarray, np.ndarray], data: st.DataObject
) -> None:
    y, scores = given_rows
    times = np.array(data.draw(st.lists(st.integers(1, 4), min_size=len(y), max_size=len(y))))
    weighted = Ranked.of(y, scores, times.astype(float))
    repeated = Ranked.of(np.repeat(y, times), np.repeat(scores, times), np.ones(times.sum()))
    for name in NAMES:
        assert getattr(weighted, name)() == pytest.approx(getattr(repeated, name)())


def test_labels_that_are_probabilities_give_the_expected_auc() -> None:
    draw = np.random.default_rng(3)
    scores = draw.beta(1, 12, 4000)
    expected = Ranked.of(scores, scores, np.ones(4000)).auc()
    drawn = [Ranked.of((draw.random(4000) < scores).astype(float), scores, np.ones(4000)).auc() for _ in range(40)]
    assert expected == pytest.approx(np.mean(drawn), abs=0.005)
