"""What is live: the folder of this machine and the store, which all replicas read, brought into line.

Both keep which version was live from when to when, and a period is the same in both. What is in only one of them is
brought into the other, and the last period of all is the champion's: the two can be behind, but never contradict each
other. The store decides who was first; where it cannot be reached, the folder goes on alone, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import structlog

from churn_mlops.config import Settings
from churn_mlops.errors import BundleError, StoreError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.deployment_periods import merged, standing
from churn_mlops.models.promotion import ANY, Announce, KeptBundle, LiveModel, LiveModels, LivePeriod
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.database import is_made
from churn_mlops.store.deployments import (
    LiveChangedError,
    StoredBundle,
    StoredPeriod,
    add_live,
    stored_bundle,
    stored_periods,
)

log = structlog.get_logger("churn_mlops.pipelines")


class SharedModels:
    """The live models of this machine together with those of the store.

    Args:
        settings: of the sections ``models`` and ``store``.
        by: who changes what is live, for the audit trail.
    """

    def __init__(self, settings: Settings, by: str = "churn") -> None:
        self._by = by
        self.folder = LiveModels(settings.models.folder)
        self._address = settings.store.url

    def sync(self) -> LivePeriod | None:
        """Bring the folder and the store into line.

        Returns:
            the period of the champion, None where none ever was.

        Raises:
            StoreError: the store fails.
            PromotionError: the folder cannot be read or written.
        """
        with open_store(self._address) as store:
            _align(self.folder, store)
        return self.folder.current()

    def try_sync(self) -> None:
        """:meth:`sync`; where the store fails, say so and go on with the folder.

        Raises:
            PromotionError: the folder cannot be read or written.
        """
        try:
            self.sync()
        except StoreError as error:
            log.warning("which model is live could not be compared with the store", error=str(error))

    def publish(
        self, bundle: Bundle, *, version: str, provenance: Mapping[str, Any], reason: str, instead_of: str | None = ANY
    ) -> LivePeriod:
        """Make ``bundle`` the champion, here and in the store; as ``LiveModels.publish``.

        Raises:
            BundleError: the bundle, read back, does not give its own recorded scores.
            ChampionChangedError: another model than ``instead_of`` is live by now, here or in the store.
            PromotionError: the folder cannot be written.
        """
        return self._in_both(
            lambda first: self.folder.publish(
                bundle, version=version, provenance=provenance, reason=reason, instead_of=instead_of, first=first
            )
        )

    def rollback(self, reason: str) -> LivePeriod:
        """Make the version that was live before the champion live again, here and in the store.

        Raises:
            ChampionChangedError: another model went live while this was done.
            PromotionError: there is no earlier version.
            BundleError: the earlier bundle is gone or broken.
        """
        self.try_sync()
        live = self.folder.current()
        leaving = None if live is None else live.sha256
        return self._in_both(lambda first: self.folder.rollback(reason, instead_of=leaving, first=first))

    def _in_both(self, go_live: Callable[[Announce], LivePeriod]) -> LivePeriod:
        """All is on this machine's disk before the store is told, and the folder says so last."""
        try:
            with open_store(self._address) as store:
                return _first_in_store(self.folder, store, go_live, self._by)
        except StoreError as error:
            period = go_live(lambda period, kept: None)
            log.warning(
                f"version {period.version} is live on this machine only: servers elsewhere read the store, which does "
                "not tell them; run `churn models sync` when it is back (the next promotion does it too)",
                error=str(error),
            )
            return period


def champion(settings: Settings) -> LiveModel | None:
    """The model that is live by the folder and the store, None where none ever was; nothing is written.

    Raises:
        PromotionError: the folder cannot be read.
        BundleError: the bundle cannot be trusted.
    """
    folder = LiveModels(settings.models.folder)
    here = folder.current()
    with_store = history(settings)
    if not with_store or (here is not None and here.key == with_store[-1].key):
        return folder.champion()
    last = with_store[-1]
    kept = folder.kept(last.sha256)
    if kept is None:
        with open_store(settings.store.url) as store:
            kept = _kept(stored_bundle(store, last.sha256))
    return LiveModel(last, kept.read("the model bundle in the store"), kept.provenance)


def history(settings: Settings) -> tuple[LivePeriod, ...]:
    """What was live when by the folder and the store, the oldest first; nothing is written.

    Raises:
        PromotionError: the folder cannot be read.
    """
    here = LiveModels(settings.models.folder).history()
    try:
        if not is_made(settings.store.url):
            return here
        with open_store(settings.store.url) as store:
            return merged(here, _periods(store))
    except StoreError as error:
        log.warning("the store does not tell which model is live: what this machine knows is taken", error=str(error))
        return here


def _first_in_store(folder: LiveModels, store: Store, go_live: Callable[[Announce], LivePeriod], by: str) -> LivePeriod:
    while True:
        after = _align(folder, store)

        def tell(period: LivePeriod, kept: KeptBundle, after: StoredPeriod | None = after) -> None:
            add_live(store, [_stored(period)], [StoredBundle(**vars(kept))], after=after, by=by)

        try:
            return go_live(tell)
        except LiveChangedError:
            continue  # another machine was quicker: what went live there is looked at first


def _align(folder: LiveModels, store: Store) -> StoredPeriod | None:
    """Bring each what only the other has, and give the last period of the store."""
    while True:
        there, here = _periods(store), folder.history()
        everywhere = merged(here, there)
        last = _stored(there[-1]) if there else None
        if len(everywhere) > len(there):
            ours = {period.key for period in everywhere} - {period.key for period in there}
            kept = {sha256: folder.kept(sha256) for _, sha256 in ours}
            new = [period for period in here if period.key in ours and kept[period.sha256] is not None]
            bundles = [StoredBundle(**vars(bundle)) for bundle in kept.values() if bundle is not None]
            try:
                add_live(store, map(_stored, new), bundles, after=last)
            except LiveChangedError:
                continue
            there = _periods(store)
            last = _stored(there[-1]) if there else None
        if len(everywhere) > len(here) or _lacking(folder, everywhere):
            folder.adopt(there, _fetched(folder, store, everywhere))
        return last


def _lacking(folder: LiveModels, periods: tuple[LivePeriod, ...]) -> set[str]:
    """Of the champion and of what a rollback would go to, the bundles that the folder does not hold intact."""
    return {period.sha256 for period in standing(periods)[-2:] if folder.kept(period.sha256) is None}


def _fetched(folder: LiveModels, store: Store, periods: tuple[LivePeriod, ...]) -> list[KeptBundle]:
    found = []
    for sha256 in sorted(_lacking(folder, periods)):
        try:
            found.append(_kept(stored_bundle(store, sha256)))
        except BundleError as error:  # neither has it; whoever needs it is told then
            log.warning("a model bundle that was live cannot be had", error=str(error))
    return found


def _periods(store: Store) -> tuple[LivePeriod, ...]:
    return tuple(LivePeriod(**period.texts()) for period in stored_periods(store))


def _stored(period: LivePeriod) -> StoredPeriod:
    return StoredPeriod.from_texts(**asdict(period))


def _kept(bundle: StoredBundle) -> KeptBundle:
    return KeptBundle(**vars(bundle))
