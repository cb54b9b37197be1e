"""Who was forgotten, as a server asks it: by his keyed hash, before anything is told of him."""

from __future__ import annotations

import structlog

from churn_mlops.errors import ConfigError
from churn_mlops.serving.store_link import StoreAwayError, StoreLink
from churn_mlops.store import Store, is_forgotten, tombstones

SECONDS = 1.0
"""Longest wait for the store."""
log = structlog.get_logger("churn_mlops.serving")


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
