"""Making a version live, and going back: verified first, and only where nothing changed meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from churn_mlops.deployment import ANY, ChampionChangedError, Deployment, StoredBundle
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.promotion import made_by_hand, more_or_less, promote, roll_back
from tests.companies.versions import disagreeing, version_of

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)


@dataclass
class Live:
    """Says what is live, in memory."""

    deployments: list[Deployment] = field(default_factory=list)
    bundles: dict[str, StoredBundle] = field(default_factory=dict)

    def history(self) -> tuple[Deployment, ...]:
        return tuple(self.deployments)

    def bundle(self, sha256: str) -> StoredBundle:
        return self.bundles[sha256]

    def deploy(
        self, stored: StoredBundle, *, expected_champion: str | None = ANY, by: str = "churn", **values: Any
    ) -> Deployment:
        if expected_champion not in (ANY, self.deployments[-1].sha256 if self.deployments else None):
            raise ChampionChangedError
        since = NOW + timedelta(minutes=len(self.deployments))
        deployed = Deployment(sha256=stored.sha256, since=since, deployed_by=by, **values)
        self.deployments.append(deployed)
        self.bundles[stored.sha256] = stored
        return deployed


def stored(bundle: Bundle) -> StoredBundle:
    return StoredBundle(bundle.sha256, bundle.to_bytes())


def go_live(live: Live, number: int, expected: str | None = ANY) -> Deployment:
    found = stored(version_of(number))
    return promote(live, found, version=str(number), reason="why", expected_champion=expected, by="person:anna")


def test_a_version_goes_live_with_its_type_its_reason_and_who_decided() -> None:
    deployed = go_live(Live(), 1)
    assert (deployed.version, deployed.model_type, deployed.reason) == ("1", version_of(1).model_type, "why")
    assert (deployed.deployed_by, deployed.rollback) == ("person:anna", False)


@pytest.mark.parametrize("broken", [stored(disagreeing(2)), StoredBundle("a" * 64, b"{}\n{}\n"), StoredBundle("", b"")])
def test_a_bundle_that_cannot_be_trusted_does_not_go_live(broken: StoredBundle) -> None:
    live = Live()
    with pytest.raises(BundleError):
        promote(live, broken, version="2", reason="why")
    assert live.deployments == []


def test_a_decision_by_another_champion_changes_nothing() -> None:
    live = Live()
    go_live(live, 1, expected=None)
    with pytest.raises(ChampionChangedError):
        go_live(live, 2, expected=None)
    go_live(live, 2, expected=version_of(1).sha256)
    with pytest.raises(ChampionChangedError):
        roll_back(live, reason="why", expected_champion=version_of(1).sha256)
    assert [one.version for one in live.deployments] == ["1", "2"]


def test_rollbacks_go_back_one_step_each_until_nothing_is_before() -> None:
    live = Live()
    for number in (1, 2, 3):
        go_live(live, number)
    assert [roll_back(live, reason="bad").version for _ in range(2)] == ["2", "1"]
    assert live.deployments[-1].rollback
    with pytest.raises(PromotionError, match=r"nothing to roll back to; `churn models promote"):
        roll_back(live, reason="bad")


def test_a_rollback_to_a_broken_bundle_changes_nothing() -> None:
    live = Live()
    go_live(live, 1)
    go_live(live, 2)
    live.bundles[version_of(1).sha256] = stored(disagreeing(1))
    with pytest.raises(BundleError):
        roll_back(live, reason="bad")
    assert len(live.deployments) == 2


def test_a_promotion_by_hand_keeps_what_training_recorded() -> None:
    made = made_by_hand({"metrics": {"auc": 0.8}}, "the board", NOW)
    assert made == {
        "metrics": {"auc": 0.8},
        "promoted_by_hand": "the board",
        "promoted_at": "2026-11-23T06:00:00+00:00",
    }


def test_a_difference_of_money_has_no_sign_beside_its_direction() -> None:
    assert more_or_less(-788.4) == "788 less"
    assert more_or_less(1425, " USD a month") == "1,425 USD a month more"
