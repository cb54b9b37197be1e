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
from churn_mlops.errors import BundleError, PromotionError, StoreError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.promotion import LiveModels
from churn_mlops.pipelines.deployment.deploy import SharedModels
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.model_watcher import ChampionWatch
from churn_mlops.serving.model.served_model import LiveSource, Refused
from churn_mlops.serving.resilience.store_client import StoreLink
from churn_mlops.store import Store, open_store
from churn_mlops.store.deployments import StoredBundle, StoredPeriod, add_live, current_period
from tests.companies.versions import CUSTOMER, disagreeing, version_of
from tests.serving.running import running


class Replica:
    """A server's source and watch, with a folder of its own; the store is shared with others."""

    made: ClassVar[list[Replica]] = []

    def __init__(self, folder: Path, address: str, **serving: float) -> None:
        self.settings = Settings.model_validate(
            {"models": {"folder": folder}, "store": {"url": address}, "serving": serving}
        )
        self.is_away = False
        self.source = LiveSource()
        self.link = StoreLink(address, self._open)
        self.watch = ChampionWatch(self.settings, self.link, self.source)
        self.made.append(self)

    def _open(self, address: str) -> Store:
        if self.is_away:
            raise StoreError("the store cannot be reached")
        return open_store(address)

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
def elsewhere(tmp_path: Path, address: str) -> SharedModels:
    """The machine on which models are promoted; version 1 is live."""
    settings = Settings.model_validate({"models": {"folder": tmp_path / "elsewhere"}, "store": {"url": address}})
    shared = SharedModels(settings)
    publish(shared, 1)
    return shared


@pytest.fixture
def replica(tmp_path: Path, address: str, elsewhere: SharedModels) -> Replica:
    """A replica that serves version 1."""
    replica = Replica(tmp_path / "replica", address)
    replica.watch.first()
    assert replica.version == "1"
    return replica


def publish(shared: SharedModels, number: int) -> None:
    shared.publish(version_of(number), version=str(number), provenance={}, reason="better")


def plant(address: str, bundle: Bundle, version: str, content: bytes | None = None) -> None:
    """Make a bundle live that promotion would refuse."""
    with open_store(address) as store:
        last = current_period(store)
        assert last is not None
        since = last.texts() | {"since": last.since.replace(year=last.since.year + 1).isoformat()}
        period = StoredPeriod.from_texts(**since | {"version": version, "sha256": bundle.sha256})
        add_live(store, [period], [StoredBundle(bundle.sha256, content or bundle.to_bytes())], after=last)


def test_a_promotion_elsewhere_and_a_rollback_are_taken_up(replica: Replica, elsewhere: SharedModels) -> None:
    publish(elsewhere, 2)
    assert replica.version == "1"
    replica.watch.look()
    assert replica.version == "2"
    elsewhere.rollback("it was worse")
    replica.watch.look()
    assert (replica.version, replica.source.changes) == ("1", 2)
    assert [period.version for period in LiveModels(replica.settings.models.folder).history()] == ["1", "2", "1"]


def test_a_promotion_into_the_folder_of_the_machine_alone_is_taken_up(replica: Replica) -> None:
    LiveModels(replica.settings.models.folder).publish(version_of(2), version="2", provenance={}, reason="by hand")
    replica.watch.look()
    assert replica.version == "2"


def test_a_bundle_that_disagrees_with_its_recorded_scores_never_goes_live(
    replica: Replica, elsewhere: SharedModels, address: str
) -> None:
    plant(address, disagreeing(2), "2")
    for _ in range(3):  # it is tried once
        replica.watch.look()
    assert (replica.version, replica.source.refused) == ("1", Refused("2", "broken"))
    with TestClient(create_app(replica.source, replica.settings), base_url="http://localhost") as client:
        ready = {"status": "ready", "model_version": "1", "champion_refused": "version 2: broken"}
        assert client.get("/ready").json() == ready
        counted = client.get("/metrics").text
        assert 'churn_champion_refused_total{reason="broken"} 1.0' in counted
        publish(elsewhere, 3)
        replica.watch.look()
        assert client.get("/ready").json() == {"status": "ready", "model_version": "3"}
        assert "churn_champion_changes_total 1.0" in client.get("/metrics").text


@pytest.mark.parametrize("content", [b"{}\n{}\n", b"{}\n\xff\xfe\n"], ids=["no model", "no text"])
def test_what_is_no_model_never_goes_live(replica: Replica, address: str, content: bytes) -> None:
    class NoModel:
        sha256 = hashlib.sha256(content.splitlines()[1]).hexdigest()

    plant(address, NoModel(), "2", content)  # type: ignore[arg-type]
    replica.watch.look()
    assert (replica.version, replica.source.refused) == ("1", Refused("2", "broken"))


def test_a_look_that_fails_in_an_unknown_way_is_not_the_last(
    elsewhere: SharedModels, tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica = Replica(tmp_path / "replica", address, champion_seconds=0.001)
    replica.watch.first()
    looks, ended = iter([RecursionError(), MemoryError(), None]), threading.Event()

    def look() -> None:
        error = next(looks, None)
        if error is not None:
            raise error
        ended.set()

    monkeypatch.setattr(replica.watch, "look", look)
    replica.watch.start()
    assert ended.wait(10)
    replica.watch.stop()


@pytest.mark.parametrize("limit", ["champion_score_ms", "champion_load_seconds"])
def test_a_slow_bundle_never_goes_live(
    tmp_path: Path, address: str, elsewhere: SharedModels, replica: Replica, limit: str
) -> None:
    strict = Replica(tmp_path / "strict", address, **{limit: 1e-9})
    strict.source.current = replica.source.current
    publish(elsewhere, 2)
    strict.watch.look()
    assert (strict.version, strict.source.refused) == ("1", Refused("2", "slow"))


def test_while_the_store_is_away_what_is_live_stays_and_a_start_finds_it_in_the_folder(
    replica: Replica, elsewhere: SharedModels, tmp_path: Path, address: str
) -> None:
    publish(elsewhere, 2)
    replica.watch.look()
    started = Replica(replica.settings.models.folder, address)
    started.is_away = True
    started.watch.first()
    assert started.version == "2"
    publish(elsewhere, 3)
    started.watch.look()
    assert started.version == "2"


def test_a_folder_that_cannot_be_read_does_not_hide_what_the_store_says(
    replica: Replica, elsewhere: SharedModels
) -> None:
    replica.settings.models.folder.mkdir(exist_ok=True)
    (replica.settings.models.folder / "live.json").write_text("no list")
    publish(elsewhere, 2)
    replica.watch.look()
    assert replica.version == "2"


def test_a_start_without_store_and_folder_is_not_ready_until_the_store_is_back(
    tmp_path: Path, address: str, elsewhere: SharedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("churn_mlops.serving.resilience.store_client.RETRY_SECONDS", 0)
    replica = Replica(tmp_path / "new", address)
    replica.is_away = True
    replica.watch.first()
    with TestClient(create_app(replica.source, replica.settings), base_url="http://localhost") as client:
        assert client.get("/ready").status_code == 503
        replica.is_away = False
        replica.watch.look()
        assert client.get("/ready").json()["model_version"] == "1"


def test_a_start_while_a_broken_bundle_is_the_champion_serves_what_the_others_kept(
    tmp_path: Path, address: str, elsewhere: SharedModels
) -> None:
    publish(elsewhere, 2)
    plant(address, disagreeing(3), "3")
    replica = Replica(tmp_path / "replica", address)
    replica.watch.first()
    replica.watch.look()
    assert (replica.version, replica.source.refused) == ("2", Refused("3", "broken"))
    assert replica.source.refusals["broken"] == 1


def test_with_nothing_to_serve_the_start_says_why(tmp_path: Path, address: str) -> None:
    with pytest.raises(PromotionError, match="churn train"):
        Replica(tmp_path / "new", address).watch.first()
    folder = tmp_path / "damaged"
    LiveModels(folder).publish(version_of(1), version="1", provenance={}, reason="better")
    next((folder / "bundles").glob("*.bundle")).write_bytes(b"{}")
    with pytest.raises(BundleError, match="altered"):
        Replica(folder, address).watch.first()


@pytest.fixture
def serving(replica: Replica) -> Iterator[tuple[str, int]]:
    """The replica behind a real socket."""
    with running(replica.source, replica.settings) as address:
        yield address


def test_twenty_champions_under_load_and_not_one_failed_or_wrong_answer(
    replica: Replica, elsewhere: SharedModels, address: str, serving: tuple[str, int]
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
            publish(elsewhere, number)
            replica.watch.look()
            let_some_be_answered()
        plant(address, disagreeing(22), "22")
        replica.watch.look()
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
    assert replica.source.refused == Refused("22", "broken")
