"""A challenger on trial goes live or is refused, and a champion that earns less goes back by itself."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from churn_mlops.config import Settings, load_settings
from churn_mlops.config.settings import Training
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.deployment import Deployment, StoredBundle
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import AdditiveTables
from churn_mlops.pipelines.deployment.deploy import Deployer, champion
from churn_mlops.pipelines.deployment.review import decide_champion, decide_trial, review
from churn_mlops.pipelines.inputs.open_source import open_history
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.pipelines.training.context import training_context
from churn_mlops.store import open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.measurements import StoredMeasurement
from churn_mlops.store.prediction_log import PredictionRecord, write_records
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.run_scores import run_scores
from churn_mlops.store.scoring.runs import latest_run
from churn_mlops.store.trials import Trial, running_trial, start_trial, trials
from tests.companies.daily import DailyCompany, write_daily_company

CUSTOMERS = 4000
NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(days=80)
FINAL, EARLY = (LAST_DAY - timedelta(days=back) for back in (49, 21))
TRIAL = Trial("2", "b" * 64, "a" * 64, NOW)
TRAINING = Training(shadow_days=7)
LIVE = Deployment("2", "b" * 64, "logistic_regression", NOW, "why")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> DailyCompany:
    return write_daily_company(tmp_path_factory.mktemp("company"), CUSTOMERS)


@pytest.fixture
def settings(company: DailyCompany, tmp_path: Path) -> Settings:
    """A company whose store and models folder are empty."""
    decision = "{threshold: 0.06, customer_value: 600, offer_cost: 20, kept_share: 0.5}"
    path = company.config(
        "old", f"sqlite:///{tmp_path}/churn.db", decision=decision, models=f"{{folder: {tmp_path}/models}}",
        mlflow=f'{{uri: "sqlite:///{tmp_path}/mlflow.db", artifacts: {tmp_path}/artifacts}}',
        training="{shadow_days: 7}",
    )  # fmt: skip
    return load_settings(path, {})


@pytest.fixture
def good(company: DailyCompany) -> Bundle:
    found = BundleCache(company.folder / "models").champion()
    assert found is not None
    return found.bundle


@pytest.fixture
def bad(good: Bundle) -> Bundle:
    """The same model turned round: it gives the highest scores to those who stay."""
    return turned(good)


def turned(bundle: Bundle) -> Bundle:
    assert isinstance(bundle.model, AdditiveTables)
    shift = -6.0  # log-odds of about -3, turned round, are about -3 again
    checks = [
        {**check, "score": 1 / (1 + (check["score"] / (1 - check["score"])) / np.exp(shift))} for check in bundle.checks
    ]
    return replace(bundle, model=bundle.model.scaled(shift, -1.0), checks=tuple(checks))


def live(settings: Settings, bundle: Bundle, version: str, at: datetime) -> None:
    """Make a version live at a time of the past."""
    stored = StoredBundle(bundle.sha256, bundle.to_bytes(), {"as_of_dates": []})
    with open_store(settings.store.url) as store:
        Deployments(store, lambda: at).deploy(stored, version=version, model_type=bundle.model_type, reason="first")


def on_trial(settings: Settings, bundle: Bundle, version: str, at: datetime) -> None:
    """Start the trial of a version."""
    current = champion(settings)
    assert current is not None
    Deployer(settings).register(bundle, version=version, provenance={})
    with open_store(settings.store.url) as store:
        start_trial(store, version, bundle.sha256, current.bundle.sha256, clock=lambda: at)


def run_days(settings: Settings, *days: date) -> None:
    for day in days:
        run_day(settings, day, now=NOW)
    record_outcomes(settings, now=NOW)


@pytest.mark.parametrize("day", [FINAL, EARLY])
def test_a_champion_that_earns_less_goes_back_by_itself(
    settings: Settings, good: Bundle, bad: Bundle, day: date
) -> None:
    live(settings, good, "1", BEFORE)
    live(settings, bad, "2", BEFORE + timedelta(days=30))
    run_days(settings, day)
    measured = measure(settings, now=NOW)
    gain = next(one for one in measured.figures if one.name == "shadow_gain")
    assert (gain.part, gain.is_final) == ("1", day == FINAL)
    assert (gain.low or 0.0) > 0
    with capture_logs() as logs:
        found = review(settings, now=NOW)
    assert found.step == "roll_back"
    assert "version 2 earns less than the one before beyond noise" in found.sentence
    current = champion(settings)
    assert current is not None
    assert (current.version, current.deployment.rollback, current.deployment.reason) == ("1", True, found.sentence)
    assert [one["step"] for one in logs if one["event"] == "models_reviewed"] == ["roll_back"]
    assert review(settings, now=NOW).step == "nothing"  # the version that came back is not watched


def test_offers_without_a_control_group_hide_whose_lists_are_better(
    settings: Settings, good: Bundle, bad: Bundle
) -> None:
    live(settings, good, "1", BEFORE)
    live(settings, bad, "2", BEFORE + timedelta(days=30))
    run_days(settings, FINAL)
    at = datetime.combine(FINAL + timedelta(days=1), datetime.min.time(), UTC)
    with open_store(settings.store.url) as store:
        for one in predictions(store, FINAL, limit=CUSTOMERS // 10):
            made = NewContact(one.customer, "a" * 64, one.customer, at, "20 % off", "offered", "key:crm")
            record_contact(store, made)
    found = next(one for one in measure(settings, now=NOW).figures if one.name == "shadow_gain")
    assert (found.value, found.status, "control group" in found.next_step) == (None, "too_little", True)
    assert review(settings, now=NOW).step == "nothing"


def test_a_champion_that_earns_more_stays(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, bad, "1", BEFORE)
    live(settings, good, "2", BEFORE + timedelta(days=30))
    run_days(settings, FINAL)
    measure(settings, now=NOW)
    assert review(settings, now=NOW).step == "nothing"
    current = champion(settings)
    assert current is not None
    assert current.version == "2"


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


def test_a_challenger_goes_live_after_its_trial(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, bad, "1", BEFORE)
    on_trial(settings, good, "2", NOW - timedelta(days=3))
    run_days(settings, FINAL)
    measure(settings, now=NOW)
    assert review(settings, now=NOW).step == "wait"
    found = review(settings, now=NOW + timedelta(days=5))
    assert found.step == "promote"
    current = champion(settings)
    assert current is not None
    assert (current.version, current.deployment.reason) == ("2", found.sentence)
    with open_store(settings.store.url) as store:
        assert running_trial(store) is None
        assert trials(store, 1)[0].result == found.sentence


def test_a_challenger_that_earns_less_is_refused(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, good, "1", BEFORE)
    on_trial(settings, bad, "2", NOW - timedelta(days=8))
    run_days(settings, EARLY)
    measure(settings, now=NOW)
    found = review(settings, now=NOW)
    assert found.step == "refuse"
    assert re.search(r"version 2 earns less than the champion beyond noise: .* earn [\d,]+ USD a month", found.sentence)
    current = champion(settings)
    assert current is not None
    assert current.version == "1"
    assert review(settings, now=NOW).step == "nothing"


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


def test_a_trial_on_spark_ends(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, good, "1", BEFORE)
    on_trial(settings, bad, "2", NOW - timedelta(days=8))
    source = settings.source.model_copy(update={"url": "spark://cluster:7077/crm"})
    on_spark = settings.model_copy(update={"source": source})
    assert training_context(on_spark).promotion.shadow_days == 0
    assert training_context(settings).promotion.shadow_days == 7
    assert review(on_spark, now=NOW).step == "refuse"
    with open_store(settings.store.url) as store:
        assert running_trial(store) is None


def test_a_version_that_a_person_makes_live_again_does_not_go_back_by_old_runs(
    settings: Settings, good: Bundle, bad: Bundle
) -> None:
    live(settings, good, "1", BEFORE)
    live(settings, bad, "2", BEFORE + timedelta(days=30))
    run_days(settings, FINAL)
    measure(settings, now=NOW)
    assert review(settings, now=NOW).step == "roll_back"
    again = datetime.now(UTC) + timedelta(minutes=1)
    live(settings, bad, "2", again)
    measure(settings, now=again + timedelta(hours=1))
    assert review(settings, now=again + timedelta(hours=1)).step == "nothing"


def test_a_trial_ends_where_another_version_goes_live(settings: Settings, good: Bundle, bad: Bundle) -> None:
    live(settings, good, "1", BEFORE)
    on_trial(settings, bad, "2", NOW - timedelta(days=8))
    live(settings, turned(bad), "3", NOW - timedelta(days=1))
    review(settings, now=NOW)
    with open_store(settings.store.url) as store:
        assert running_trial(store) is None
        assert trials(store, 1)[0].result == "version 3 went live meanwhile"


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


def gain(value: float, error: float, champion_gain: float = 10_000.0) -> StoredMeasurement:
    """A figure with this standard error."""
    half = 2.045 * error
    return StoredMeasurement(
        "shadow_gain", "1", value, value - half, value + half, champion_gain + value, champion_gain, "good", "", True,
        rows_as_of=FINAL,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "training", "step"),
    [
        (None, TRAINING, "nothing"),
        (gain(3100, 1000), TRAINING, "roll_back"),
        (gain(2900, 1000), TRAINING, "nothing"),  # beyond a 95 % interval, which daily looks would pass by chance
        (gain(400, 100), TRAINING, "nothing"),  # 4 % of what the champion earns
        (gain(3100, 1000), TRAINING.model_copy(update={"least_gain": 4000.0}), "nothing"),
        (gain(-3100, 1000), TRAINING, "nothing"),
        (gain(0, 0), TRAINING, "nothing"),
    ],
)
def test_a_champion_goes_back_only_beyond_doubt_and_for_enough_money(
    figure: StoredMeasurement | None, training: Training, step: str
) -> None:
    assert decide_champion(LIVE, figure, training, "USD").step == step


@pytest.mark.parametrize(
    ("days", "runs", "figure", "step"),
    [
        (6, 6, gain(5000, 100), "wait"),
        (7, 7, None, "promote"),
        (7, 7, gain(-100, 1000), "promote"),
        (7, 7, gain(-3000, 1000), "refuse"),
        (7, 0, None, "refuse"),
    ],
)
def test_a_trial_ends_after_its_days(days: int, runs: int, figure: StoredMeasurement | None, step: str) -> None:
    figures = {} if figure is None else {"shadow_gain": figure}
    found = decide_trial(TRIAL, runs, figures, TRAINING, "USD", NOW + timedelta(days=days))
    assert found.step == step
    assert ("no worse" in found.sentence) == (step == "promote" and figure is not None)
