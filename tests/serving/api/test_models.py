"""``/api/models``: who may change what is live, by what they looked at, and that nothing broken goes live."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import update

from churn_mlops.config import Settings
from churn_mlops.deployment import StoredBundle
from churn_mlops.models.bundle import Bundle
from churn_mlops.serving.model.model_watcher import Deployed, ModelWatcher
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.database.schema import BUNDLES
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import ModelVersions
from tests.companies.registered import deploy, live, register, register_again
from tests.companies.versions import disagreeing, version_of
from tests.serving.access.secured_app import KEY_ROLES, Guarded, bearer, cookie, fill

WHY = {"reason": "simpler to explain"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Guarded:
    return fill(tmp_path_factory.mktemp("models"))


@pytest.fixture
def address(guarded: Guarded) -> str:
    """The store: version 1 was live, 2 is, 3 never was."""
    with open_store(guarded.address) as store, store.writing("empty") as connection:
        for table in ("live_periods", "model_versions", "bundles"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    register(guarded.address, 1, 2, 3)
    deploy(guarded.address, 1, 2)
    return guarded.address


@pytest.fixture
def client(guarded: Guarded, address: str, source: ModelSlot) -> Iterator[TestClient]:
    with guarded.client(source) as client:
        client.headers.update(bearer(guarded.keys["admin"]))
        yield client


def promote(client: TestClient, version: int | str, **body: object) -> Response:
    answer: Response = client.post(f"/api/models/{version}/promote", json=WHY | body)
    return answer


def test_an_admin_promotes_a_version_that_never_was_live(client: TestClient, address: str) -> None:
    answer = promote(client, 3, expected_champion=version_of(2).sha256, expected_bundle=version_of(3).sha256)
    assert answer.status_code == 200
    assert (answer.json()["version"], answer.json()["deployed_by"]) == ("3", "key:admin-key")
    assert live(address) == "3"
    with open_store(address) as store:
        event = audit_events(store, limit=1)[0]
        made = Deployments(store).bundle(version_of(3).sha256).provenance
    assert (event.event, event.caller) == ("champion.changed", "key:admin-key")
    assert event.details == {"version": "3", "rollback": False, "reason": WHY["reason"]}
    assert (made["of"], made["promoted_by_hand"]) == ("3", WHY["reason"])


def test_an_admin_rolls_back_and_forward_again(client: TestClient, address: str) -> None:
    back = client.post("/api/models/rollback", json=WHY | {"expected_champion": version_of(2).sha256})
    assert (back.status_code, back.json()["version"], back.json()["rollback"]) == (200, "1", True)
    assert promote(client, 2).status_code == 200
    assert live(address) == "2"


def test_the_versions_and_deployments_are_listed_the_newest_first(client: TestClient) -> None:
    found = client.get("/api/models").json()
    assert [(one["version"], one["is_live"]) for one in found["versions"]] == [("3", False), ("2", True), ("1", False)]
    assert found["versions"][0]["metrics"]["auc"]["value"] == 0.83
    assert [(one["version"], one["to"] is None) for one in found["live"]] == [("2", True), ("1", False)]


def test_another_bundle_under_the_number_that_is_live_is_not_live(client: TestClient, address: str) -> None:
    register_again(address, 2, 7)
    assert {one["version"]: one["is_live"] for one in client.get("/api/models").json()["versions"]}["2"] is False
    assert promote(client, 2).json()["sha256"] == version_of(7).sha256


def test_a_running_server_takes_over_what_was_promoted(client: TestClient, address: str, tmp_path: Path) -> None:
    settings = Settings.model_validate({"models": {"folder": tmp_path}, "store": {"url": address}})
    link, slot = StoreClient(address), ModelSlot()
    watcher = ModelWatcher(settings, link, slot)
    watcher.first()
    promote(client, 3)
    polled = watcher.poll()
    assert isinstance(polled, Deployed)
    assert polled.model.sha256 == version_of(3).sha256
    link.close()


@pytest.mark.parametrize("role", [role for role in KEY_ROLES if role != "admin"])
def test_no_other_role_reads_or_changes_what_is_live(client: TestClient, guarded: Guarded, role: str) -> None:
    headers = bearer(guarded.keys[role])
    for path in ("/api/models/3/promote", "/api/models/rollback"):
        assert client.post(path, json=WHY, headers=headers).status_code == 403
    assert client.get("/api/models", headers=headers).status_code == 403
    assert live(guarded.address) == "2"


def test_a_session_changes_nothing_without_its_token(client: TestClient, guarded: Guarded) -> None:
    del client.headers["Authorization"]
    foreign = cookie(guarded.sessions["admin"], csrf=guarded.sessions["agent"][1])
    for headers in (foreign, {"Cookie": foreign["Cookie"]}):
        assert client.post("/api/models/3/promote", json=WHY, headers=headers).status_code == 403
    assert live(guarded.address) == "2"
    own = cookie(guarded.sessions["admin"])
    assert client.post("/api/models/3/promote", json=WHY, headers=own).json()["deployed_by"] == "person:admin-person"


@pytest.mark.parametrize("reason", ["", " ", "two\nlines", "x" * 2001, None, 3, ["a"]])
def test_a_reason_is_a_line_of_text(client: TestClient, address: str, reason: object) -> None:
    for path in ("/api/models/3/promote", "/api/models/rollback"):
        answer = client.post(path, json={"reason": reason})
        assert answer.status_code == 422
        assert answer.json()["fields"][0]["field"] == "reason"
    assert live(address) == "2"


def test_a_promotion_by_what_is_no_longer_live_says_what_is_and_by_whom(client: TestClient, address: str) -> None:
    deploy(address, 3, by="person:bob")
    for path in ("/api/models/1/promote", "/api/models/rollback"):
        answer = client.post(path, json=WHY | {"expected_champion": version_of(2).sha256})
        assert answer.status_code == 409
        assert "version 3 is, made live by person:bob; nothing was changed" in answer.json()["error"]
    assert promote(client, 1, expected_champion="none").status_code == 409
    assert live(address) == "3"


def test_a_version_that_was_registered_again_is_not_the_one_that_was_looked_at(client: TestClient) -> None:
    answer = promote(client, 3, expected_bundle=version_of(7).sha256)
    assert (answer.status_code, answer.json()["error"]) == (409, "version 3 was registered again, with another bundle")


def test_the_version_that_is_live_is_not_promoted_again(client: TestClient, address: str) -> None:
    assert promote(client, 2).json()["error"] == "version 2 is live already"
    with open_store(address) as store:
        assert len(Deployments(store).history()) == 2


@pytest.mark.parametrize("version", ["4", "99999999"])
def test_an_unknown_version_is_not_found(client: TestClient, version: str) -> None:
    assert promote(client, version).status_code == 404


@pytest.mark.parametrize("version", ["0", "x", "-1", "1e3", "\u0661", "1" * 10, "%27--", "<b>"])
def test_what_is_no_number_of_a_version_is_refused(client: TestClient, version: str) -> None:
    assert promote(client, version).status_code == 422


def test_without_an_earlier_version_there_is_no_rollback(client: TestClient, address: str) -> None:
    assert client.post("/api/models/rollback", json=WHY).status_code == 200
    answer = client.post("/api/models/rollback", json=WHY)
    assert (answer.status_code, live(address)) == (409, "1")
    assert "nothing to roll back to" in answer.json()["error"]


def test_a_bundle_that_was_altered_in_the_store_does_not_go_live(client: TestClient, address: str) -> None:
    for number in (1, 3):
        with open_store(address) as store, store.writing("damage a bundle") as connection:
            damaged = BUNDLES.c.sha256 == version_of(number).sha256
            connection.execute(update(BUNDLES).where(damaged).values(content=b"{}\n{}\n"))
    for answer in (promote(client, 3), client.post("/api/models/rollback", json=WHY)):
        assert answer.status_code == 409
        assert "was altered in the store" in answer.json()["error"]
    assert live(address) == "2"


def test_a_bundle_that_does_not_give_its_own_scores_does_not_go_live(client: TestClient, address: str) -> None:
    register_bundle(address, disagreeing(4), "4")
    answer = promote(client, 4)
    assert answer.status_code == 409
    assert answer.json()["error"].startswith("it does not go live: ")
    assert live(address) == "2"


def register_bundle(address: str, bundle: Bundle, version: str) -> None:
    with open_store(address) as store:
        stored = StoredBundle(bundle.sha256, bundle.to_bytes(), {})
        ModelVersions(store).register(stored, version=version, model_type=bundle.model_type)


def test_of_two_admins_at_the_same_time_one_is_refused(client: TestClient, address: str) -> None:
    start, statuses = threading.Barrier(2), []

    def decide(version: int) -> None:
        start.wait()
        statuses.append(promote(client, version, expected_champion=version_of(2).sha256).status_code)

    threads = [threading.Thread(target=decide, args=(version,)) for version in (1, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]
    with open_store(address) as store:
        assert len(Deployments(store).history()) == 3


def test_a_rollback_sent_twice_goes_back_once_where_two_versions_are_identical(
    client: TestClient, address: str
) -> None:
    with open_store(address) as store:
        second = version_of(2)
        twin = Deployments(store).bundle(second.sha256)
        ModelVersions(store).register(twin, version="20", model_type=second.model_type)
    assert promote(client, 20).status_code == 200
    seen = {"expected_champion": second.sha256, "expected_bundle": second.sha256}
    assert [client.post("/api/models/rollback", json=WHY | seen).status_code for _ in range(2)] == [200, 409]
    assert live(address) == "2"


def test_two_rollbacks_of_one_champion_go_back_one_step(client: TestClient, address: str) -> None:
    promote(client, 3)
    seen = {"expected_champion": version_of(3).sha256}
    assert [client.post("/api/models/rollback", json=WHY | seen).status_code for _ in range(2)] == [200, 409]
    assert live(address) == "2"
