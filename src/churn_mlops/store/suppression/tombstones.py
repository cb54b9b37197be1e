"""Tombstones: the keyed hashes of customers who were forgotten, by which they are told and kept away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from churn_mlops.errors import ConfigError
from churn_mlops.keyed_hash import customer_hash, hasher
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import ERASURES

MARK = "key"
"""Where the mark of the key stands in ``erasures.removed``."""
# No customer is called so: a name holds no character of code 0.
_OF_THE_KEY = "\x00key"
_MARK_DIGITS = 16

TombstonesState = tuple[Any, ...]


@dataclass(frozen=True)
class Tombstone:
    """One customer who was forgotten.

    Args:
        hash: his keyed hash.
        mark: tells the key of the hash from others, without telling it.
        at: when he was first forgotten, with a time zone.
    """

    hash: str
    mark: str
    at: datetime


@dataclass(frozen=True)
class Tombstones:
    """Those who are kept away.

    Args:
        key: of the hashes.
        hashes: of all of them.
    """

    key: str = field(repr=False)
    hashes: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def among(self, names: Iterable[str | None]) -> set[str]:
        """Those of ``names`` who were forgotten; a million names take about a second, where anybody was at all."""
        if not self.hashes:
            return set()
        hashed = hasher(self.key)
        return {name for name in names if name is not None and hashed(name) in self.hashes}


def mark_of(key: str) -> str:
    """What tells ``key`` from others: a hash under it, 16 hexadecimal digits."""
    return customer_hash(key, _OF_THE_KEY)[:_MARK_DIGITS]


def tombstones(store: Store, key: str) -> Tombstones:
    """All tombstones of the store.

    Raises:
        ConfigError: some were made under another key than ``key``, so that nobody could be told by them.
        StoreError: the store fails.
    """
    return Tombstones(key, frozenset(one.hash for one in checked(all_tombstones(store), key)))


def all_tombstones(store: Store) -> list[Tombstone]:
    """The tombstones of the store, under whatever key, the oldest first.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read who was forgotten") as connection:
        rows = connection.execute(
            select(ERASURES.c.customer_hash, ERASURES.c.removed, ERASURES.c.erased_at).order_by(ERASURES.c.erased_at)
        ).all()
    return [Tombstone(hash, removed.get(MARK, ""), at) for hash, removed, at in rows]


def state_of_tombstones(store: Store) -> TombstonesState:
    """What changes with every tombstone that comes or goes, and costs less to ask for than all of them.

    Raises:
        StoreError: the store fails.
    """
    query = select(func.count(), func.max(ERASURES.c.erased_at), func.min(ERASURES.c.customer_hash))
    with store.reading("look whether anybody was forgotten") as connection:
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
            "forgotten, so that they would not be told and come back: set it to what it was "
            "(CHURN__STORE__CUSTOMER_HASH_KEY)"
        )
    return found


def is_forgotten(store: Store, key: str, customer: str) -> bool:
    """Whether ``customer`` was forgotten.

    Raises:
        ConfigError: the tombstones are of another key than ``key``.
        StoreError: the store fails.
    """
    with store.reading("look whether a customer was forgotten") as connection:
        return bool(forgotten_among(connection, key, [customer]))


def forgotten_among(connection: Connection, key: str, names: Iterable[str | None]) -> set[str]:
    """Those of a few ``names`` who were forgotten, in the transaction of ``connection``.

    Raises:
        ConfigError: the tombstones are of another key than ``key``, so that nobody can be told by them.
    """
    by_hash: dict[str, Any] = {customer_hash(key, name): name for name in set(names) if name is not None}
    if not by_hash:
        return set()
    # All are of one key, since nobody is forgotten under a second: one tells it, however many there are.
    one = connection.execute(select(ERASURES).order_by(ERASURES.c.customer_hash).limit(1)).one_or_none()
    if one is not None:
        checked([Tombstone(one.customer_hash, one.removed.get(MARK, ""), one.erased_at)], key)
    found = connection.scalars(select(ERASURES.c.customer_hash).where(ERASURES.c.customer_hash.in_(by_hash)))
    return {by_hash[hash] for hash in found}
