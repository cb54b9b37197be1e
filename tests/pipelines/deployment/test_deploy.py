"""The folder of a machine and the store: each may be behind, they never contradict each other, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from churn_mlops.config import Settings
from churn_mlops.errors import PromotionError, StoreError
from churn_mlops.models.promotion import ChampionChangedError, LiveModels
from churn_mlops.pipelines.deployment.deploy import SharedModels, champion, history
from churn_mlops.store import open_store
from churn_mlops.store.deployments import stored_periods
from tests.companies.versions import version_of


@pytest.fixture
def address(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/churn.db"


def machine(folder: Path, address: str) -> Settings:
    return Settings.model_validate({"models": {"folder": folder}, "store": {"url": address}})


def publish(settings: Settings, number: int, instead_of: str = "any") -> None:
    shared = SharedModels(settings)
    shared.publish(version_of(number), version=str(number), provenance={}, reason="why", instead_of=instead_of)


def versions(settings: Settings) -> list[str]:
    return [period.version for period in history(settings)]


def folder_versions(settings: Settings) -> list[str]:
    return [period.version for period in LiveModels(settings.models.folder).history()]


def test_what_one_machine_promotes_another_scores_with_and_rolls_back(tmp_path: Path, address: str) -> None:
    one, other = machine(tmp_path / "one", address), machine(tmp_path / "other", address)
    publish(one, 1)
    publish(one, 2)
    live = champion(other)
    assert live is not None
    assert (live.version, live.bundle.sha256) == ("2", version_of(2).sha256)
    assert not (tmp_path / "other").exists()  # to look at it writes nothing
    SharedModels(other).rollback("too many false alarms")
    assert versions(one) == versions(other) == ["1", "2", "1"]
    live = champion(one)
    assert live is not None
    assert (live.version, live.period.rollback, live.period.reason) == ("1", True, "too many false alarms")


def test_two_machines_that_want_rid_of_one_champion_go_back_one_step(tmp_path: Path, address: str) -> None:
    one, other = machine(tmp_path / "one", address), machine(tmp_path / "other", address)
    for number in (1, 2, 3):
        publish(one, number)

    class Slower(SharedModels):
        def try_sync(self) -> None:
            super().try_sync()
            SharedModels(one).rollback("too many false alarms")

    with pytest.raises(ChampionChangedError, match="another model went live meanwhile"):
        Slower(other).rollback("too many false alarms")
    assert versions(one) == versions(other) == ["1", "2", "3", "2"]


def test_a_machine_that_compared_with_a_former_champion_is_refused_and_learns_of_the_new_one(
    tmp_path: Path, address: str
) -> None:
    one, other = machine(tmp_path / "one", address), machine(tmp_path / "other", address)
    publish(one, 1)
    SharedModels(other).sync()
    publish(one, 2)
    with pytest.raises(ChampionChangedError, match="live no more"):
        publish(other, 3, instead_of=version_of(1).sha256)
    assert versions(one) == folder_versions(other) == ["1", "2"]
    publish(other, 3, instead_of=version_of(2).sha256)
    assert versions(one) == ["1", "2", "3"]


def test_without_the_store_the_folder_goes_on_says_so_and_is_brought_into_line_later(
    tmp_path: Path, address: str
) -> None:
    (tmp_path / "no folder").write_text("in the way")
    cut_off = machine(tmp_path / "models", f"sqlite:///{tmp_path}/no folder/churn.db")
    with capture_logs() as logs:
        publish(cut_off, 1)
    assert "live on this machine only" in logs[-1]["event"]
    assert folder_versions(cut_off) == ["1"]
    with pytest.raises(StoreError):
        SharedModels(cut_off).sync()
    back = machine(tmp_path / "models", address)
    period = SharedModels(back).sync()
    assert period is not None
    with open_store(address) as store:
        assert [found.version for found in stored_periods(store)] == ["1"]
        assert stored_periods(store)[0].texts()["since"] == period.since


def test_what_two_machines_promoted_apart_is_one_history_on_both(tmp_path: Path, address: str) -> None:
    one, other = machine(tmp_path / "one", address), machine(tmp_path / "other", address)
    for settings, number in ((one, 1), (other, 2)):
        LiveModels(settings.models.folder).publish(
            version_of(number), version=str(number), provenance={}, reason="while the store was away"
        )
    SharedModels(other).sync()
    SharedModels(one).sync()
    SharedModels(other).sync()
    assert folder_versions(one) == folder_versions(other) == ["1", "2"]
    assert [live and live.version for live in map(champion, (one, other))] == ["2", "2"]


def test_killed_between_the_store_and_the_folder_the_version_is_live_and_the_folder_learns_of_it(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = machine(tmp_path / "models", address)
    publish(settings, 1)
    with monkeypatch.context() as dying:
        dying.setattr(LiveModels, "_write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            publish(settings, 2)
    assert folder_versions(settings) == ["1"]
    assert versions(settings) == ["1", "2"]
    SharedModels(settings).sync()
    assert folder_versions(settings) == ["1", "2"]


def test_a_bundle_that_was_damaged_on_this_machine_is_fetched_from_the_store(tmp_path: Path, address: str) -> None:
    settings = machine(tmp_path / "models", address)
    publish(settings, 1)
    file = next((tmp_path / "models" / "bundles").glob("*.bundle"))
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    SharedModels(settings).sync()
    assert file.read_bytes() == whole


def test_a_clock_that_jumps_back_makes_no_older_champion(tmp_path: Path, address: str) -> None:
    settings = machine(tmp_path / "models", address)
    publish(settings, 1)
    first = history(settings)[0]
    shared = SharedModels(settings)
    shared.folder = LiveModels(settings.models.folder, clock=lambda: first.key[0].replace(year=2001))
    second = shared.publish(version_of(2), version="2", provenance={}, reason="after the jump")
    assert second.key > first.key
    assert versions(settings) == ["1", "2"]


def test_to_look_makes_no_store_and_no_folder(tmp_path: Path, address: str) -> None:
    settings = machine(tmp_path / "models", address)
    assert champion(settings) is None
    assert history(settings) == ()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PromotionError, match="nothing to roll back to"):
        SharedModels(settings).rollback("why")
