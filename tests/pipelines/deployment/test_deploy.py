"""The store says what is live; the models folder of each machine follows, adopts nothing twice, and is always whole."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update
from structlog.testing import capture_logs

from churn_mlops.config import Settings
from churn_mlops.deployment import ANY, ChampionChangedError, StoredBundle
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.deployment.deploy import Deployer, champion, history
from churn_mlops.store import open_store
from churn_mlops.store.database.schema import BUNDLES
from churn_mlops.store.deployments import Deployments
from tests.companies.models_folder import fill_folder
from tests.companies.versions import disagreeing, version_of


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/churn.db"


@pytest.fixture
def settings(tmp_path: Path, address: str) -> Settings:
    return machine(tmp_path / "models", address)


@pytest.fixture
def cut_off(tmp_path: Path) -> Settings:
    """The machine of ``settings`` while the store is unavailable."""
    (tmp_path / "failing.db").write_text("no database" * 100)
    return machine(tmp_path / "models", f"sqlite:///{tmp_path}/failing.db")


def machine(folder: Path, address: str) -> Settings:
    return Settings.model_validate({"models": {"folder": folder}, "store": {"url": address}})


def deploy(settings: Settings, *numbers: int, expected: str | None = ANY) -> None:
    for number in numbers:
        Deployer(settings).deploy(
            version_of(number), version=str(number), provenance={}, reason="why", expected_champion=expected
        )


def versions(settings: Settings) -> list[str]:
    return [deployment.version for deployment in history(settings)]


def folder_versions(settings: Settings) -> list[str]:
    return [deployment.version for deployment in BundleCache(settings.models.folder).history()]


def live_version(settings: Settings) -> str | None:
    live = champion(settings)
    return live and live.version


def damage_in_store(settings: Settings, number: int) -> None:
    with open_store(settings.store.url) as store, store.writing("damage a bundle") as connection:
        damaged = BUNDLES.c.sha256 == version_of(number).sha256
        connection.execute(update(BUNDLES).where(damaged).values(content=b"{}\n{}\n"))


# One history for all machines


def test_what_one_machine_promotes_another_scores_with_and_rolls_back(tmp_path: Path, address: str) -> None:
    one, other = machine(tmp_path / "one", address), machine(tmp_path / "other", address)
    deploy(one, 1, 2)
    live = champion(other)
    assert live is not None
    assert (live.version, live.bundle.sha256) == ("2", version_of(2).sha256)
    assert not (tmp_path / "other").exists()  # to look at it writes nothing
    Deployer(other).rollback("too many false alarms")
    assert versions(one) == versions(other) == ["1", "2", "1"]
    live = champion(one)
    assert live is not None
    assert (live.version, live.deployment.rollback) == ("1", True)
    assert live.deployment.reason == "too many false alarms"


def test_a_model_compared_with_a_former_champion_does_not_go_live(tmp_path: Path, address: str) -> None:
    one, other = machine(tmp_path / "one", address), machine(tmp_path / "other", address)
    deploy(one, 1, expected=None)
    with pytest.raises(ChampionChangedError, match="another model went live"):
        deploy(other, 2, expected=None)
    deploy(one, 2, expected=version_of(1).sha256)
    with pytest.raises(ChampionChangedError, match="another model went live"):
        deploy(other, 3, expected=version_of(1).sha256)
    assert versions(one) == folder_versions(other) == ["1", "2"]
    deploy(other, 3, expected=version_of(2).sha256)
    assert versions(one) == ["1", "2", "3"]


def test_rolling_back_twice_goes_back_two_versions(settings: Settings) -> None:
    deploy(settings, 1, 2, 3)
    assert Deployer(settings).rollback("bad").version == "2"
    assert Deployer(settings).rollback("still bad").version == "1"
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        Deployer(settings).rollback("enough")
    assert versions(settings) == folder_versions(settings) == ["1", "2", "3", "2", "1"]


def test_two_parallel_rollbacks_of_one_champion_go_back_one_step(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = machine(tmp_path / "one", address), machine(tmp_path / "other", address)
    deploy(one, 1, 2, 3)
    read = Deployments.bundle

    def overtaken(deployments: Deployments, sha256: str) -> StoredBundle:
        if BundleCache(other.models.folder).current() is not None:  # it has looked at what is live
            monkeypatch.setattr(Deployments, "bundle", read)
            Deployer(one).rollback("too many false alarms")
        return read(deployments, sha256)

    monkeypatch.setattr(Deployments, "bundle", overtaken)
    with pytest.raises(ChampionChangedError, match="another model went live"):
        Deployer(other).rollback("too many false alarms")
    assert versions(one) == versions(other) == ["1", "2", "3", "2"]


def test_the_champion_deployed_again_is_not_a_version_to_go_back_to(settings: Settings) -> None:
    deploy(settings, 1, 1)
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        Deployer(settings).rollback("why")
    assert versions(settings) == ["1", "1"]


def test_a_bundle_that_does_not_give_its_recorded_scores_does_not_go_live(settings: Settings) -> None:
    with pytest.raises(BundleError, match="do not use it"):
        Deployer(settings).deploy(disagreeing(1), version="1", provenance={}, reason="why")
    assert champion(settings) is None


def test_a_rollback_to_a_damaged_bundle_leaves_the_champion(settings: Settings) -> None:
    deploy(settings, 1, 2)
    damage_in_store(settings, 1)
    with pytest.raises(BundleError, match="was altered in the store"):
        Deployer(settings).rollback("why")
    assert live_version(settings) == "2"


def test_to_look_makes_no_store_and_no_folder(tmp_path: Path, settings: Settings) -> None:
    assert champion(settings) is None
    assert history(settings) == ()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        Deployer(settings).rollback("why")


# The folder follows the store


def test_while_the_store_is_unavailable_the_folder_says_what_is_live_and_nothing_goes_live(
    settings: Settings, cut_off: Settings
) -> None:
    deploy(settings, 1, 2)
    with capture_logs() as logs:
        assert live_version(cut_off) == "2"
        assert versions(cut_off) == ["1", "2"]
    assert {entry["event"] for entry in logs} == {"store_unavailable"}
    with pytest.raises(PromotionError, match=r"the store.*cannot be used.*`churn models promote 3 --reason REASON`"):
        deploy(cut_off, 3)
    for act in (Deployer(cut_off).sync, lambda: Deployer(cut_off).rollback("why")):
        with pytest.raises(PromotionError, match="the store, which says what is live, cannot be used"):
            act()
    assert folder_versions(settings) == versions(settings) == ["1", "2"]


def test_a_folder_from_before_the_store_is_adopted_once(settings: Settings) -> None:
    fill_folder(settings.models.folder, version_of(1), version_of(2))
    before = BundleCache(settings.models.folder).history()
    assert history(settings) == before
    for _ in range(2):
        assert Deployer(settings).sync() == before[-1]
    with open_store(settings.store.url) as store:
        assert Deployments(store).history() == before
    assert Deployer(settings).rollback("why").version == "1"


def test_a_deployment_without_an_intact_bundle_is_not_adopted_and_the_log_says_so(settings: Settings) -> None:
    fill_folder(settings.models.folder, version_of(1), version_of(2))
    (settings.models.folder / "bundles" / f"{version_of(2).sha256}.bundle").write_bytes(b"{}")
    with capture_logs() as logs:
        deploy(settings, 3)
    assert [(entry["event"], entry["model_version"]) for entry in logs] == [("deployment_not_adopted", "2")]
    assert versions(settings) == ["1", "3"]


def test_a_folder_that_contradicts_the_store_follows_it(tmp_path: Path, address: str, settings: Settings) -> None:
    deploy(settings, 1)
    other = machine(tmp_path / "other", address)
    fill_folder(other.models.folder, version_of(8), version_of(9), version="8")
    assert (live_version(other), versions(other)) == ("1", ["1"])
    Deployer(other).sync()
    assert folder_versions(other) == versions(settings) == ["1"]


def test_a_bundle_that_was_damaged_on_this_machine_is_fetched_from_the_store(settings: Settings) -> None:
    deploy(settings, 1)
    file = next((settings.models.folder / "bundles").glob("*.bundle"))
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    assert live_version(settings) == "1"
    Deployer(settings).sync()
    assert file.read_bytes() == whole


def test_where_the_folder_cannot_be_written_nothing_goes_live(address: str, settings: Settings) -> None:
    with pytest.raises(PromotionError, match="cannot be written"):
        deploy(machine(Path("/proc/nope"), address), 1)
    assert versions(settings) == []


def test_a_disk_that_fills_up_leaves_the_folder_behind_and_the_log_says_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, capture_logs() as logs:
        patch.setattr("churn_mlops.models.bundle_cache.write_atomic", full)
        deploy(settings, 1)
    assert [entry["event"] for entry in logs] == ["models_folder_not_updated"]
    assert (live_version(settings), folder_versions(settings)) == ("1", [])
    Deployer(settings).sync()
    assert folder_versions(settings) == ["1"]


# Several processes, and death

DEPLOY = """
import sys
from churn_mlops.config import Settings
from churn_mlops.models.bundle import Bundle
from churn_mlops.pipelines.deployment.deploy import Deployer

folder, address, path, version, turns = sys.argv[1:]
deployer = Deployer(Settings.model_validate({"models": {"folder": folder}, "store": {"url": address}}))
bundle = Bundle.load(path)
print("ready", flush=True)
sys.stdin.read(1)
for turn in range(int(turns)):
    deployer.deploy(bundle, version=version, provenance={}, reason=str(turn))
"""

DIE = """
import os, signal
from pathlib import Path

replace, renames = Path.replace, []
def dying(self, target):
    renames.append(target)
    if len(renames) == DEATH and AFTER:
        replace(self, target)
    if len(renames) == DEATH:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
Path.replace = dying
"""


def deploying(settings: Settings, number: int, turns: int, before: str = "") -> subprocess.Popen[str]:
    folder, path = settings.models.folder, settings.models.folder.parent / f"{number}.bundle"
    version_of(number).save(path)
    arguments = [str(folder), str(settings.store.url), str(path), str(number), str(turns)]
    return subprocess.Popen(
        [sys.executable, "-c", before + DEPLOY, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_processes_that_deploy_in_parallel_lose_nothing(settings: Settings) -> None:
    deploy(settings, 1)
    processes = [deploying(settings, number, turns=6) for number in (2, 3)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("x")
        process.stdin.flush()
    cache = BundleCache(settings.models.folder)
    while any(process.poll() is None for process in processes):
        cache.champion()  # a reader never meets a half-written folder
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    deployments = history(settings)
    assert sorted(one.version for one in deployments) == ["1"] + ["2"] * 6 + ["3"] * 6
    assert [one.until for one in deployments[:-1]] == [one.since for one in deployments[1:]]
    assert cache.history() == deployments


@pytest.mark.parametrize(
    ("rename", "after", "live", "in_folder"),
    [
        (1, False, "1", "1"),
        (2, False, "2", "1"),
        (3, True, "2", "1"),
        (4, False, "2", "1"),
        (4, True, "2", "2"),
    ],
    ids=["before the store", "before the bundle", "after its provenance", "before live.json", "after live.json"],
)
def test_killed_while_deploying_it_leaves_the_old_champion_or_the_new_one_and_a_whole_folder(
    settings: Settings, rename: int, after: bool, live: str, in_folder: str
) -> None:
    deploy(settings, 1)
    dying = DIE.replace("DEATH", str(rename)).replace("AFTER", str(after))
    process = deploying(settings, 2, turns=1, before=dying)
    process.communicate("x")
    assert process.returncode == -signal.SIGKILL
    assert live_version(settings) == live
    alone = BundleCache(settings.models.folder).champion()
    assert alone is not None
    assert alone.version == in_folder
    deploy(settings, 3)  # the lock died with its holder
    assert live_version(settings) == folder_versions(settings)[-1] == "3"
