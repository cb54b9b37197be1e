"""The version in the shadow is the one that scored the newest run beside the version that is live now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from churn_mlops.models.promotion import roll_back
from churn_mlops.store import open_store
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.shadow import in_shadow, shadow_figures
from churn_mlops.store.trials import start_trial
from tests.companies.registered import deploy, register
from tests.companies.versions import version_of
from tests.store.builders import DAY, NOW, batches, run


def published(address: str, champion: int, shadow: int) -> None:
    """A run of two versions, and the figure that compares them."""
    with open_store(address) as store:
        new = replace(
            run(), model_sha256=version_of(champion).sha256, shadow_version=str(shadow),
            shadow_sha256=version_of(shadow).sha256, shadow_seconds=1.5,
        )  # fmt: skip
        publish(store, new, batches(3), clock=lambda: NOW)
        parts = (str(shadow), "other")
        figures = [StoredMeasurement("shadow_gain", part, 120, -40, 280, 1120, 1000, "good", "Wait.") for part in parts]
        record_measurements(store, DAY, figures)  # after the versions went live


def test_the_version_before_is_watched(address: str) -> None:
    register(address, 1, 2)
    deploy(address, 1, 2)
    with open_store(address) as store:
        assert in_shadow(store) is None
    published(address, 2, 1)
    with open_store(address) as store:
        found = in_shadow(store)
    assert found is not None
    assert (found.version, found.trial, found.runs, found.as_of) == ("1", None, None, DAY)
    assert (found.customers, found.seconds) == (3, 1.5)
    assert found.gain is not None
    assert (found.gain.value, found.refused) == (120, None)


def test_after_a_rollback_the_version_of_an_earlier_run_is_not_in_the_shadow_any_more(address: str) -> None:
    register(address, 1, 2, 3)
    deploy(address, 1, 2)
    published(address, 2, 1)
    deploy(address, 3)
    with open_store(address) as store:
        live = roll_back(Deployments(store), reason="a bad list", by="anna")
        assert (live.version, live.rollback) == ("2", True)
        assert in_shadow(store) is None


def test_figures_from_before_the_champion_went_live_are_of_other_versions(address: str) -> None:
    register(address, 1, 2)
    deploy(address, 1, 2)
    published(address, 2, 1)
    with open_store(address) as store:
        now = utc_now()
        assert set(shadow_figures(store, "1", now - timedelta(hours=1))) == {"shadow_gain"}
        assert shadow_figures(store, "1", now + timedelta(minutes=1)) == {}


def test_a_challenger_on_trial_counts_its_runs(address: str) -> None:
    register(address, 1, 2)
    deploy(address, 1)
    with open_store(address) as store:
        start_trial(store, "2", version_of(2).sha256, version_of(1).sha256, clock=lambda: NOW)
    published(address, 1, 2)
    with open_store(address) as store:
        found = in_shadow(store)
    assert found is not None
    assert (found.version, found.runs) == ("2", 1)
    assert found.trial is not None
    assert found.trial.since == NOW


def test_after_a_change_the_newest_run_says_nothing_of_the_version_that_is_live(address: str) -> None:
    register(address, 1, 2)
    deploy(address, 1, 2)
    published(address, 2, 1)
    deploy(address, 1)
    with open_store(address) as store:
        assert in_shadow(store) is None
