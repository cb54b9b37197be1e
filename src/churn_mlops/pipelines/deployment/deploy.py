"""Deploying a model: the store says what is live, and the models folder of the machine follows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import structlog

from churn_mlops.config import Settings
from churn_mlops.deployment import ANY, Deployment, StoredBundle
from churn_mlops.errors import PromotionError, StoreError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import BundleCache, LiveModel, read_model
from churn_mlops.models.promotion import promote, roll_back
from churn_mlops.store import open_store
from churn_mlops.store.database.database import is_made
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import ModelVersions

Answer = TypeVar("Answer")
log = structlog.get_logger("churn_mlops.pipelines")


class Deployer:
    """Makes models live for all machines that share a store.

    A store without deployments first takes over the models folder, which may be from before the store.

    Args:
        settings: of the sections ``models`` and ``store``.
        by: the principal that changes what is live, for the audit log.
    """

    def __init__(self, settings: Settings, by: str = "churn") -> None:
        self._by, self._address = by, settings.store.url
        self._cache = BundleCache(settings.models.folder)

    def sync(self) -> Deployment | None:
        """Bring the models folder up to date with the store; after that, models can go live from this machine.

        Returns:
            the deployment of the champion, None where none ever was.

        Raises:
            PromotionError: the store cannot be used, or the folder cannot be written.
        """
        with self._deployments() as deployments:
            return deployments.current()

    def deploy(
        self,
        bundle: Bundle,
        *,
        version: str,
        provenance: Mapping[str, Any],
        reason: str,
        expected_champion: str | None = ANY,
    ) -> Deployment:
        """Make ``bundle`` the champion.

        Args:
            bundle: the model.
            version: its version as people see it.
            provenance: how it was made.
            reason: why it goes live.
            expected_champion: SHA-256 of the champion that it was compared with, None where there was none.

        Raises:
            BundleError: the bundle, read back, does not give its own recorded scores.
            ChampionChangedError: another model than ``expected_champion`` is live by now.
            PromotionError: the store cannot be used, or the models folder cannot be written.
        """
        stored = StoredBundle(bundle.sha256, bundle.to_bytes(), provenance)
        later = f"; version {version} stays registered: `churn models promote {version} --reason REASON` makes it live"
        with self._deployments(later) as deployments:
            deployed = promote(
                deployments,
                stored,
                version=version,
                reason=reason,
                expected_champion=expected_champion,
                by=self._by,
            )
            self._follow(deployments)
            return deployed

    def register(self, bundle: Bundle, *, version: str, provenance: Mapping[str, Any]) -> None:
        """Keep a version in the store, so that any machine can make it live.

        Args:
            bundle: the model.
            version: its version as people see it.
            provenance: how it was made.

        Raises:
            PromotionError: the store cannot be used.
        """
        stored = StoredBundle(bundle.sha256, bundle.to_bytes(), provenance)
        try:
            with open_store(self._address) as store:
                ModelVersions(store).register(stored, version=version, model_type=bundle.model_type)
        except StoreError as error:
            raise PromotionError(f"the store, which keeps the versions, cannot be used: {error}") from None

    def rollback(self, reason: str, *, expected_champion: str | None = ANY) -> Deployment:
        """Make the version that was live before the champion live again; a second time, the one before that.

        Args:
            reason: why.
            expected_champion: SHA-256 of the bundle that is to be withdrawn.

        Raises:
            ChampionChangedError: another model went live while this was done.
            PromotionError: there is no earlier version, the store cannot be used, or the folder cannot be written.
            BundleError: the earlier bundle is gone or broken.
        """
        with self._deployments() as deployments:
            deployed = roll_back(deployments, reason=reason, expected_champion=expected_champion, by=self._by)
            self._follow(deployments)
            return deployed

    def _follow(self, deployments: Deployments) -> None:
        try:
            self._cache.follow(deployments)
        except (PromotionError, StoreError) as error:  # it is live: only the copy is behind
            log.warning("models_folder_not_updated", error=str(error))

    @contextmanager
    def _deployments(self, later: str = "") -> Iterator[Deployments]:
        """The deployments of the store, after the models folder came up to date with them."""
        try:
            with open_store(self._address) as store:
                deployments = Deployments(store)
                if deployments.current() is None:
                    self._adopt_into(deployments)
                self._cache.follow(deployments)
                yield deployments
        except StoreError as error:
            raise PromotionError(f"the store, which says what is live, cannot be used: {error}{later}") from None

    def _adopt_into(self, deployments: Deployments) -> None:
        bundles: dict[str, StoredBundle] = {}
        history = self._cache.history()
        for deployment in history:
            stored = self._cache.bundle(deployment)
            if stored is None:
                log.warning("deployment_not_adopted", model_version=deployment.version, reason="no intact bundle")
            else:
                bundles[stored.sha256] = stored
        deployments.adopt(history, bundles.values())


def champion(settings: Settings) -> LiveModel | None:
    """The model that is live, None where none ever was; nothing is written.

    Raises:
        PromotionError: the store has no answer, and the models folder cannot be read.
        BundleError: the bundle cannot be trusted.
    """
    cache = BundleCache(settings.models.folder)

    def stored_champion(deployments: Deployments) -> LiveModel | None:
        current = deployments.current()
        if current is None:
            return None
        stored = cache.bundle(current) or deployments.bundle(current.sha256)
        return read_model(current, stored, "the model bundle in the store")

    return _ask_store(settings, stored_champion) or cache.champion()


def history(settings: Settings) -> tuple[Deployment, ...]:
    """Every deployment, the oldest first; nothing is written.

    Raises:
        PromotionError: the store has no answer, and the models folder cannot be read.
    """
    return _ask_store(settings, Deployments.history) or BundleCache(settings.models.folder).history()


def _ask_store(settings: Settings, ask: Callable[[Deployments], Answer]) -> Answer | None:
    """The answer of the store; None where it is unavailable, or is not made yet."""
    try:
        if not is_made(settings.store.url):
            return None
        with open_store(settings.store.url) as store:
            return ask(Deployments(store))
    except StoreError as error:
        log.warning("store_unavailable", consequence="the models folder says which model is live", error=str(error))
        return None
