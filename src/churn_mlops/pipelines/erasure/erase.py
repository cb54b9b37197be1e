"""The erasure of a customer: in the store, in other files and on disk; and the erasure report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, load_contract
from churn_mlops.errors import ConfigError, ContractError
from churn_mlops.pipelines.erasure.other_files import Outside, remove_outside
from churn_mlops.pipelines.erasure.residual_copies import ResidualCopies, residual_copies
from churn_mlops.pipelines.erasure.suppression import file_of, known_here, suppressed_customers
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.vacuum import log_limits, vacuum
from churn_mlops.store.erasure import Erasure, forget, holds, reapply_erasures
from churn_mlops.store.suppression.tombstones import Tombstone, Tombstones, all_tombstones, tombstones

FROZEN, SCORES = "frozen_snapshots", "score_files"


@dataclass(frozen=True)
class ErasureReport:
    """The erasure report: what was removed of one customer or several, from where, and what is left.

    Args:
        at: when it was done.
        hashes: the keyed hashes of the customers, which stand in the tombstones and in the audit log.
        before: when the one customer was first erased, None where this was the first time.
        removed: by place, rows of a table or files; of contacts those that were emptied, of warnings the sentences.
        tombstones: where the tombstones are.
        disk: what was done with the bytes of deleted rows.
        failed: what could not be done, and what to do, a sentence each.
        remarks: what else there is to know, a sentence each.
        residual_copies: data that the program cannot remove, and until when it is there.
    """

    at: datetime
    hashes: tuple[str, ...]
    before: datetime | None
    removed: Mapping[str, int]
    tombstones: tuple[str, ...]
    disk: str
    failed: tuple[str, ...]
    remarks: tuple[str, ...]
    residual_copies: tuple[ResidualCopies, ...]

    @property
    def whole(self) -> bool:
        """Whether all was done that can be done from here."""
        return not self.failed

    @property
    def found(self) -> bool:
        """Whether there was anything to remove."""
        return any(self.removed.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for machines."""
        values = asdict(self)
        copies = values.pop("residual_copies")
        return {"whole": self.whole, **values, "unreached": copies}


def remarks(settings: Settings) -> tuple[str, ...]:
    """Remarks to read before the first erasure: the key has to stay from then on."""
    if settings.store.customer_hash_key != type(settings.store).model_fields["customer_hash_key"].default:
        return ()
    return (
        "store.customer_hash_key is the one that comes with the program, so that anyone who has a hash can try out "
        "whose it is: a key of your own has to be set before the first customer is erased",
    )


def held(settings: Settings, customer: str) -> dict[str, int]:
    """How many rows the store holds of ``customer``, by table; nothing is changed.

    Raises:
        StoreError: the store fails.
    """
    with open_store(settings.store.url) as store:
        return holds(store, customer)


def forget_customer(
    settings: Settings, customer: str, *, by: str, rewrite: bool = False, clock: Clock = utc_now
) -> ErasureReport:
    """Remove ``customer`` from the store, from what lies beside it and from the disk, and keep a tombstone.

    Args:
        settings: of the sections ``store``, ``models``, ``training`` and ``scoring``.
        customer: the customer ID, as the customer database has it.
        by: who asks for it; stands in the audit log.
        rewrite: whether PostgreSQL is to rewrite its tables, while no one can read them.
        clock: returns the present time.

    Raises:
        ConfigError: customers have no IDs, or some were erased under another ``store.customer_hash_key``.
        StoreError: the store fails, or the tombstone cannot be kept; nothing is removed then.
    """
    _check_names(settings)
    customer, key, file = customer.strip(), settings.store.customer_hash_key, file_of(settings)

    def keep_outside(stone: Tombstone) -> None:
        if file is not None and stone.hash not in {one.hash for one in file.read()}:
            file.add([stone])

    with open_store(settings.store.url) as store:
        tombstones(store, key)  # refuses another key
        known_here(settings)
        erasure = forget(store, key, customer, by=by, before_commit=keep_outside, clock=clock)
        suppressed_customers(settings, store)
        outside = remove_outside(settings, [customer], Tombstones(key, frozenset([erasure.hash])))
        return _reported(settings, store, [erasure], outside, erasure.at, rewrite=rewrite)


def forget_all_again(settings: Settings, *, by: str, rewrite: bool = False, clock: Clock = utc_now) -> ErasureReport:
    """Re-apply all erasures: remove customers who came back with a backup, or were left on disk.

    Raises:
        ConfigError: customers were erased under another ``store.customer_hash_key``.
        StoreError: the store or the file of tombstones fails.
    """
    key = settings.store.customer_hash_key
    with open_store(settings.store.url) as store:
        tombstones(store, key)  # refuses another key
        stones = {one.hash: one for one in (*known_here(settings), *all_tombstones(store))}
        back = reapply_erasures(store, key, stones.values(), by=by, clock=clock)
        suppressed_customers(settings, store)  # the file learns what only the store knew
        outside = remove_outside(settings, back, Tombstones(key, frozenset(stones)))
        return _reported(settings, store, back.values(), outside, clock(), rewrite=rewrite)


def _check_names(settings: Settings) -> None:
    path = settings.contract.path
    try:
        contract = load_contract(path)
    except ContractError:  # it is none, or a broken one: no erasure waits until it is put right
        return
    if isinstance(contract, DataContract) and contract.customer is None:
        raise ConfigError(
            f"{path} names no column of the customer: customers are known by their row alone, which is another's "
            "tomorrow, so that no customer can be recognised; set `customer`, train and score again"
        )


def _reported(
    settings: Settings,
    store: Store,
    erasures: Iterable[Erasure],
    outside: Outside,
    at: datetime,
    *,
    rewrite: bool,
) -> ErasureReport:
    """The disk is cleaned, and what was done is put together."""
    erasures, cleaned = list(erasures), vacuum(store, rewrite=rewrite)
    removed: dict[str, int] = {}
    for erasure in erasures:
        for place, count in erasure.removed.items():
            removed[place] = removed.get(place, 0) + count
    file = file_of(settings)
    return ErasureReport(
        at=at,
        hashes=tuple(erasure.hash for erasure in erasures),
        before=erasures[0].before if len(erasures) == 1 else None,
        removed=removed | {FROZEN: outside.snapshot_archive, SCORES: outside.score_files},
        tombstones=(f"the table erasures of {store.shown}", *([] if file is None else [str(file.path)])),
        disk=cleaned.said,
        failed=(*([] if cleaned.whole else [cleaned.said]), *outside.failed),
        remarks=remarks(settings),
        residual_copies=residual_copies(settings, at, log_limits(store), rewritten=rewrite and cleaned.whole),
    )
