"""Making a version live, and going back: the one way of the command, of training and of the server.

The store, which says what is live for all machines, is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from churn_mlops.deployment import ANY, ChampionChangedError, Deployment, StoredBundle, active_history
from churn_mlops.errors import PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import DeploymentSource
from churn_mlops.models.inference import ChurnPredictor


class DeploymentTarget(DeploymentSource, Protocol):
    """Says which model was live when, and takes the next one."""

    def deploy(
        self,
        stored: StoredBundle,
        *,
        version: str,
        model_type: str,
        reason: str,
        rollback: bool = False,
        expected_champion: str | None = ANY,
        by: str = "churn",
    ) -> Deployment:
        """Make a bundle the champion; raises ChampionChangedError where another than the expected one is live."""


def promote(
    target: DeploymentTarget,
    stored: StoredBundle,
    *,
    version: str,
    reason: str,
    expected_champion: str | None = ANY,
    rollback: bool = False,
    by: str = "churn",
) -> Deployment:
    """Make a version the champion, after its bundle gave its own recorded scores.

    Args:
        target: says what is live.
        stored: the bundle, and how it was made.
        version: its version as people see it.
        reason: why it goes live.
        expected_champion: SHA-256 of the champion that the decision took into account, None where there was none.
        rollback: whether it replaces a later version that is withdrawn.
        by: the principal, for the audit log.

    Raises:
        BundleError: the bundle cannot be trusted, or does not give its own recorded scores; nothing changes.
        ChampionChangedError: another model than ``expected_champion`` is live by now; nothing changes.
        StoreError: the store fails; nothing changes.
    """
    bundle = Bundle.from_bytes(stored.content, f"the bundle of version {version}")
    ChurnPredictor(bundle)  # it gives its own recorded scores
    return target.deploy(
        stored,
        version=version,
        model_type=bundle.model_type,
        reason=reason,
        rollback=rollback,
        expected_champion=expected_champion,
        by=by,
    )


def roll_back(
    target: DeploymentTarget, *, reason: str, expected_champion: str | None = ANY, by: str = "churn"
) -> Deployment:
    """Make the version that was live before the champion live again; a second time, the one before that.

    Args:
        target: says what is live.
        reason: why.
        expected_champion: SHA-256 of the champion that is to be withdrawn.
        by: the principal, for the audit log.

    Raises:
        PromotionError: there is no earlier version.
        BundleError: the earlier bundle is gone or broken; nothing changes.
        ChampionChangedError: another model is live by now; nothing changes.
        StoreError: the store fails; nothing changes.
    """
    active = active_history(target.history())
    if len(active) < 2:
        found = f"no version was live before version {active[0].version}" if active else "no version is live"
        way_out = "`churn models promote VERSION --reason REASON` makes any version live"
        raise PromotionError(f"{found}: there is nothing to roll back to; {way_out}")
    earlier, withdrawn = active[-2:]
    if expected_champion not in (ANY, withdrawn.sha256):
        raise ChampionChangedError
    return promote(
        target,
        target.bundle(earlier.sha256),
        version=earlier.version,
        reason=reason,
        expected_champion=withdrawn.sha256,
        rollback=True,
        by=by,
    )


def more_or_less(amount: float, unit: str = "") -> str:
    """A difference of money in words, such as "182 less": beside "less", a sign would mean more."""
    return f"{abs(amount):,.0f}{unit} {'more' if amount >= 0 else 'less'}"


def made_by_hand(provenance: Mapping[str, Any], reason: str, now: datetime) -> dict[str, Any]:
    """``provenance`` for a promotion by hand: what training recorded stays, since later versions are compared by it."""
    return dict(provenance) | {"promoted_by_hand": reason, "promoted_at": now.isoformat(timespec="seconds")}
