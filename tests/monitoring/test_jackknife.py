"""Metrics without a group are those of the other rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from churn_mlops.monitoring.jackknife import leave_one_out
from churn_mlops.monitoring.weighted_metrics import Ranked

METRICS = {
    "auc": Ranked.auc,
    "log_loss": Ranked.log_loss,
    "calibration": Ranked.observed_per_100,
    "top_decile_calibration": Ranked.top_observed_per_100,
    "top_decile_lift": Ranked.lift,
}


@settings(deadline=None)  # the machine may be busy
@given(
    seed=some.integers(0, 2**32 - 1),
    rows=some.integers(40, 400),
    levels=some.sampled_from([1, 2, 7, 10_000]),
    count=some.integers(2, 30),
    weighted=some.booleans(),
    crowded=some.booleans(),
)
def test_every_metric_is_that_of_the_other_rows(
    seed: int, rows: int, levels: int, count: int, weighted: bool, crowded: bool
) -> None:
    draw = np.random.default_rng(seed)
    scores = (1 + draw.integers(0, levels, rows)) / (levels + 1)
    y = np.where(np.arange(rows) % 4 == 0, 1.0, (draw.random(rows) < scores).astype(float))
    y[1::4] = 0.0
    ranked = Ranked.of(y, scores, draw.choice([1.0, 10.0], rows) if weighted else np.ones(rows))
    groups = np.sort(draw.integers(0, count, rows)) if crowded else draw.integers(0, count, rows)
    groups = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    found = leave_one_out(ranked, groups)
    for group in range(int(groups.max()) + 1):
        rest = ranked.only(groups != group)
        if not 0 < rest.churners < rest.weights.sum():
            continue
        for name, metric in METRICS.items():
            assert found[name][group] == pytest.approx(metric(rest), rel=1e-9), name
