"""A company with weekly runs and a campaign, in a store of each kind."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from churn_mlops.config import Settings, load_settings
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.assignments import assignments_in
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.schema import RUNS
from tests.companies.daily import DailyCompany, write_daily_company
from tests.pipelines.monitoring.measured_company import CUSTOMERS, NOW, WEEKS
from tests.postgres import copy_of_database, new_store


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> DailyCompany:
    return write_daily_company(tmp_path_factory.mktemp("company"), CUSTOMERS)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(request: pytest.FixtureRequest, company: DailyCompany, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a store to be copied: weekly runs, and a campaign whose customers were called."""
    address = f"sqlite:///{tmp_path_factory.mktemp('filled')}/churn.db"
    if request.param == "postgresql":
        address = new_store(request.getfixturevalue("postgres_server"))
    settings = load_settings(company.config("old", address, name=str(request.param)), {})
    campaign = NewCampaign(
        "Spring", "20 % off", 50.0, "Thank you.", WEEKS[0], "person:anna", only_worth=False, control_share=0.5,
        capacity=100, explore_share=0.0,
    )  # fmt: skip
    with open_store(address) as store:
        create_campaign(store, campaign)
    for day in WEEKS:
        run_day(settings, day, now=NOW)
    record_outcomes(settings, now=NOW)
    with open_store(address) as store:
        with store.writing("publish in the morning") as connection:
            connection.execute(update(RUNS).values(finished_at=NOW))
        treated = [
            one
            for one in assignments_in(store, 1, limit=10_000)
            if one.arm == "treated" and one.assigned_on < WEEKS[-1]
        ]
        for place, one in enumerate(treated[:30]):
            at = datetime(one.assigned_on.year, one.assigned_on.month, one.assigned_on.day, 12, tzinfo=UTC)
            call = NewContact(str(place), "a" * 64, one.customer, at, "20 % off", "accepted", "person:anna")
            if place % 3 == 0:
                call = replace(call, result="not_offered", dismissal="bad_time")
            record_contact(store, replace(call, campaign_id=1), clock=lambda: NOW)
    return address


@pytest.fixture
def settings(filled: str, company: DailyCompany, tmp_path: Path) -> Settings:
    """A company with a copy of the store of its own."""
    if filled.startswith("sqlite"):
        shutil.copy(filled.removeprefix("sqlite:///"), tmp_path / "churn.db")
        address = f"sqlite:///{tmp_path}/churn.db"
    else:
        address = copy_of_database(filled)
    return load_settings(company.config("old", address), {})
