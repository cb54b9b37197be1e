"""A challenger on trial goes live or is refused, and a champion that earns less goes back by itself."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from churn_mlops.config import Settings
from churn_mlops.config.settings import Training
from churn_mlops.deployment import Deployment
from churn_mlops.models.bundle import Bundle
from churn_mlops.pipelines.deployment.deploy import champion
from churn_mlops.pipelines.deployment.review import decide_champion, decide_trial, review
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.pipelines.training.context import training_context
from churn_mlops.store import open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.measurements import StoredMeasurement
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.trials import Trial, running_trial, trials
from tests.pipelines.deployment.two_versions import (
    BEFORE,
    CUSTOMERS,
    EARLY,
    FINAL,
    NOW,
    live,
    on_trial,
    run_days,
    turned,
)

TRIAL = Trial("2", "b" * 64, "a" * 64, NOW)
TRAINING = Training(shadow_days=7)
LIVE = Deployment("2", "b" * 64, "logistic_regression", NOW, "why")


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


@pytest.mark.parametrize(("days", "step"), [(-1, "wait"), (-1.1, "refuse"), (-400, "refuse")])
def test_a_trial_by_a_clock_that_was_ahead_ends(days: float, step: str) -> None:
    found = decide_trial(TRIAL, 3, {}, TRAINING, "USD", TRIAL.since + timedelta(days=days))
    assert (found.step, "is dated ahead" in found.sentence) == (step, step == "refuse")
