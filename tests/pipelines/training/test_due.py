"""A training is due by the calendar, or sooner where the lists lose money; not while a challenger is on trial."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from churn_mlops.config import Settings
from churn_mlops.config.settings import Training
from churn_mlops.deployment import StoredBundle
from churn_mlops.pipelines.training.due import is_training_due
from churn_mlops.store import open_store
from churn_mlops.store.job_records import record_job
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from churn_mlops.store.model_versions import ModelVersions
from churn_mlops.store.trials import start_trial
from tests.companies.versions import version_of

NOW = datetime(2026, 11, 30, 2, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"store": {"url": f"sqlite:///{tmp_path}/churn.db"}, "training": {"due_days": 30}})


def trained(settings: Settings, days_ago: float, *, has_succeeded: bool = True) -> None:
    at = NOW - timedelta(days=days_ago)
    with open_store(settings.store.url) as store:
        record_job(store, "train", at, at, has_succeeded=has_succeeded)


def lost(settings: Settings, status: str, *, is_final: bool = True) -> None:
    figure = StoredMeasurement(
        "money_lost", "", 1234.0, 100.0, 2000.0, 1.0, 1.0, status, "", is_final, rows_as_of=date(2026, 10, 1)
    )
    with open_store(settings.store.url) as store:
        record_measurements(store, NOW.date(), [figure], clock=lambda: NOW)


def test_without_a_store_or_a_training_one_is_due(settings: Settings) -> None:
    assert is_training_due(settings, NOW).is_due
    trained(settings, 1, has_succeeded=False)
    assert is_training_due(settings, NOW).sentence == "nothing was trained yet"


@pytest.mark.parametrize(("days", "is_due"), [(29, False), (29.9, True), (30, True)])
def test_the_calendar_counts_from_the_last_training(settings: Settings, days: float, is_due: bool) -> None:
    trained(settings, days)
    found = is_training_due(settings, NOW)
    assert (found.is_due, f"the last training was {round(days)} days ago" in found.sentence) == (is_due, True)


def test_a_time_beyond_the_calendar_is_refused(settings: Settings) -> None:
    """The day on which a training is due would lie after the year 9999, which is no date."""
    trained(settings, 1)
    longest = settings.model_copy(update={"training": Training(due_days=36_500)})
    assert is_training_due(longest, NOW).sentence.endswith("the next is due on 2126-11-05")
    with pytest.raises(ValidationError, match="less than or equal to 36500"):
        Training(due_days=36_501)


@pytest.mark.parametrize(("days", "is_due"), [(-1, False), (-2, True), (-400, True)])
def test_a_training_by_a_clock_that_was_ahead_puts_none_off(settings: Settings, days: float, is_due: bool) -> None:
    trained(settings, days)
    found = is_training_due(settings, NOW)
    assert (found.is_due, f"dated {-days} days ahead" in found.sentence) == (is_due, is_due)


@pytest.mark.parametrize(
    ("days", "status", "is_final", "is_due"),
    [(7, "act", True, True), (6, "act", True, False), (7, "watch", True, False), (7, "act", False, False)],
)
def test_lost_money_makes_it_due_once_a_week(
    settings: Settings, days: float, status: str, is_final: bool, is_due: bool
) -> None:
    trained(settings, days)
    lost(settings, status, is_final=is_final)
    found = is_training_due(settings, NOW)
    assert found.is_due == is_due
    assert ("the lists lose 1,234 a month" in found.sentence) == is_due


def test_a_challenger_on_trial_comes_first(settings: Settings) -> None:
    trained(settings, 40)
    with open_store(settings.store.url) as store:
        for number in (1, 2):
            bundle = version_of(number)
            stored = StoredBundle(bundle.sha256, bundle.to_bytes(), {})
            ModelVersions(store).register(stored, version=str(number), model_type=bundle.model_type)
        start_trial(store, "2", version_of(2).sha256, version_of(1).sha256, clock=lambda: NOW)
    found = is_training_due(settings, NOW)
    assert (found.is_due, found.sentence) == (False, "version 2 is on trial; its result comes first")
