"""A running server takes up a new champion without a failed or a wrong answer, and never one that cannot be trusted."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.deployment import StoredBundle
from churn_mlops.errors import BundleError, PromotionError, StoreError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.deployment.deploy import Deployer
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.model_watcher import Deployed, ModelWatcher, Unchanged
from churn_mlops.serving.model.served_model import ModelSlot, Rejected
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.deployments import Deployments
from tests.companies.models_folder import Source, fill_folder
from tests.companies.versions import CUSTOMER, disagreeing, version_of
from tests.serving.running import running


class Replica:
    """A server's source and watch, with a folder of its own; the store is shared with others."""

    made: ClassVar[list[Replica]] = []

    def __init__(self, folder: Path, address: str, **serving: float) -> None:
        self.settings = Settings.model_validate(
            {"models": {"folder": folder}, "store": {"url": address}, "serving": serving}
        )
        self.is_down, self.address = False, address
        self.source = ModelSlot()
        self.link = StoreClient(address, self._open)
        self.watch = ModelWatcher(self.settings, self.link, self.source)
        self.made.append(self)

    def _open(self, _: str) -> Store:
        if self.is_down:
            raise StoreError("the store cannot be reached")
        return open_store(self.address)

    @property
    def version(self) -> str | None:
        return self.source.current and self.source.current.version


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    yield
    while Replica.made:
        Replica.made.pop().link.close()


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/churn.db"


@pytest.fixture
def elsewhere(tmp_path: Path, address: str) -> Deployer:
    """The machine on which models are promoted; version 1 is live."""
    settings = Settings.model_validate({"models": {"folder": tmp_path / "elsewhere"}, "store": {"url": address}})
    deployer = Deployer(settings)
    deploy(deployer, 1)
    return deployer


@pytest.fixture
def replica(tmp_path: Path, address: str, elsewhere: Deployer) -> Replica:
    """A replica that serves version 1."""
    replica = Replica(tmp_path / "replica", address)
    replica.watch.first()
    assert replica.version == "1"
    return replica


def deploy(deployer: Deployer, number: int) -> None:
    deployer.deploy(version_of(number), version=str(number), provenance={}, reason="better")


def plant(address: str, version: str, sha256: str, content: bytes) -> None:
    """Make a bundle live that a promotion would refuse."""
    with open_store(address) as store:
        stored = StoredBundle(sha256, content)
        Deployments(store).deploy(stored, version=version, model_type="logistic_regression", reason="planted")


def plant_disagreeing(address: str, number: int) -> None:
    bundle = disagreeing(number)
    plant(address, str(number), bundle.sha256, bundle.to_bytes())


def test_a_promotion_elsewhere_and_a_rollback_are_taken_up(replica: Replica, elsewhere: Deployer) -> None:
    deploy(elsewhere, 2)
    assert replica.version == "1"
    polled = replica.watch.poll()
    assert isinstance(polled, Deployed)
    assert polled.model is replica.source.current
    assert replica.version == "2"
    assert replica.watch.poll() == Unchanged()
    elsewhere.rollback("it was worse")
    replica.watch.poll()
    assert (replica.version, replica.source.changes) == ("1", 2)
    history = BundleCache(replica.settings.models.folder).history()
    assert [deployment.version for deployment in history] == ["1", "2", "1"]


def test_a_folder_that_contradicts_the_store_is_not_served(replica: Replica) -> None:
    fill_folder(replica.settings.models.folder, version_of(8), version_of(9), version="8")
    assert replica.watch.poll() == Unchanged()
    assert replica.version == "1"


def test_without_a_store_the_folder_says_what_is_live_also_when_it_changes(tmp_path: Path, address: str) -> None:
    source, cache = Source(), BundleCache(tmp_path / "alone")
    source.deploy(version_of(1), "1", provenance={})
    cache.follow(source)
    replica = Replica(cache.folder, address)
    replica.watch.first()
    source.deploy(version_of(2), "2", provenance={})
    cache.follow(source)
    assert isinstance(replica.watch.poll(), Deployed)
    assert replica.version == "2"
    assert not (tmp_path / "churn.db").exists()


def test_a_store_that_was_restored_from_a_backup_is_followed_back(
    replica: Replica, elsewhere: Deployer, tmp_path: Path, address: str
) -> None:
    backup = f"sqlite:///{tmp_path}/backup.db"
    with open_store(address) as store, open_store(backup) as copy:
        deployments = Deployments(store)
        Deployments(copy).adopt(deployments.history(), [deployments.bundle(version_of(1).sha256)])
    deploy(elsewhere, 2)
    replica.watch.poll()
    assert replica.version == "2"
    replica.link.close()
    replica.address = backup
    replica.watch.poll()
    assert replica.version == "1"


def test_a_bundle_that_disagrees_with_its_recorded_scores_never_goes_live(
    replica: Replica, elsewhere: Deployer, address: str
) -> None:
    plant_disagreeing(address, 2)
    for _ in range(3):  # it is tried once
        replica.watch.poll()
    assert (replica.version, replica.source.rejected) == ("1", Rejected("2", "broken"))
    with TestClient(create_app(replica.source, replica.settings), base_url="http://localhost") as client:
        ready = {"status": "ready", "model_version": "1", "champion_refused": "version 2: broken"}
        assert client.get("/ready").json() == ready
        counted = client.get("/metrics").text
        assert 'churn_champion_refused_total{reason="broken"} 1.0' in counted
        deploy(elsewhere, 3)
        replica.watch.poll()
        assert client.get("/ready").json() == {"status": "ready", "model_version": "3"}
        assert "churn_champion_changes_total 1.0" in client.get("/metrics").text


@pytest.mark.parametrize("content", [b"{}\n{}\n", b"{}\n\xff\xfe\n"], ids=["no model", "no text"])
def test_what_is_no_model_never_goes_live(replica: Replica, address: str, content: bytes) -> None:
    plant(address, "2", hashlib.sha256(content.splitlines()[1]).hexdigest(), content)
    assert replica.watch.poll() == Rejected("2", "broken")
    assert (replica.version, replica.source.rejected) == ("1", Rejected("2", "broken"))


def test_a_poll_that_fails_in_an_unknown_way_is_not_the_last(
    elsewhere: Deployer, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(tmp_path / "replica", address, champion_seconds=0.001)
    replica.watch.first()
    polls, ended = iter([RecursionError(), MemoryError(), None]), threading.Event()

    def poll() -> None:
        error = next(polls, None)
        if error is not None:
            raise error
        ended.set()

    monkeypatch.setattr(replica.watch, "poll", poll)
    replica.watch.start()
    assert ended.wait(10)
    replica.watch.stop()


@pytest.mark.parametrize("limit", ["champion_score_ms", "champion_load_seconds"])
def test_a_slow_bundle_never_goes_live(
    tmp_path: Path, address: str, elsewhere: Deployer, replica: Replica, limit: str
) -> None:
    strict = Replica(tmp_path / "strict", address, **{limit: 1e-9})
    strict.source.current = replica.source.current
    deploy(elsewhere, 2)
    strict.watch.poll()
    assert (strict.version, strict.source.rejected) == ("1", Rejected("2", "slow"))


def test_while_the_store_is_unavailable_the_live_model_stays_and_a_start_finds_it_in_the_folder(
    replica: Replica, elsewhere: Deployer, tmp_path: Path, address: str
) -> None:
    deploy(elsewhere, 2)
    replica.watch.poll()
    started = Replica(replica.settings.models.folder, address)
    started.is_down = True
    started.watch.first()
    assert started.version == "2"
    deploy(elsewhere, 3)
    started.watch.poll()
    assert started.version == "2"


def test_a_folder_that_cannot_be_read_does_not_hide_what_the_store_says(replica: Replica, elsewhere: Deployer) -> None:
    replica.settings.models.folder.mkdir(exist_ok=True)
    (replica.settings.models.folder / "live.json").write_text("no list")
    deploy(elsewhere, 2)
    replica.watch.poll()
    assert replica.version == "2"
    assert [one.version for one in BundleCache(replica.settings.models.folder).history()] == ["1", "2"]


def test_a_start_without_store_and_folder_is_not_ready_until_the_store_is_back(
    tmp_path: Path, address: str, elsewhere: Deployer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn_mlops.serving.resilience.store_client.RETRY_SECONDS", 0)
    replica = Replica(tmp_path / "new", address)
    replica.is_down = True
    replica.watch.first()
    with TestClient(create_app(replica.source, replica.settings), base_url="http://localhost") as client:
        assert client.get("/ready").status_code == 503
        replica.is_down = False
        replica.watch.poll()
        assert client.get("/ready").json()["model_version"] == "1"


def test_the_model_of_the_first_start_is_found_by_a_restart_while_the_store_is_unavailable(
    tmp_path: Path, address: str, elsewhere: Deployer
) -> None:
    replica = Replica(tmp_path / "new", address)
    replica.watch.first()
    replica.watch.stop()
    replica.watch.start()  # polls no more, and is done with what comes before the first poll when its thread ends
    replica.watch._thread.join(60)
    again = Replica(tmp_path / "new", address)
    again.is_down = True
    again.watch.first()
    assert (replica.version, again.version) == ("1", "1")


def test_a_start_while_a_broken_bundle_is_the_champion_serves_what_the_others_kept(
    tmp_path: Path, address: str, elsewhere: Deployer
) -> None:
    deploy(elsewhere, 2)
    plant_disagreeing(address, 3)
    replica = Replica(tmp_path / "replica", address)
    replica.watch.first()
    replica.watch.poll()
    assert (replica.version, replica.source.rejected) == ("2", Rejected("3", "broken"))
    assert replica.source.rejections["broken"] == 1


def test_with_nothing_to_serve_the_start_says_why(tmp_path: Path, address: str) -> None:
    with pytest.raises(PromotionError, match="churn train"):
        Replica(tmp_path / "new", address).watch.first()
    folder = tmp_path / "damaged"
    fill_folder(folder, version_of(1))
    next((folder / "bundles").glob("*.bundle")).write_bytes(b"{}")
    with pytest.raises(BundleError, match="altered"):
        Replica(folder, address).watch.first()


@pytest.fixture
def serving(replica: Replica) -> Iterator[tuple[str, int]]:
    """The replica behind a real socket."""
    with running(replica.source, replica.settings) as address:
        yield address


def test_twenty_champions_under_load_and_not_one_failed_or_wrong_answer(
    replica: Replica, elsewhere: Deployer, address: str, serving: tuple[str, int]
) -> None:
    answers: list[tuple[int, str | None, float]] = []
    answered, over = threading.Semaphore(0), threading.Event()

    def ask() -> None:
        with closing(http.client.HTTPConnection(*serving, timeout=10)) as connection:
            while not over.is_set():
                connection.request("POST", "/predict", json.dumps(CUSTOMER))
                response = connection.getresponse()
                body = json.loads(response.read())
                answers.append((response.status, response.headers["X-Model-Version"], body["churn_probability"]))
                answered.release()

    def let_some_be_answered() -> None:
        enough = len(answers) + 8  # of those three under way may still be of the version before
        while len(answers) < enough:
            assert answered.acquire(timeout=10)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for number in range(2, 22):
            deploy(elsewhere, number)
            replica.watch.poll()
            let_some_be_answered()
        plant_disagreeing(address, 22)
        replica.watch.poll()
        let_some_be_answered()
    finally:
        over.set()
        for thread in threads:
            thread.join()
    scores = {str(n): ChurnPredictor(version_of(n)).score_one(CUSTOMER) for n in range(1, 22)}
    assert len(set(scores.values())) == 21
    assert {status for status, _, _ in answers} == {200}
    assert all(score == scores[str(version)] for _, version, score in answers)
    assert {version for _, version, _ in answers} >= {str(number) for number in range(2, 22)}
    assert replica.source.rejected == Rejected("22", "broken")
