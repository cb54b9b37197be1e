"""The versions that can be made live from the store: registered ones and those that were live."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from churn_mlops.deployment import StoredBundle
from churn_mlops.errors import BundleError
from churn_mlops.store import Store
from churn_mlops.store.database.schema import BUNDLES
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import CANDIDATES, ModelVersions
from churn_mlops.store.trials import start_trial
from tests.store.builders import NOW


def bundle(name: str, **made: str) -> StoredBundle:
    body = name.encode()
    return StoredBundle(hashlib.sha256(body).hexdigest(), b"{header}\n" + body + b"\n", {"of": name} | made)


def register(store: Store, number: int, **made: str) -> None:
    versions = ModelVersions(store, clock=lambda: NOW + timedelta(minutes=number))
    versions.register(bundle(str(number), **made), version=str(number), model_type="boosting")


def deploy(store: Store, number: int, version: str | None = None, minutes: int = 0) -> None:
    deployments = Deployments(store, clock=lambda: NOW + timedelta(minutes=minutes or number))
    name = version or str(number)
    deployments.deploy(bundle(str(number)), version=name, model_type="boosting", reason="why", by="person:anna")


def listed(store: Store) -> list[str]:
    return [one.version for one in ModelVersions(store).newest()]


def bundles(store: Store) -> int:
    with store.reading("count the bundles") as connection:
        return connection.scalar(select(func.count()).select_from(BUNDLES)) or 0


def test_a_registered_version_has_its_bundle_and_how_it_was_made(store: Store) -> None:
    register(store, 1, verdict="no signal")
    one = ModelVersions(store).one("1")
    assert one is not None
    assert (one.version, one.model_type, one.registered_at) == ("1", "boosting", NOW + timedelta(minutes=1))
    assert one.provenance == {"of": "1", "verdict": "no signal"}
    assert Deployments(store).bundle(one.sha256).content == bundle("1").content
    assert ModelVersions(store).one("2") is None


def test_a_version_that_is_registered_again_has_its_last_verdict_and_its_first_time(store: Store) -> None:
    register(store, 1, verdict="better")
    later = ModelVersions(store, clock=lambda: NOW + timedelta(days=1))
    later.register(bundle("1", verdict="worse"), version="1", model_type="boosting")
    (one,) = ModelVersions(store).newest()
    assert (one.provenance["verdict"], one.registered_at) == ("worse", NOW + timedelta(minutes=1))


def test_a_number_that_is_registered_again_with_another_bundle_is_a_new_version(store: Store) -> None:
    for number in range(1, CANDIDATES + 1):
        register(store, number)
    later = ModelVersions(store, clock=lambda: NOW + timedelta(days=1))
    later.register(bundle("another"), version="1", model_type="boosting")
    latest = ModelVersions(store).newest()[0]
    assert (latest.version, latest.sha256, latest.registered_at) == (
        "1",
        bundle("another").sha256,
        NOW + timedelta(days=1),
    )
    register(store, CANDIDATES + 1)
    assert "1" in listed(store)
    assert "2" not in listed(store)


def test_a_deployment_has_its_own_bundle_whatever_its_number_stands_for_by_now(store: Store) -> None:
    deploy(store, 1)
    register(store, 1, verdict="the first")
    (deployment,) = Deployments(store).history()
    versions = ModelVersions(store)
    assert versions.deployed(deployment) == versions.one("1")
    versions.register(bundle("another"), version="1", model_type="boosting")
    old = versions.deployed(deployment)
    assert (old.sha256, old.registered_at, old.provenance) == (bundle("1").sha256, deployment.since, {"of": "1"})


def test_a_number_that_was_live_with_another_bundle_is_dropped_as_the_others(store: Store) -> None:
    deploy(store, 1)
    ModelVersions(store, clock=lambda: NOW).register(bundle("another"), version="1", model_type="boosting")
    for number in range(2, CANDIDATES + 2):
        register(store, number)
    one = ModelVersions(store).one("1")
    assert one is not None
    assert one.sha256 == bundle("1").sha256
    assert bundles(store) == CANDIDATES + 1


def test_of_those_never_live_only_the_newest_stay_and_no_bundle_is_left_over(store: Store) -> None:
    register(store, 1)
    deploy(store, 1)
    for number in range(2, CANDIDATES + 4):
        register(store, number)
    assert listed(store) == [*map(str, range(CANDIDATES + 3, 3, -1)), "1"]
    assert bundles(store) == CANDIDATES + 1
    assert Deployments(store).bundle(bundle("1").sha256).content == bundle("1").content


def test_a_dropped_version_leaves_the_bundle_of_its_trial(store: Store) -> None:
    deploy(store, 1)
    register(store, 2)
    start_trial(store, "2", bundle("2").sha256, bundle("1").sha256, clock=lambda: NOW)
    for number in range(3, CANDIDATES + 4):
        register(store, number)
    assert "2" not in listed(store)
    assert Deployments(store).bundle(bundle("2").sha256).content == bundle("2").content


def test_a_dropped_version_leaves_the_bundle_that_another_one_shares(store: Store) -> None:
    deploy(store, 2, version="live", minutes=1)
    register(store, 2)  # the same bundle under another number
    for number in range(3, CANDIDATES + 4):
        register(store, number)
    assert "2" not in listed(store)
    assert Deployments(store).bundle(bundle("2").sha256).content == bundle("2").content


def test_a_version_that_went_live_without_being_registered_is_listed_once_by_its_first_day(store: Store) -> None:
    deploy(store, 1, minutes=1)
    register(store, 5)
    deploy(store, 1, minutes=9)
    assert listed(store) == ["5", "1"]
    one = ModelVersions(store).one("1")
    assert one is not None
    assert (one.registered_at, one.sha256, one.provenance) == (
        NOW + timedelta(minutes=1),
        bundle("1").sha256,
        {"of": "1"},
    )


def test_registering_the_bundle_that_is_live_leaves_how_the_live_one_was_made(store: Store) -> None:
    deploy(store, 1)
    versions = ModelVersions(store)
    versions.register(bundle("1", verdict="the same model"), version="2", model_type="boosting")
    assert Deployments(store).bundle(bundle("1").sha256).provenance == {"of": "1"}
    two = versions.one("2")
    assert two is not None
    assert two.provenance["verdict"] == "the same model"


def test_no_more_versions_are_listed_than_asked_for(store: Store) -> None:
    for number in range(1, 5):
        deploy(store, number)
    register(store, 9)
    assert [one.version for one in ModelVersions(store).newest(3)] == ["9", "4", "3"]


def test_a_bundle_that_is_not_what_its_hash_says_is_not_registered(store: Store) -> None:
    torn = StoredBundle(bundle("1").sha256, b"{header}\ntorn\n")
    with pytest.raises(BundleError, match="truncated or was altered"):
        ModelVersions(store).register(torn, version="1", model_type="boosting")
    assert listed(store) == []
    assert bundles(store) == 0


def test_who_made_a_version_live_stays_with_the_deployment(store: Store) -> None:
    deploy(store, 1)
    current = Deployments(store).current()
    assert current is not None
    assert current.deployed_by == "person:anna"
    assert "deployed_by" not in current.to_entry()  # a folder that an earlier program wrote or reads has no such key
