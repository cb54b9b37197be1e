"""Suppression: jobs leave out the rows of erased customers before they use any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import ibis.expr.types as ir
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.snapshot.known_rows import customer_column
from churn_mlops.errors import ChurnError, StoreError
from churn_mlops.pipelines.erasure.other_files import remove_outside
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.database import is_made
from churn_mlops.store.database.vacuum import vacuum
from churn_mlops.store.erasure import reapply_erasures
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import Tombstone, Tombstones, all_tombstones, checked, tombstones

log = structlog.get_logger("churn_mlops.pipelines")
BY = "churn"
"""The name in the audit log where a job, and no person, erases a customer again."""
BATCH_ROWS = 100_000
_NAME = "customer"


class ErasedMeanwhileError(ChurnError):
    """A customer was erased while a job was at work on their rows."""


def file_of(settings: Settings) -> TombstoneFile | None:
    """The file of tombstones outside the store, None where the settings want none."""
    return None if settings.store.tombstones is None else TombstoneFile(settings.store.tombstones)


def suppressed_customers(settings: Settings, store: Store) -> Tombstones:
    """The customers to leave out, by the store and by the file outside it; each gets the tombstones that it lacks.

    A customer that only the file knows, as after a restored backup of the store, is removed from the store again.

    Raises:
        ConfigError: there are tombstones of another ``store.customer_hash_key``.
        StoreError: the store or the file cannot be read.
    """
    key, file = settings.store.customer_hash_key, file_of(settings)
    there = {one.hash: one for one in checked(all_tombstones(store), key)}
    known = {one.hash: one for one in known_here(settings)}
    if lost := [one for hash, one in known.items() if hash not in there]:
        _remove_again(settings, store, lost)
    if file is not None and (new := [one for hash, one in there.items() if hash not in known]):
        try:
            file.add(new)
        except StoreError as error:  # the store holds them, so they are still suppressed
            log.warning("tombstone_file_not_written", tombstones=len(new), reason=str(error))
    return Tombstones(key, frozenset(there | known))


def known_here(settings: Settings) -> list[Tombstone]:
    """The tombstones of the file outside the store.

    Raises:
        ConfigError: some are of another ``store.customer_hash_key``.
        StoreError: it cannot be read.
    """
    file = file_of(settings)
    return [] if file is None else checked(file.read(), settings.store.customer_hash_key)


def away(settings: Settings) -> Tombstones:
    """The customers to leave out, for a job that writes to no store; none is made.

    Raises:
        ConfigError: there are tombstones of another ``store.customer_hash_key``.
        StoreError: the store or the file cannot be read.
    """
    key = settings.store.customer_hash_key
    hashes = frozenset(one.hash for one in known_here(settings))
    if is_made(settings.store.url):
        with open_store(settings.store.url) as store:
            hashes |= tombstones(store, key).hashes
    return Tombstones(key, hashes)


def no_erasure_since(store: Store, then: Tombstones) -> Callable[[], None]:
    """A check that raises if a customer was erased after ``then`` was read: to be called when all else is done."""

    def check() -> None:
        if not tombstones(store, then.key).hashes <= then.hashes:
            raise ErasedMeanwhileError("a customer was erased while this was at work: run again")

    return check


def table_without(table: ir.Table, contract: DataContract, away: Tombstones) -> ir.Table:
    """A flat ``table`` without the rows of the customers in ``away``; the same table if there are none.

    Rows that have no customer ID, only their place, cannot be recognised.
    """
    if contract.customer is None or contract.customer not in table.columns:  # validation says what is missing
        return table
    return _without(table, contract.customer, away)


def tables_without(tables: Mapping[str, ir.Table], contract: HistoryContract, away: Tombstones) -> dict[str, ir.Table]:
    """The tables of a history without those in ``away`` in the table of customers, with which every snapshot begins."""
    home = contract.customers
    column = customer_column(contract, contract.tables[home])
    return {**tables, home: _without(tables[home], column, away)}


def _without(table: ir.Table, column: str, away: Tombstones) -> ir.Table:
    """The IDs, which stand in the source alone, are found by hashing all of them; the engine filters these few."""
    if not away:
        return table
    text = as_text(table[column])
    found = sorted({name for names in _names(text, away) for name in away.among(names)})
    return table.filter(text.isnull() | ~text.isin(found)) if found else table


def _names(text: ir.StringColumn, away: Tombstones) -> Iterator[list[str | None]]:
    rows = text.name(_NAME).as_table().distinct()
    if rows.get_backend().name == "pyspark":
        yield _on_spark(rows, away)
        return
    # The names take little room as Arrow, and much as Python's texts.
    for batch in as_arrow(rows).to_batches(max_chunksize=BATCH_ROWS):
        yield batch.column(_NAME).to_pylist()


def _on_spark(rows: ir.Table, away: Tombstones) -> list[str | None]:
    """The customers may be too many for one machine, so each executor looks through its own."""
    from churn_mlops.data.sources.spark import frame_of
    from churn_mlops.pipelines.erasure.spark import OnlyErased

    found = frame_of(rows).mapInArrow(OnlyErased(_NAME, away.key, away.hashes), f"{_NAME} string")
    return [row[0] for row in found.collect()]


def _remove_again(settings: Settings, store: Store, lost: list[Tombstone]) -> None:
    key = settings.store.customer_hash_key
    back = reapply_erasures(store, key, lost, by=BY)
    outside = remove_outside(settings, back, Tombstones(key, frozenset(one.hash for one in lost)))
    log.warning(
        "erasures_reapplied",
        tombstones=len(lost),
        customers=len(back),
        disk=vacuum(store).said if back else "as it was",
        failed="; ".join(outside.failed) or None,
    )
