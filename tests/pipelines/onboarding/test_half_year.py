"""The demo company works half a year with lists before its present model: all records follow from its truth."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from churn_mlops.config import Settings
from churn_mlops.data.demo_company.months import LAST_DAY
from churn_mlops.pipelines.onboarding import half_year
from churn_mlops.pipelines.onboarding.demo import FIRST_REASON, last_day_in, make_company
from churn_mlops.pipelines.onboarding.demo_places import demo_settings
from churn_mlops.pipelines.onboarding.half_year import EVERY_DAYS, live_half_year
from churn_mlops.pipelines.onboarding.past_model import MODEL_TYPE
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.arm_outcomes import arm_outcomes
from churn_mlops.store.campaigns.campaigns import counts_of
from churn_mlops.store.contacts import contacts
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import ModelVersions
from churn_mlops.store.scoring.run_scores import runs_since

LISTS = 5


def test_half_a_year_leaves_lists_campaigns_contacts_and_outcomes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(half_year, "LISTS", LISTS)
    assert make_company(tmp_path, 1000, 9, 1, LAST_DAY)
    settings = demo_settings(Settings(), tmp_path)
    assert last_day_in(tmp_path) == LAST_DAY
    found = live_half_year(settings, tmp_path, LAST_DAY, 1)
    with open_store(settings.store.url) as store:
        runs = runs_since(store, LAST_DAY - timedelta(days=365))
        made = contacts(store, limit=10_000)
        works, fails = arm_outcomes(store)
        arms = [counts_of(store, one.campaign_id) for one in (works, fails)]
        first = ModelVersions(store).newest()
        (deployment,) = Deployments(store).history()
    # The lists were scored by the version of that time, which went live with the first of them.
    assert {run.model_version for run in runs} == {deployment.version} == {one.version for one in first}
    assert (deployment.reason, deployment.model_type) == (FIRST_REASON, MODEL_TYPE)
    assert deployment.since.date() == runs[0].as_of
    assert first[0].provenance["as_of_dates"] <= [str(runs[0].as_of - timedelta(days=37))]
    assert {"metrics", "curves", "verdict", "set_aside"} <= set(first[0].provenance)
    assert [run.as_of for run in runs] == [LAST_DAY - timedelta(days=EVERY_DAYS * k) for k in range(LISTS, 0, -1)]
    assert [run.matured_at is not None for run in runs] == [True, True, True, True, False]
    assert (found.lists, found.contacts) == (LISTS, len(made))
    assert len(made) > 50
    assert all(one.treated > 0 and one.control > 0 and one.overrides == 0 for one in arms)
    assert 0 < works.treated_stayed < works.treated
    # Every contact is with a customer of its campaign, and none lies after the last day.
    assert {one.campaign_id for one in made} == {1, 2}
    assert max(one.at.date() for one in made) <= LAST_DAY
