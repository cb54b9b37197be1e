"""Which model was live when: one champion at a time, with many writers, and bundles that are what their hash says."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from churn_mlops.deployment import ANY, ChampionChangedError, Deployment, StoredBundle
from churn_mlops.errors import BundleError
from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.database.schema import BUNDLES
from churn_mlops.store.deployments import Deployments
from tests.store.builders import NOW


def bundle(name: str) -> StoredBundle:
    body = name.encode()
    return StoredBundle(hashlib.sha256(body).hexdigest(), b"{header}\n" + body + b"\n", {"of": name})


def at(store: Store, minutes: float) -> Deployments:
    return Deployments(store, clock=lambda: NOW + timedelta(minutes=minutes))


def deploy(
    deployments: Deployments, name: str, *, rollback: bool = False, expected: str | None = ANY, by: str = "churn"
) -> Deployment:
    return deployments.deploy(
        bundle(name),
        version=name,
        model_type="logistic_regression",
        reason=f"why {name}",
        rollback=rollback,
        expected_champion=expected,
        by=by,
    )


def in_folder(name: str, minutes: int) -> Deployment:
    since = NOW + timedelta(minutes=minutes)
    return Deployment(name, bundle(name).sha256, "logistic_regression", since, f"why {name}", until=since)


def versions(store: Store) -> list[str]:
    return [deployment.version for deployment in Deployments(store).history()]


def test_nothing_is_live_in_a_new_store(store: Store) -> None:
    deployments = Deployments(store)
    assert deployments.current() is None
    assert deployments.history() == ()
    with pytest.raises(BundleError, match="holds no model bundle"):
        deployments.bundle("0" * 64)


def test_the_last_deployment_is_the_champions_and_ends_the_one_before(store: Store) -> None:
    deploy(at(store, 0), "1")
    deploy(at(store, 5), "2")
    last = deploy(at(store, 9), "1", rollback=True)
    found = Deployments(store).history()
    assert [(one.version, one.rollback) for one in found] == [("1", False), ("2", False), ("1", True)]
    assert [one.until for one in found] == [found[1].since, found[2].since, None]
    assert Deployments(store).current() == found[-1] == last
    assert Deployment.from_entry(found[0].to_entry()) == found[0]


def test_a_deployment_starts_after_the_last_whatever_the_clock_says(store: Store) -> None:
    first = deploy(at(store, 5), "1")
    second = deploy(at(store, -600_000), "2")
    assert second.since == first.since + timedelta(milliseconds=1)
    assert versions(store) == ["1", "2"]


def test_the_audit_trail_names_the_principal_that_changed_the_champion(store: Store) -> None:
    deploy(at(store, 0), "1")
    deploy(at(store, 5), "2", rollback=True, by="cli:anna")
    found = audit_events(store, event="champion.changed")
    assert [(one.caller, one.details) for one in found] == [
        ("cli:anna", {"version": "2", "rollback": True, "reason": "why 2"}),
        ("churn", {"version": "1", "rollback": False, "reason": "why 1"}),
    ]


def test_a_deployment_decided_by_a_former_champion_is_refused(store: Store) -> None:
    deploy(at(store, 0), "1", expected=None)
    for former in (None, bundle("0").sha256):
        with pytest.raises(ChampionChangedError, match="another model went live"):
            deploy(at(store, 5), "2", expected=former)
    assert versions(store) == ["1"]
    with pytest.raises(BundleError, match="holds no model bundle"):
        Deployments(store).bundle(bundle("2").sha256)
    deploy(at(store, 5), "2", expected=bundle("1").sha256)
    assert versions(store) == ["1", "2"]


def test_of_many_that_deploy_the_first_model_in_parallel_only_one_succeeds(store: Store) -> None:
    together, refused = threading.Barrier(6), []

    def one_of_them(number: int) -> None:
        with open_store(store.address) as own:
            together.wait()
            try:
                deploy(at(own, number), str(number), expected=None)
            except ChampionChangedError:
                refused.append(number)

    threads = [threading.Thread(target=one_of_them, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    assert len(versions(store)) == 1


def test_the_history_of_a_folder_is_adopted_once_without_what_has_no_bundle(store: Store) -> None:
    folder = [in_folder("1", 0), in_folder("2", 5), in_folder("3", 9)]
    at(store, 20).adopt(folder, [bundle("1"), bundle("3")])
    found = Deployments(store).history()
    assert [(one.version, one.since) for one in found] == [("1", folder[0].since), ("3", folder[2].since)]
    assert [one.until for one in found] == [folder[2].since, None]
    assert [one.details["version"] for one in audit_events(store, event="champion.changed")] == ["3", "1"]
    at(store, 30).adopt([in_folder("4", 30)], [bundle("4")])
    assert Deployments(store).history() == found


def test_a_bundle_comes_back_as_it_was(store: Store) -> None:
    deploy(at(store, 0), "1")
    assert Deployments(store).bundle(bundle("1").sha256) == bundle("1")


def test_a_bundle_that_was_altered_is_neither_stored_nor_returned(store: Store) -> None:
    good, deployments = bundle("1"), at(store, 0)
    altered = StoredBundle(good.sha256, good.content + b"x", {})
    with pytest.raises(BundleError, match="truncated or was altered"):
        deployments.deploy(altered, version="1", model_type="logistic_regression", reason="why")
    with pytest.raises(BundleError, match="truncated or was altered"):
        deployments.adopt([in_folder("1", 0)], [altered])
    assert versions(store) == []
    deploy(deployments, "1")
    with store.writing("damage a bundle") as connection:
        connection.execute(update(BUNDLES).values(content=altered.content))
    with pytest.raises(BundleError, match="was altered in the store"):
        deployments.bundle(good.sha256)
    deploy(deployments, "1")  # to promote it again heals it
    assert deployments.bundle(good.sha256) == good


def test_how_the_bundles_were_made_is_read_without_them(store: Store) -> None:
    deploy(at(store, 0), "1")
    deploy(at(store, 1), "2")
    deploy(at(store, 2), "1", rollback=True)
    assert at(store, 3).provenance() == {bundle("1").sha256: {"of": "1"}, bundle("2").sha256: {"of": "2"}}
