"""Who was forgotten, as a server asks it: by his keyed hash, before anything is told of him."""

from __future__ import annotations

import structlog

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError, StoreError
from churn_mlops.serving.store_link import StoreAwayError, StoreLink
from churn_mlops.store import Store, Tombstone, TombstoneFile, forget_again, is_forgotten, tombstones
from churn_mlops.store.tombstones import checked

SECONDS = 1.0
"""Longest wait for the store."""
log = structlog.get_logger("churn_mlops.serving")


def forget_whom_a_backup_brought_back(settings: Settings, link: StoreLink) -> None:
    """At the start: remove those whom the file of tombstones knows and a store restored from a backup does not.

    The next run does the same, and cleans the disk too; until then the server would tell of them. What is in the way
    is told in the log, and does not keep the server from starting.
    """
    path, key = settings.store.tombstones, settings.store.customer_hash_key
    try:
        known = [] if path is None else checked(TombstoneFile(path).read(), key)
        if known and link.is_made():
            link.ask_now(lambda store: _forget_lost(store, key, known))
    except (ConfigError, StoreError) as error:
        log.error("the forgotten are not told", reason=str(error))


def _forget_lost(store: Store, key: str, known: list[Tombstone]) -> None:
    there = tombstones(store, key).hashes
    if lost := [one for one in known if one.hash not in there]:
        back = forget_again(store, key, lost, by="churn serve")
        log.warning("forgotten again", tombstones=len(lost), came_back=len(back))


class Forgotten:
    """Asks the store who was forgotten.

    Args:
        store: the store.
        key: of the hashes, the setting ``store.customer_hash_key``.
    """

    def __init__(self, store: StoreLink, key: str) -> None:
        self._store, self.key = store, key
        self._key_is_looked_at = False

    async def holds(self, customer: str) -> bool:
        """Whether ``customer`` was forgotten; False while the store is away, which keeps nothing of him later."""
        try:
            return await self._store.ask(lambda store: self._holds(store, customer), SECONDS)
        except StoreAwayError:
            return False

    def _holds(self, store: Store, customer: str) -> bool:
        if not self._key_is_looked_at:
            self._look_at_key(store)
        return is_forgotten(store, self.key, customer)

    def _look_at_key(self, store: Store) -> None:
        """Say once, and loudly, that those who were forgotten cannot be told."""
        try:
            tombstones(store, self.key)
        except ConfigError as error:
            log.error("the forgotten are not told", reason=str(error))
        self._key_is_looked_at = True
