"""One challenger is on trial at a time, and each trial ends with a result."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from churn_mlops.deployment import StoredBundle
from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.database.database import Store
from churn_mlops.store.model_versions import ModelVersions
from churn_mlops.store.trials import end_trial, running_trial, start_trial, trials
from tests.companies.versions import version_of

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)


def register(store: Store, *numbers: int) -> list[str]:
    hashes = []
    for number in numbers:
        bundle = version_of(number)
        stored = StoredBundle(bundle.sha256, bundle.to_bytes(), {})
        ModelVersions(store).register(stored, version=str(number), model_type=bundle.model_type)
        hashes.append(bundle.sha256)
    return hashes


def test_a_newer_challenger_takes_the_place_of_the_one_on_trial(address: str) -> None:
    with open_store(address) as store:
        champion, second, third = register(store, 1, 2, 3)
        assert running_trial(store) is None
        start_trial(store, "2", second, champion, clock=lambda: NOW)
        start_trial(store, "3", third, champion, clock=lambda: NOW + timedelta(days=1))
        newest, before = trials(store, 5)
        assert (newest.version, newest.until, newest.result) == ("3", None, None)
        assert (before.version, before.until) == ("2", NOW + timedelta(days=1))
        assert before.result == "version 3 took its place"
        assert running_trial(store) == newest


def test_a_trial_ends_once(address: str) -> None:
    with open_store(address) as store:
        champion, second = register(store, 1, 2)
        start_trial(store, "2", second, champion, by="churn", clock=lambda: NOW)
        trial = running_trial(store)
        assert trial is not None
        end_trial(store, trial, "it earns less", clock=lambda: NOW + timedelta(days=7))
        end_trial(store, trial, "a second time", clock=lambda: NOW + timedelta(days=8))
        assert running_trial(store) is None
        (ended,) = trials(store, 5)
        assert (ended.until, ended.result) == (NOW + timedelta(days=7), "it earns less")
        names = [one.event for one in audit_events(store, limit=10)]
    assert (names.count("trial.started"), names.count("trial.ended")) == (1, 1)
