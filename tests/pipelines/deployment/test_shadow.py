"""The version in the shadow scores every customer beside the champion, and answers what callers asked."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from structlog.testing import capture_logs

from churn_mlops.config import Settings
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.deployment.review import review
from churn_mlops.pipelines.inputs.open_source import open_history
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import open_store
from churn_mlops.store.prediction_log import PredictionRecord, write_records
from churn_mlops.store.scoring.run_scores import run_scores
from churn_mlops.store.scoring.runs import latest_run
from tests.pipelines.deployment.two_versions import (
    BEFORE,
    EARLY,
    FINAL,
    NOW,
    live,
    on_trial,
    run_days,
)


def test_the_version_before_scores_only_as_long_as_it_is_watched(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, good, "1", BEFORE - timedelta(days=200))
    live(settings, bad, "2", BEFORE - timedelta(days=100))
    run = run_day(settings, FINAL, now=NOW).run
    assert run.shadow_sha256 is None
    assert review(settings, now=NOW).sentence == "no model is in the shadow"


def test_both_scores_of_a_run_are_those_of_the_two_models(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, good, "1", BEFORE)
    on_trial(settings, bad, "2", BEFORE)
    run = run_day(settings, FINAL, now=NOW).run
    assert (run.shadow_version, run.shadow_sha256) == ("2", bad.sha256)
    assert run.shadow_seconds is not None
    with open_store(settings.store.url) as store:
        latest = latest_run(store)
        assert latest is not None
        for batch in run_scores(store, latest):
            odds = np.array(batch.score) / (1 - np.array(batch.score))
            other = np.array(batch.shadow_score, dtype=float)
            assert np.allclose(odds * (other / (1 - other)), np.exp(-6.0))


def test_a_challenger_scores_what_its_own_contract_says(settings: Settings, good: Bundle) -> None:
    assert good.history is not None
    logins = good.history.features["logins_28d"].model_copy(update={"days": 7})
    history = good.history.model_copy(update={"features": {**good.history.features, "logins_28d": logins}})
    other = replace(good, history=history)
    live(settings, good, "1", BEFORE)
    on_trial(settings, other, "2", BEFORE)
    run = run_day(settings, FINAL, now=NOW).run
    assert run.shadow_sha256 == other.sha256
    rows = read_history(open_history(settings.source, history), history, [FINAL], known_until=NOW)
    wanted = dict(zip(rows.column("customer_id").to_pylist(), ChurnPredictor(other).score(rows), strict=True))
    with open_store(settings.store.url) as store:
        latest = latest_run(store)
        assert latest is not None
        for batch in run_scores(store, latest):
            assert batch.shadow_score == pytest.approx([wanted[one] for one in batch.customer])
            assert batch.shadow_score != pytest.approx(batch.score)


def with_least_tenure(bundle: Bundle, months: float) -> Bundle:
    """The same version with a contract that takes no customer of fewer months."""
    tenure = bundle.contract.features["tenure"].model_copy(update={"min": months})
    features = {**bundle.contract.features, "tenure": tenure}
    return replace(bundle, contract=bundle.contract.model_copy(update={"features": features}))


def asked(months: float) -> dict[str, object]:
    """A customer of so many months, as a caller sends them."""
    return {"tenure": months, "monthly_charges": 60.0, "contract_type": 1.0, "logins_28d": 4.0}


def answered(settings: Settings, bundle: Bundle, *customers: dict[str, object]) -> None:
    """The prediction log holds requests for these customers, answered by the version of ``bundle``."""
    predictor = ChurnPredictor(bundle, threshold=settings.decision.threshold)
    records = []
    for place, fields in enumerate(customers):
        answer = {"will_churn": False, "churn_probability": predictor.score_one(fields)}  # by another threshold
        records.append(
            PredictionRecord(
                f"p{place}",
                NOW,
                NOW.date(),
                "1",
                bundle.sha256,
                "key:crm",
                None,
                json.dumps(fields),
                json.dumps(answer),
            )
        )
    with open_store(settings.store.url) as store:
        write_records(store, records)


def test_a_challenger_answers_the_logged_requests_once_more(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, good, "1", BEFORE)
    on_trial(settings, bad, "2", NOW - timedelta(days=8))
    sent = [asked(months) for months in (1.0, 6.0, 12.0, 30.0, 60.0)]
    answered(settings, good, *sent)
    run_days(settings, EARLY)
    measured = measure(settings, now=NOW)
    figures = {one.name: one for one in measured.figures if one.part == "2"}
    verdicts = [[ChurnPredictor(one).score_one(row) >= 0.06 for row in sent] for one in (good, bad)]
    other = sum(before != after for before, after in zip(*verdicts, strict=True))
    assert (figures["shadow_refused"].numerator, figures["shadow_refused"].denominator) == (0, len(sent))
    assert figures["shadow_changed"].numerator == other > 0
    assert (figures["shadow_milliseconds"].value or 0) > 0


def test_a_challenger_that_would_refuse_what_callers_send_does_not_go_live(
    settings: Settings, good: Bundle, bad: Bundle
) -> None:
    live(settings, bad, "1", BEFORE)
    on_trial(settings, with_least_tenure(good, 24.0), "2", NOW - timedelta(days=8))
    sent = [asked(months) for months in (6.0, 30.0)]
    answered(settings, bad, *sent)
    run_days(settings, EARLY)
    measure(settings, now=NOW)
    found = review(settings, now=NOW)
    assert found.step == "refuse"
    assert "version 2 would refuse 1 of 2 requests that the champion answered" in found.sentence


def test_a_challenger_that_cannot_score_holds_up_no_run_and_is_refused(settings: Settings, good: Bundle) -> None:
    live(settings, good, "1", BEFORE)
    other = replace(
        good,
        contract=good.contract.model_copy(
            update={"features": {**good.contract.features, "unknown": good.contract.features["tenure"]}}
        ),
    )
    on_trial(settings, other, "2", NOW - timedelta(days=8))
    with capture_logs() as logs:
        assert run_day(settings, FINAL, now=NOW).run.shadow_sha256 is None
    assert [one["model_version"] for one in logs if one["event"] == "shadow_not_scored"] == ["2"]
    found = review(settings, now=NOW)
    assert (found.step, "scored no daily run" in found.sentence) == ("refuse", True)
