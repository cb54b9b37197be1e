"""The models, as plain values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from churn_mlops.deployment import Deployment, ModelVersion
from churn_mlops.serving.console.models.models_view import models_view, version_view
from churn_mlops.serving.model.model_book import ModelFacts
from churn_mlops.store.model_versions import NEWEST

MARCH, MAY, JUNE = (datetime(2026, month, 1, tzinfo=UTC) for month in (3, 5, 6))
HISTORY = (
    Deployment("1", "a" * 64, "logistic_regression", MARCH, "the first", until=MAY),
    Deployment("2", "b" * 64, "additive_boosting", MAY, "better"),
)
MADE: dict[str, Any] = {
    "trained_at": "2026-04-30T00:00:00+00:00",
    "verdict": "better",
    "metrics": {"auc": {"value": 0.8, "low": 0.7, "high": 0.9}, "log_loss": 0.2, "other": 3.0},
}


def version(number: str, letter: str, made: Any = MADE) -> ModelVersion:
    return ModelVersion(number, letter * 64, "additive_boosting", MAY, made)


VERSIONS = [version("3", "c"), version("2", "b"), version("1", "a")]


def test_the_latest_deployment_comes_first_and_is_live() -> None:
    facts = ModelFacts(VERSIONS, HISTORY, VERSIONS[1])
    latest, first = models_view(facts, ("2", "b" * 64), JUNE).periods
    assert (latest.deployment.version, latest.is_live, latest.is_served, latest.days) == ("2", True, True, 31)
    assert (first.deployment.version, first.is_live, first.is_served, first.days) == ("1", False, False, 61)
    assert not models_view(facts, ("1", "a" * 64), JUNE).periods[0].is_served


def test_a_version_is_live_was_live_or_never_was_by_its_bundle() -> None:
    view = models_view(ModelFacts(VERSIONS, HISTORY, VERSIONS[1]), ("2", "b" * 64), JUNE)
    assert [one.state for one in view.versions] == ["never_live", "live", "was_live"]
    assert view.live is not None
    assert view.live.version == "2"
    assert view.before == HISTORY[0]
    assert version_view(version("2", "d"), HISTORY).state == "never_live"  # another bundle of the same number


def test_figures_have_their_interval_if_it_was_recorded() -> None:
    shown = version_view(version("2", "b"), HISTORY)
    assert [(one.name, one.value, one.low) for one in shown.figures] == [("auc", 0.8, 0.7), ("log_loss", 0.2, None)]
    assert shown.figure("lift_top_decile") is None
    assert shown.trained_at == MAY - timedelta(days=1)


@pytest.mark.parametrize("metrics", [None, {}, {"auc": None}, {"auc": {"value": None}}, {"auc": float("nan")}])
def test_what_was_not_recorded_is_left_out(metrics: Any) -> None:
    made = {"metrics": metrics, "trained_at": "yesterday", "verdict": None}
    shown = version_view(version("2", "b", made), HISTORY)
    assert (list(shown.figures), shown.trained_at, shown.verdict) == ([], MAY, "")


def test_a_long_history_is_cut() -> None:
    many = [
        Deployment("1", f"{day:064x}", "boosting", MARCH + timedelta(days=day), "why", until=JUNE) for day in range(70)
    ]
    view = models_view(ModelFacts([], many, None), ("1", ""), JUNE)
    assert (len(view.periods), view.is_cut) == (NEWEST, True)
    assert view.periods[0].deployment == many[-1]


def test_nothing_is_live_in_a_new_store() -> None:
    view = models_view(ModelFacts([], (), None), ("1", "a" * 64), JUNE)
    assert (view.live, list(view.periods), view.before, view.is_cut) == (None, [], None, False)
