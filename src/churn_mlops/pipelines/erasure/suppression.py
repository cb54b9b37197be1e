"""Who was forgotten is kept away: of what a job reads, his rows are left out before anything is made of them."""

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
"""Who is named where a job, and no person, forgets somebody again."""
BATCH_ROWS = 100_000
_NAME = "customer"


class ForgottenMeanwhileError(ChurnError):
    """Somebody was forgotten while a job was at work on what it had read of him."""


def file_of(settings: Settings) -> TombstoneFile | None:
    """The file of tombstones outside the store, None where the settings want none."""
    return None if settings.store.tombstones is None else TombstoneFile(settings.store.tombstones)


def kept_away(settings: Settings, store: Store) -> Tombstones:
    """Who is to be left out, by the store and by the file outside it, each of which learns what only the other knows.

    Whom the file knows and the store does not, as after a backup of it was restored, is removed from the store again.

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
        except StoreError as error:  # where the store holds them, they are kept away all the same
            log.warning("tombstones are kept in the store alone", tombstones=len(new), reason=str(error))
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
    """Who is to be left out, for a job that writes to no store; none is made.

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


def nobody_since(store: Store, then: Tombstones) -> Callable[[], None]:
    """What raises where somebody was forgotten after ``then`` was read: to be called when all else is done."""

    def check() -> None:
        if not tombstones(store, then.key).hashes <= then.hashes:
            raise ForgottenMeanwhileError("a customer was forgotten while this was at work: run again")

    return check


def table_without(table: ir.Table, contract: DataContract, away: Tombstones) -> ir.Table:
    """A flat ``table`` without the rows of those in ``away``; the same table where there is nobody to leave out.

    Rows that have no name, only their place, cannot be told from others.
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
    """The names, which stand in the source alone, are found by hashing all of them; the engine is told these few."""
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
    """Where the customers are too many for one machine, each worker looks through its own."""
    from churn_mlops.data.sources.spark import frame_of
    from churn_mlops.pipelines.erasure.spark import OnlyErased

    found = frame_of(rows).mapInArrow(OnlyErased(_NAME, away.key, away.hashes), f"{_NAME} string")
    return [row[0] for row in found.collect()]


def _remove_again(settings: Settings, store: Store, lost: list[Tombstone]) -> None:
    key = settings.store.customer_hash_key
    back = reapply_erasures(store, key, lost, by=BY)
    outside = remove_outside(settings, back, Tombstones(key, frozenset(one.hash for one in lost)))
    log.warning(
        "customers who were forgotten had come back, as with a backup of the store, and were removed again",
        tombstones=len(lost),
        customers=len(back),
        disk=vacuum(store).said if back else "as it was",
        failed="; ".join(outside.failed) or None,
    )
