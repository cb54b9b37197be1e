"""A company with a good version and a bad one, of which one is live and the other was, or is on trial."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from churn_mlops.config import Settings
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.deployment import StoredBundle
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.scorers.lookup_tables import AdditiveTables
from churn_mlops.pipelines.deployment.deploy import Deployer, champion
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.trials import start_trial

CUSTOMERS = 4000
NOW = datetime(2026, 11, 1, 6, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(days=80)
FINAL, EARLY = (LAST_DAY - timedelta(days=back) for back in (49, 21))


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
