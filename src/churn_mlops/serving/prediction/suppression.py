"""Suppression in a server: it checks whether a customer was erased, by keyed hash, before it answers about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from starlette.concurrency import run_in_threadpool

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError, StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.background_tasks import refreshing
from churn_mlops.serving.resilience.store_client import StoreClient, StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.erasure import reapply_erasures
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import (
    Tombstone,
    TombstonesState,
    all_tombstones,
    checked,
    is_erased,
    state_of_tombstones,
    tombstones,
)

SECONDS = 1.0
"""Longest wait for the store."""
REFRESH_SECONDS = 2.0
"""Between two readings of the tombstones."""
log = structlog.get_logger("churn_mlops.serving")


def reapply_lost_erasures(settings: Settings, client: StoreClient) -> None:
    """Remove, at the start, the customers whose tombstones are in the file but not in a store restored from a backup.

    The next run does the same, and cleans the disk too; until then the server would answer about them. A failure is
    logged, and does not keep the server from starting.
    """
    path, key = settings.store.tombstones, settings.store.customer_hash_key
    try:
        known = [] if path is None else checked(TombstoneFile(path).read(), key)
        if known and client.is_made():
            client.ask_now(lambda store: _reapply_lost(store, key, known))
    except (ConfigError, StoreError) as error:
        log.error("erasures_not_reapplied", reason=str(error))


def _reapply_lost(store: Store, key: str, known: list[Tombstone]) -> None:
    there = tombstones(store, key).hashes
    if lost := [one for one in known if one.hash not in there]:
        restored = reapply_erasures(store, key, lost, by="churn serve")
        log.warning("erasures_reapplied", tombstones=len(lost), customers=len(restored))


class OtherHashKeyError(RequestError):
    """Customers were erased under another key, so that every customer may be one of them."""

    def __init__(self) -> None:
        error = (
            "this server cannot recognize erased customers, so it neither shows nor records anything by customer ID: "
            "set its store.customer_hash_key to the key of their tombstones (CHURN__STORE__CUSTOMER_HASH_KEY)"
        )
        super().__init__(503, error)


class SuppressionCheck:
    """The tombstones of erased customers, held in memory, so that a store that hangs does not end their suppression.

    The tombstones are read at the start and every few seconds. For a customer without one, the check asks the store
    too: an erasure by any process counts as soon as it is committed. The file of tombstones is read once, for a server
    that starts while the store is unavailable.

    Args:
        store: the store.
        key: of the hashes, the setting ``store.customer_hash_key``.
        file: of tombstones, outside the store; None where there is none.
    """

    def __init__(self, store: StoreClient, key: str, file: Path | None = None) -> None:
        self._store, self.key, self._file = store, key, file
        self._of_file: frozenset[str] = frozenset()
        self._of_store: frozenset[str] = frozenset()
        self._state: TombstonesState | None = None
        self._is_another_key = self._another_key_is_logged = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the tombstones at the start, and again every few seconds until this ends."""
        self._of_file = await run_in_threadpool(self._read_file)
        async with refreshing(self.refresh, REFRESH_SECONDS):
            yield

    async def refresh(self) -> None:
        """Read the tombstones of the store if they have changed; while it is unavailable, the known ones stay."""
        with suppress(StoreUnavailableError):
            await self._store.ask(self._read, SECONDS)

    async def holds(self, customer: str) -> bool:
        """Whether ``customer`` was erased; an erasure while the store is unavailable to this server is not known.

        Raises:
            OtherHashKeyError: the tombstones are of another key.
        """
        self.check_key()
        hash = customer_hash(self.key, customer)
        if hash in self._of_store or hash in self._of_file:
            return True
        try:
            return await self._store.ask(lambda store: self._holds(store, customer), SECONDS)
        except StoreUnavailableError:
            return False
        except ConfigError:
            raise OtherHashKeyError from None

    def check_key(self) -> None:
        """Go on if erased customers can be recognized.

        Raises:
            OtherHashKeyError: they cannot, because the tombstones are of another key.
        """
        if self._is_another_key:
            raise OtherHashKeyError

    def _holds(self, store: Store, customer: str) -> bool:
        if self._state is None:
            self._read(store)
        found = is_erased(store, self.key, customer)
        if found:  # now, and not with the next reading: the store may hang by then
            self._of_store |= {customer_hash(self.key, customer)}
        return found

    def _read(self, store: Store) -> None:
        state = state_of_tombstones(store)
        if state != self._state:
            found = all_tombstones(store)
            self._of_store = frozenset(one.hash for one in found)
            self._is_another_key = not self._is_ours(found)
            self._state = state

    def _is_ours(self, found: list[Tombstone]) -> bool:
        """Whether all tombstones are of the server's key; if not, it logs one error."""
        try:
            checked(found, self.key)
        except ConfigError as error:
            if not self._another_key_is_logged:
                self._another_key_is_logged = True
                log.error("erased_customers_not_recognized", reason=str(error))
            return False
        return True

    def _read_file(self) -> frozenset[str]:
        try:
            return (
                frozenset() if self._file is None else frozenset(one.hash for one in TombstoneFile(self._file).read())
            )
        except StoreError as error:
            log.error("tombstone_file_not_read", reason=str(error))
            return frozenset()
