"""The noise of labels is that of labels drawn by the scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.monitoring.accuracy import METRICS
from churn_mlops.monitoring.label_noise import label_noise
from churn_mlops.monitoring.weighted_metrics import Ranked

DRAWS = 400


@pytest.mark.parametrize("weighted", [False, True])
def test_the_noise_is_the_spread_of_metrics_over_drawn_labels(weighted: bool) -> None:
    draw = np.random.default_rng(3)
    scores = np.sort(draw.beta(1, 9, 3000).round(3))  # with ties
    weights = draw.choice([1.0, 10.0], 3000) if weighted else np.ones(3000)
    noise = label_noise(Ranked(scores, scores, weights))
    drawn = [Ranked((draw.random(3000) < scores).astype(float), scores, weights) for _ in range(DRAWS)]
    for name, deviation in noise.items():
        found = np.std([METRICS[name](one) for one in drawn])
        assert deviation == pytest.approx(found, rel=0.15), name  # its own error is 1 / sqrt(800), 3.5 %


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=30), st.integers(2, 5))
def test_more_of_the_same_customers_have_less_noise(scores: list[float], times: int) -> None:
    one, many = np.sort(scores), np.sort(scores * times)
    single, several = (label_noise(Ranked(of, of, np.ones(len(of)))) for of in (one, many))
    for name in ("auc", "log_loss"):
        assert several[name] == pytest.approx(single[name] / np.sqrt(times), rel=1e-6, abs=1e-12)
