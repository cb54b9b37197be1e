"""Who was forgotten, as a server asks it: by his keyed hash, before anything is told of him."""

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


def reapply_lost_erasures(settings: Settings, link: StoreClient) -> None:
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
        back = reapply_erasures(store, key, lost, by="churn serve")
        log.warning("forgotten again", tombstones=len(lost), came_back=len(back))


class OtherHashKeyError(RequestError):
    """Customers were forgotten under another key, so that anybody may be one of them."""

    def __init__(self) -> None:
        told = (
            "this server cannot tell who was forgotten, and neither tells nor records anything of anybody by name: set "
            "its store.customer_hash_key to the key under which they were (CHURN__STORE__CUSTOMER_HASH_KEY)"
        )
        super().__init__(503, told)


class SuppressionCheck:
    """Those who were forgotten, held in memory, so that a store that hangs makes nobody known again.

    The tombstones are read at the start and every few seconds. Who is not among them is asked of the store too, so that
    he is gone from the moment on that he is forgotten, wherever that is done. The file of tombstones is read once, for
    a server that starts while the store is away.

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
        self._is_another_key = self._key_is_told = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Know them from the start, and learn of more for as long as this lasts."""
        self._of_file = await run_in_threadpool(self._read_file)
        async with refreshing(self.refresh, REFRESH_SECONDS):
            yield

    async def refresh(self) -> None:
        """Read the tombstones of the store, where they have changed; while it is away, the known ones stay."""
        with suppress(StoreUnavailableError):
            await self._store.ask(self._read, SECONDS)

    async def holds(self, customer: str) -> bool:
        """Whether ``customer`` was forgotten; of one who was forgotten while the store is away, that is not known.

        Raises:
            OtherKeyError: nobody can be told by the tombstones that there are.
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
        """Go on where those who were forgotten can be told.

        Raises:
            OtherKeyError: they cannot.
        """
        if self._is_another_key:
            raise OtherHashKeyError

    def _holds(self, store: Store, customer: str) -> bool:
        if self._state is None:
            self._read(store)
        found = is_erased(store, self.key, customer)
        if found:  # at once, and not with the next reading: the store may be stuck by then
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
        """Whether all of them are of our key; where not, it is said once, and loudly."""
        try:
            checked(found, self.key)
        except ConfigError as error:
            if not self._key_is_told:
                self._key_is_told = True
                log.error("the forgotten are not told", reason=str(error))
            return False
        return True

    def _read_file(self) -> frozenset[str]:
        try:
            return (
                frozenset() if self._file is None else frozenset(one.hash for one in TombstoneFile(self._file).read())
            )
        except StoreError as error:
            log.error("the file of tombstones is not read", reason=str(error))
            return frozenset()
