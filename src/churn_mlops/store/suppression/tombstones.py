"""Tombstones: the keyed hashes of erased customers, which recognise and suppress them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.keyed_hash import customer_hash, hasher
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import ERASURES

MARK = "key"
"""The field of ``erasures.removed`` that holds the mark of the key."""
# No customer is called so: a name holds no character of code 0.
_OF_THE_KEY = "\x00key"
_MARK_DIGITS = 16

TombstonesState = tuple[Any, ...]


@dataclass(frozen=True)
class Tombstone:
    """One erased customer.

    Args:
        hash: the keyed hash of the customer ID.
        mark: distinguishes the key of the hash from others, without showing it.
        at: when the customer was first erased, with a time zone.
    """

    hash: str
    mark: str
    at: datetime


@dataclass(frozen=True)
class Tombstones:
    """The customers who are suppressed.

    Args:
        key: of the hashes.
        hashes: of all of them.
    """

    key: str = field(repr=False)
    hashes: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def among(self, names: Iterable[str | None]) -> set[str]:
        """The erased customers of ``names``; a million names take about a second, where there is any tombstone."""
        if not self.hashes:
            return set()
        hashed = hasher(self.key)
        return {name for name in names if name is not None and hashed(name) in self.hashes}


def mark_of(key: str) -> str:
    """A mark that distinguishes ``key`` from others: a hash under it, 16 hexadecimal digits."""
    return customer_hash(key, _OF_THE_KEY)[:_MARK_DIGITS]


def tombstones(store: Store, key: str) -> Tombstones:
    """All tombstones of the store.

    Raises:
        ConfigError: some were made under another key than ``key``, so that they recognise no customer.
        StoreError: the store fails.
    """
    return Tombstones(key, frozenset(one.hash for one in checked(all_tombstones(store), key)))


def all_tombstones(store: Store) -> list[Tombstone]:
    """The tombstones of the store, under whatever key, the oldest first.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read which customers are erased") as connection:
        rows = connection.execute(
            select(ERASURES.c.customer_hash, ERASURES.c.removed, ERASURES.c.erased_at).order_by(ERASURES.c.erased_at)
        ).all()
    return [Tombstone(hash, removed.get(MARK, ""), at) for hash, removed, at in rows]


def state_of_tombstones(store: Store) -> TombstonesState:
    """A value that changes with every tombstone that comes or goes, and costs less to read than all of them.

    Raises:
        StoreError: the store fails.
    """
    query = select(func.count(), func.max(ERASURES.c.erased_at), func.min(ERASURES.c.customer_hash))
    with store.reading("look whether any customer is erased") as connection:
        return tuple(connection.execute(query.select_from(ERASURES)).one())


def checked(found: Iterable[Tombstone], key: str) -> list[Tombstone]:
    """``found``, once it is sure that all of them are of ``key``.

    Raises:
        ConfigError: some are not.
    """
    found, mark = list(found), mark_of(key)
    others = sum(one.mark != mark for one in found)
    if others:
        raise ConfigError(
            f"store.customer_hash_key is another than the one under which {others:,} of {len(found):,} customers were "
            "erased, so that they would not be recognised and come back: set it to what it was "
            "(CHURN__STORE__CUSTOMER_HASH_KEY)"
        )
    return found


def is_erased(store: Store, key: str, customer: str) -> bool:
    """Whether ``customer`` was erased.

    Raises:
        ConfigError: the tombstones are of another key than ``key``.
        StoreError: the store fails.
    """
    with store.reading("look whether a customer is erased") as connection:
        return bool(erased_among(connection, key, [customer]))


def refuse_erased(connection: Connection, key: str | None, customer: str) -> None:
    """Refuse to record anything of a customer who was erased, in the transaction of ``connection``.

    Args:
        connection: inside a transaction that writes.
        key: the setting ``store.customer_hash_key``; None looks for no erased customer.
        customer: the customer ID.

    Raises:
        ConfigError: the tombstones are of another key than ``key``.
        CustomerErasedError: the customer was erased.
    """
    if key is not None and erased_among(connection, key, [customer]):
        raise CustomerErasedError("the customer was erased: nothing more is recorded of them")


def erased_among(connection: Connection, key: str, names: Iterable[str | None]) -> set[str]:
    """The erased customers of a few ``names``, in the transaction of ``connection``.

    Raises:
        ConfigError: the tombstones are of another key than ``key``, so that they recognise no customer.
    """
    by_hash: dict[str, Any] = {customer_hash(key, name): name for name in set(names) if name is not None}
    if not by_hash:
        return set()
    # All are of one key, since no customer is erased under a second: one shows it, however many there are.
    one = connection.execute(select(ERASURES).order_by(ERASURES.c.customer_hash).limit(1)).one_or_none()
    if one is not None:
        checked([Tombstone(one.customer_hash, one.removed.get(MARK, ""), one.erased_at)], key)
    found = connection.scalars(select(ERASURES.c.customer_hash).where(ERASURES.c.customer_hash.in_(by_hash)))
    return {by_hash[hash] for hash in found}
