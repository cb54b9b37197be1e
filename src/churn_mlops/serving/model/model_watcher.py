"""The champion of a running server: deployed within seconds of its promotion, rejected if it cannot be trusted.

The store says which model is live. Without a store, or while it is unavailable, the models folder of this machine says
it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import structlog

from churn_mlops.config import Settings
from churn_mlops.deployment import Deployment, StoredBundle
from churn_mlops.errors import BundleError, ChurnError, PromotionError, StoreError
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.serving.model.model_loader import SlowBundleError, served_model_of, try_out, within
from churn_mlops.serving.model.served_model import ModelSlot, Rejected, ServedModel
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.deployments import Deployments

Answer = TypeVar("Answer")
TRIES_AT_START = 3
STORE_SECONDS_AT_START = 2.0
log = structlog.get_logger("churn_mlops.serving")


@dataclass(frozen=True)
class Unchanged:
    """The same model stays live."""


@dataclass(frozen=True)
class Deployed:
    """``model`` answers from now on."""

    model: ServedModel


Poll: TypeAlias = Unchanged | Deployed | Rejected


def load_champion(settings: Settings) -> ServedModel:
    """The model that is live by the models folder of this machine alone, ready to serve.

    Raises:
        PromotionError: there is none.
        BundleError: its bundle is damaged, or does not give its own recorded scores.
    """
    champion = BundleCache(settings.models.folder).champion()
    if champion is None:
        raise _nothing_live(settings)
    return served_model_of(champion, settings)


class ModelWatcher:
    """Asks every few seconds which model is live, on a thread of its own, and puts it into ``source`` in one step.

    Args:
        settings: of the sections ``models``, ``decision`` and ``serving``.
        store: says which model is live, to all replicas.
        source: holds the model that answers requests.
    """

    def __init__(self, settings: Settings, store: StoreClient, source: ModelSlot) -> None:
        self._settings, self._store, self._source = settings, store, source
        self._cache = BundleCache(settings.models.folder)
        self._settled: Deployment | None = None
        """The last deployment that was served or rejected: it is not tried again."""
        self._logged = ""
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="champion", daemon=True)

    def first(self) -> None:
        """Serve the champion before the first request; if it is rejected, the model that was live before it.

        Other replicas rejected it too, and stayed with that one. If no deployment is known because the store is
        unavailable, the server starts without a model, and is not ready until there is one.

        Raises:
            PromotionError: no model is live, or the folder cannot be read and the store is unavailable.
            BundleError: none of the last models can be trusted.
        """
        history, is_store_unavailable = self._history_at_start()
        if not history:
            if is_store_unavailable:
                log.warning("model_missing", consequence="not ready until the store is back")
                return
            raise _nothing_live(self._settings)
        failures: list[ChurnError] = []
        latest = {deployment.sha256: deployment for deployment in history}  # of each bundle, the last deployment
        for deployment in sorted(latest.values(), key=lambda one: one.identity, reverse=True)[:TRIES_AT_START]:
            try:
                self._source.current = self._load(deployment)
            except StoreError as error:  # not the bundle's fault: the next poll asks again
                failures.append(error)
                continue
            except ChurnError as error:
                failures.append(error)
                self._reject(deployment, error)
            self._settled = self._settled or deployment
            if self._source.current is not None:
                return
        raise failures[0]

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """Poll no more; the live model stays."""
        self._stopped.set()

    def poll(self) -> Poll:
        """Ask once what is live; serve or reject what was deployed since the last poll."""
        newest = self._newest()
        if newest is None or (self._settled is not None and newest.identity == self._settled.identity):
            return Unchanged()
        try:
            model = self._load(newest)
        except StoreError as error:  # it says what is live, but the model does not come: the next poll asks again
            self._log_once(str(error))
            return Unchanged()
        except Exception as error:  # whatever is wrong with a bundle, the server goes on with the present one
            self._settled = newest
            return self._reject(newest, error)
        self._settled = newest
        self._source.deploy(model)
        log.info(
            "champion_deployed", model_version=model.version, model_type=model.model_type, live_from=model.live_from
        )
        self._update_cache()
        return Deployed(model)

    def _run(self) -> None:
        if self._settled is not None:  # it came from the store, and a restart may find the store unavailable
            self._update_cache()
        while not self._stopped.wait(self._settings.serving.champion_seconds):
            try:
                self.poll()
            except Exception as error:  # whatever it is, the next poll may find it gone, and the live model stays
                self._log_once(type(error).__name__)

    def _newest(self) -> Deployment | None:
        """The champion by the store; where that has no answer, by the folder, unless that copy is behind."""
        failures: list[str] = []
        stored = cached = None
        try:
            stored = self._ask_store(Deployments.current)
        except StoreError as error:
            failures.append(str(error))
        if stored is None:
            try:
                cached = self._cache.current()
            except PromotionError as error:
                failures.append(str(error))
        self._log_once("; ".join(failures))
        if cached is not None and self._settled is not None and cached.identity < self._settled.identity:
            return None
        return stored or cached

    def _ask_store(self, ask: Callable[[Deployments], Answer]) -> Answer | None:
        """The answer of the store, None without a store."""
        return self._store.ask_now(lambda store: ask(Deployments(store))) if self._store.is_made() else None

    def _history_at_start(self) -> tuple[tuple[Deployment, ...], bool]:
        """The deployments, and whether the store is unavailable."""
        stored, is_unavailable = None, False
        try:
            stored = within(STORE_SECONDS_AT_START, lambda: self._ask_store(Deployments.history))
        except (StoreError, TimeoutError) as error:
            is_unavailable = True
            log.warning("store_unavailable", consequence="the models folder says which model is live", error=str(error))
        return stored or self._cache.history(), is_unavailable

    def _load(self, deployment: Deployment) -> ServedModel:
        stored = self._cache.bundle(deployment) or self._stored_bundle(deployment.sha256)
        return try_out(deployment, stored, self._settings)

    def _stored_bundle(self, sha256: str) -> StoredBundle:
        stored = self._ask_store(lambda deployments: deployments.bundle(sha256))
        if stored is None:
            raise BundleError(f"the model bundle {sha256[:12]} is not in {self._cache.folder}, or was altered there")
        return stored

    def _reject(self, deployment: Deployment, error: Exception) -> Rejected:
        rejected = Rejected(deployment.version, "slow" if isinstance(error, SlowBundleError) else "broken")
        self._source.reject(rejected)
        # For an error outside our family only the type is logged: its text may quote the contents of the bundle.
        text = str(error) if isinstance(error, ChurnError) else type(error).__name__
        log.error("champion_rejected", model_version=rejected.version, reason=rejected.reason, error=text)
        return rejected

    def _update_cache(self) -> None:
        """Copy the deployments of the store to the folder, for a start while the store is unavailable."""
        try:
            self._ask_store(self._cache.follow)
        except (PromotionError, StoreError) as error:
            consequence = "a start while the store is unavailable finds an older model"
            log.warning("models_folder_not_updated", consequence=consequence, error=str(error))

    def _log_once(self, error: str) -> None:
        """Log why the champion is unknown, once for each reason; an empty text says that it is known again."""
        if error and error != self._logged:
            log.warning("champion_unknown", consequence="the live model stays", error=error)
        self._logged = error


def _nothing_live(settings: Settings) -> PromotionError:
    return PromotionError(
        f"no model is live in {settings.models.folder}: train one with `churn train`, or make a recorded version "
        "of `churn models list` live with `churn models promote`"
    )
