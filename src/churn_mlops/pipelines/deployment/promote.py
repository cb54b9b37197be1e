"""Making a registered version live by hand, and going back."""

from __future__ import annotations

from datetime import UTC, datetime

from churn_mlops.config import Settings
from churn_mlops.models.promotion import LivePeriod
from churn_mlops.models.registry import Version, bundle_of, provenance_of, versions
from churn_mlops.pipelines.deployment.deploy import SharedModels, history
from churn_mlops.pipelines.deployment.mlflow_aliases import align_champion, tracking


def overview(settings: Settings) -> tuple[tuple[Version, ...], tuple[LivePeriod, ...]]:
    """The registered versions, the newest first, and what was live when, the oldest first."""
    return versions(tracking(settings)), history(settings)


def promote(settings: Settings, number: int, reason: str, *, by: str = "churn") -> LivePeriod:
    """Make version ``number`` the champion; ``by`` stands in the audit trail.

    Raises:
        PromotionError: there is no such version.
    """
    bundle = bundle_of(tracking(settings), number)
    by_hand = {"promoted_by_hand": reason, "promoted_at": datetime.now(UTC).isoformat(timespec="seconds")}
    # With what training recorded: later versions are compared by it, and serving shows its metrics.
    provenance = provenance_of(tracking(settings), number) | by_hand
    try:
        return SharedModels(settings, by).publish(bundle, version=str(number), provenance=provenance, reason=reason)
    finally:
        align_champion(settings)


def rollback(settings: Settings, reason: str, *, by: str = "churn") -> LivePeriod:
    """Make the version before the champion live again; ``by`` stands in the audit trail.

    Raises:
        PromotionError: there is none.
    """
    try:
        return SharedModels(settings, by).rollback(reason)
    finally:
        align_champion(settings)


def sync(settings: Settings) -> LivePeriod | None:
    """Bring the folder of this machine and the store into line.

    Returns:
        the period of the champion, None where none ever was.

    Raises:
        StoreError: the store cannot be reached.
    """
    period = SharedModels(settings).sync()
    align_champion(settings)
    return period
