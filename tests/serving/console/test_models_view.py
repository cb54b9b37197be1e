"""The models, as plain values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from churn_mlops.deployment import Deployment
from churn_mlops.serving.console.models_view import models_view

MARCH, MAY = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
HISTORY = [
    Deployment("1", "a" * 64, "logistic_regression", MARCH, "the first", until=MAY),
    Deployment("2", "b" * 64, "additive_boosting", MAY, "better"),
]
MADE: dict[str, Any] = {
    "trained_at": "2026-05-01T00:00:00+00:00",
    "verdict": "better",
    "metrics": {"auc": {"value": 0.8, "low": 0.7, "high": 0.9}, "log_loss": 0.2, "other": 3.0},
}


def test_the_latest_deployment_comes_first_and_is_live() -> None:
    latest, first = models_view(HISTORY, {}, "2")
    assert (latest.deployment.version, latest.is_live, latest.is_served) == ("2", True, True)
    assert (first.deployment.version, first.is_live, first.is_served) == ("1", False, False)
    assert not models_view(HISTORY, {}, "1")[0].is_served


def test_figures_have_their_interval_if_it_was_recorded() -> None:
    live, _ = models_view(HISTORY, {"b" * 64: MADE}, "2")
    assert [(one.name, one.value, one.low) for one in live.figures] == [("auc", 0.8, 0.7), ("log_loss", 0.2, None)]
    assert live.figure("lift_top_decile") is None
    assert live.trained_at == MAY


@pytest.mark.parametrize("metrics", [None, {}, {"auc": None}, {"auc": {"value": None}}, {"auc": float("nan")}])
def test_what_was_not_recorded_is_left_out(metrics: Any) -> None:
    made = {"metrics": metrics, "trained_at": "yesterday", "verdict": None}
    live, _ = models_view(HISTORY, {"b" * 64: made}, "2")
    assert (list(live.figures), live.trained_at, live.verdict) == ([], None, "")
