"""Making a registered version live by hand, and going back."""

from __future__ import annotations

from datetime import UTC, datetime

from churn_mlops.config import Settings
from churn_mlops.deployment import Deployment
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.promotion import made_by_hand
from churn_mlops.models.registry import CHAMPION, Version, bundle_of, provenance_of, versions
from churn_mlops.pipelines.deployment.deploy import Deployer, champion, history
from churn_mlops.pipelines.deployment.mlflow_aliases import align_champion, tracking


def overview(settings: Settings) -> tuple[tuple[Version, ...], tuple[Deployment, ...]]:
    """The registered versions, the newest first, and what was live when, the oldest first.

    MLflow's alias is brought into line first, where a server promoted since.
    """
    listed, deployments = versions(tracking(settings)), history(settings)
    named = next((str(version.number) for version in listed if CHAMPION in version.aliases), None)
    if listed and deployments and named != deployments[-1].version:
        align_champion(settings)
        listed = versions(tracking(settings))
    return listed, deployments


def promote(settings: Settings, number: int, reason: str, *, by: str = "churn") -> Deployment:
    """Make version ``number`` the champion; ``by`` is the principal in the audit log.

    Raises:
        PromotionError: there is no such version, it is live, or the store cannot be used.
    """
    bundle = bundle_of(tracking(settings), number)
    provenance = made_by_hand(provenance_of(tracking(settings), number), reason, datetime.now(UTC))
    deployer = Deployer(settings, by)
    try:
        deployer.sync()
        live = _intact_champion(settings)
        if live is not None and (live.version, live.bundle.sha256) == (str(number), bundle.sha256):
            raise PromotionError(f"version {number} is live already, since {live.live_from}: nothing changed")
        return deployer.deploy(bundle, version=str(number), provenance=provenance, reason=reason)
    finally:
        align_champion(settings)


def _intact_champion(settings: Settings) -> LiveModel | None:
    """The champion; None also where its bundle is broken, since to promote it again mends it."""
    try:
        return champion(settings)
    except BundleError:
        return None


def rollback(settings: Settings, reason: str, *, by: str = "churn") -> Deployment:
    """Make the version before the champion live again; ``by`` is the principal in the audit log.

    Raises:
        PromotionError: there is none, or the store cannot be used.
    """
    try:
        return Deployer(settings, by).rollback(reason)
    finally:
        align_champion(settings)


def sync(settings: Settings) -> Deployment | None:
    """Bring the models folder of this machine up to date with the store.

    Returns:
        the deployment of the champion, None where none ever was.

    Raises:
        PromotionError: the store cannot be used.
    """
    deployment = Deployer(settings).sync()
    align_champion(settings)
    return deployment
