"""Figures that were kept are measured again where the settings, or the clock, make them wrong."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from churn_mlops.config import Settings, load_settings
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.schema import RUNS
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement, latest_measurements
from churn_mlops.store.scoring.predictions import predictions
from tests.companies.daily import DailyCompany, write_daily_company

NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
WEEKS = tuple(LAST_DAY - timedelta(days=back) for back in (126, 91, 49, 7))
"""Three dates with final labels, each of a horizon of its own, and one without."""
CHEAP = "{threshold: 0.06, offer_cost: 1.0, capacity: 5}"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[DailyCompany, Path]:
    """A company, and a store with weekly runs of it; fifty days before, the last of the list had an offer each."""
    company = write_daily_company(tmp_path_factory.mktemp("company"), 1500)
    store = tmp_path_factory.mktemp("filled") / "churn.db"
    settings = load_settings(company.config("old", f"sqlite:///{store}", decision=CHEAP), {})
    for day in WEEKS:
        run_day(settings, day, now=NOW)
    record_outcomes(settings, now=NOW)
    called = datetime.combine(WEEKS[0] - timedelta(days=50), NOW.time(), UTC)
    with open_store(settings.store.url) as opened:
        for one in list(predictions(opened, WEEKS[0], limit=2000))[-300:]:
            call = NewContact(one.customer, "a" * 64, one.customer, called, "20 % off", "accepted", "person:anna")
            record_contact(opened, call, clock=lambda: NOW)
    return company, store


@pytest.fixture
def settings(made: tuple[DailyCompany, Path], tmp_path: Path) -> Settings:
    """The company with a copy of the store of its own."""
    company, store = made
    shutil.copy(store, tmp_path / "churn.db")
    return load_settings(company.config("old", f"sqlite:///{tmp_path}/churn.db", decision=CHEAP), {})


def figures(measured: MeasuredDay) -> dict[str, StoredMeasurement]:
    """Final figures without a date."""
    return {one.name: one for one in measured.figures if one.is_final and not one.part}


def of_weeks(settings: Settings, now: datetime) -> dict[tuple[str, str], float | None]:
    """Gain and accuracy of the weeks that the offers are about."""
    measured = measure(settings, now=now)
    weeks = [str(day) for day in WEEKS[:2]]
    return {
        (one.name, one.part): one.value
        for one in measured.figures
        if one.name in ("list_gain", "auc", "calibration") and one.part in weeks
    }


def test_weeks_are_measured_again_where_an_offer_acts_for_another_time(settings: Settings) -> None:
    shorter = settings.model_copy(update={"decision": settings.decision.model_copy(update={"follow_days": 10})})
    first = of_weeks(settings, NOW)
    assert len(first) == 6
    assert None not in first.values()
    later = of_weeks(shorter, NOW + timedelta(hours=1))
    assert {place for place, value in later.items() if value != first[place]} == set(first)
    assert of_weeks(settings, NOW + timedelta(hours=2)) == first


def test_a_measurement_by_a_clock_that_was_ahead_does_not_stay_the_newest(settings: Settings) -> None:
    ahead = measure(settings, now=NOW + timedelta(days=400))
    with open_store(settings.store.url) as store:
        assert latest_measurements(store) == ahead
        measured = measure(settings, now=NOW)
        assert latest_measurements(store) == measured
        assert measured.measured_at == NOW


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(days=400)])
def test_labels_that_changed_count_also_where_the_clock_was_ahead(settings: Settings, ahead: timedelta) -> None:
    first = of_weeks(settings, NOW + ahead)
    with open_store(settings.store.url) as store, store.writing("look at the labels again") as connection:
        connection.exec_driver_sql("UPDATE outcomes SET left = 1 - left WHERE customer LIKE '%7'")
        connection.execute(update(RUNS).where(RUNS.c.matured_at.is_not(None)).values(checked_at=NOW))
    changed = of_weeks(settings, NOW + timedelta(minutes=1))
    assert {place for place, value in changed.items() if value != first[place]} == set(first)


def test_a_loss_is_not_known_where_lists_of_the_newest_horizon_have_no_gain(settings: Settings) -> None:
    """By lists before it alone, the figure would go on to say that nothing is lost."""
    first = figures(measure(settings, now=NOW))
    assert first["money_lost"].status == "good"
    called = datetime.combine(WEEKS[2], NOW.time(), UTC)
    with open_store(settings.store.url) as store:
        for one in list(predictions(store, WEEKS[2], limit=150)):
            call = NewContact(f"top{one.rank}", "a" * 64, one.customer, called, "20 % off", "accepted", "person:anna")
            record_contact(store, call, clock=lambda: NOW)
        with store.writing("look at the labels again") as connection:
            connection.execute(update(RUNS).where(RUNS.c.matured_at.is_not(None)).values(checked_at=NOW))
    hidden = figures(measure(settings, now=NOW - timedelta(hours=1)))
    assert {hidden[name].status for name in ("list_gain_then", "list_gain", "money_lost")} == {"too_little"}
    assert hidden["money_lost"].next_step.startswith("Draw a control group")
