"""Erasures: everything that the store holds of a customer is removed; totals and the tombstone stay."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, and_, cast, delete, func, insert, or_, select, update
from sqlalchemy import Text as SqlText

from churn_mlops.errors import StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.advisory_locks import DATES, WRITING
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS, DO_NOT_CONTACT, LIST_WORK, NOTES
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import ANSWERS, CONTACTS, ERASURES, OUTCOME_CHANGES, OUTCOMES, PREDICTIONS, RUNS
from churn_mlops.store.suppression.tombstones import MARK, Tombstone, Tombstones, mark_of

BATCH_ROWS = 50_000
ERASED = ""
"""Stands for the customer in a contact of an erased customer."""
WARNINGS = "warnings"
"""Counts under this name are of warnings of runs about the data, which quoted the customer."""
_OF_CAMPAIGNS = (ASSIGNMENTS, DO_NOT_CONTACT, LIST_WORK, NOTES)
HELD = (PREDICTIONS, OUTCOMES, OUTCOME_CHANGES, ANSWERS, CONTACTS, *_OF_CAMPAIGNS)
"""The tables that name customers."""
_ERASED_KEY = "forgotten-"
_SHORTEST_OF_DIGITS = 5
"""Characters from which a customer ID without a letter is distinguished from the numbers of an offer."""


@dataclass(frozen=True)
class Erasure:
    """The result of erasing a customer in the store.

    Args:
        hash: the keyed hash, all that is left of the customer.
        at: when.
        before: when the customer was first erased, None where this was the first time.
        removed: rows by table; of ``contacts``, those that were emptied, of `WARNINGS`, the sentences.
    """

    hash: str
    at: datetime
    before: datetime | None
    removed: Mapping[str, int] = field(default_factory=dict)

    @property
    def found(self) -> bool:
        """Whether the store held anything of the customer."""
        return any(self.removed.values())


def forget(
    store: Store,
    key: str,
    customer: str,
    *,
    by: str,
    before_commit: Callable[[Tombstone], None] = lambda tombstone: None,
    clock: Clock = utc_now,
) -> Erasure:
    """Remove ``customer`` from every table, and keep a tombstone, in one transaction.

    Predictions, outcomes, their changes, prediction records, arms, notes and work of the customer are deleted, also
    records without a customer ID that a contact of the customer names. The contacts stay as totals: when,
    which offer, what came of it, who recorded it. The totals of runs stay as they were published. It may be done
    again, which removes what came back.

    Args:
        store: the store.
        key: of the hash, the setting ``store.customer_hash_key``.
        customer: the customer ID, as the store has it.
        by: who asks for it, such as ``cli:anna``; stands in the audit log.
        before_commit: keeps the tombstone elsewhere too; where it raises, no customer is erased.
        clock: returns the present time.

    Raises:
        StoreError: the store fails, or ``customer`` is no name; nothing is removed then.
    """
    if not customer or "\x00" in customer:
        raise StoreError("a customer ID is not empty, and holds no character of code 0: no customer was erased")
    hash, now = customer_hash(key, customer), clock()
    with store.writing("erase a customer", DATES, WRITING) as connection:
        removed = _remove(connection, customer)
        before = connection.scalar(select(ERASURES.c.erased_at).where(ERASURES.c.customer_hash == hash))
        stone = Tombstone(hash, mark_of(key), before or now)
        if before is None:
            _bury(connection, stone, by, removed)
        _note(connection, now, by, hash, removed, again=before is not None)
        before_commit(stone)
    return Erasure(hash, now, before, removed)


def holds(store: Store, customer: str) -> dict[str, int]:
    """How many rows of each table hold ``customer`` by their ID.

    Raises:
        StoreError: the store fails.
    """
    if "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return {}
    with store.reading("look what is there of a customer") as connection:
        runs = connection.scalars(select(RUNS.c.id)).all()
        found = {}
        for table in HELD:
            query = select(func.count()).select_from(table).where(table.c.customer == customer)
            # By the runs' numbers, which stand first in the indexes; without them, each date would be read through.
            query = query.where(table.c.run_id.in_(runs)) if "run_id" in table.c else query
            found[table.name] = connection.scalar(query) or 0
    return found


def reapply_erasures(
    store: Store, key: str, stones: Iterable[Tombstone], *, by: str, clock: Clock = utc_now
) -> dict[str, Erasure]:
    """Remove those of ``stones`` who came back, as with a backup from before; a tombstone that the store lacks is kept.

    Every name in the store is hashed: a million names take about a second.

    Args:
        store: the store.
        key: of the hashes.
        stones: who is to be gone.
        by: who asks for it.
        clock: returns the present time.

    Returns:
        what was removed of each customer who had come back, by their ID.

    Raises:
        StoreError: the store fails; what was done of one customer is done.
    """
    by_hash = {one.hash: one for one in stones}
    with store.writing("keep tombstones") as connection:
        there = set(connection.scalars(select(ERASURES.c.customer_hash)))
        for hash in by_hash.keys() - there:
            _bury(connection, by_hash[hash], by, {})
    away = Tombstones(key, frozenset(by_hash))
    back = sorted({name for names in _names(store) for name in away.among(names)})
    return {name: forget(store, key, name, by=by, clock=clock) for name in back}


def _bury(connection: Connection, stone: Tombstone, by: str, removed: Mapping[str, int]) -> None:
    values = {"customer_hash": stone.hash, "erased_at": stone.at, "caller": by}
    connection.execute(insert(ERASURES).values(**values, removed={MARK: stone.mark, "rows": dict(removed)}))


def _note(
    connection: Connection, now: datetime, by: str, hash: str, removed: Mapping[str, int], *, again: bool
) -> None:
    details = {"removed": dict(removed), "again": again}
    add_event(connection, now, by, "customer.forgotten", customer_hash=hash, details=details)


def _remove(connection: Connection, customer: str) -> dict[str, int]:
    runs = connection.scalars(select(RUNS.c.id)).all()  # as in `holds`
    removed = {
        table.name: connection.execute(
            delete(table).where(table.c.run_id.in_(runs), table.c.customer == customer)
        ).rowcount
        for table in (PREDICTIONS, OUTCOMES, OUTCOME_CHANGES)
    }
    removed |= {
        table.name: connection.execute(delete(table).where(table.c.customer == customer)).rowcount
        for table in _OF_CAMPAIGNS
    }
    removed[ANSWERS.name] = _delete_answers(connection, customer)
    removed[CONTACTS.name] = _empty_contacts(connection, customer)
    removed[WARNINGS] = _cut_warnings(connection, customer)
    return removed


def _delete_answers(connection: Connection, customer: str) -> int:
    """Records of the customer, and those without ID that their contacts name; never those of another by a slip."""
    named = select(CONTACTS.c.prediction_id).where(
        CONTACTS.c.customer == customer, CONTACTS.c.prediction_id.is_not(None)
    )
    theirs = or_(ANSWERS.c.customer == customer, and_(ANSWERS.c.customer.is_(None), ANSWERS.c.id.in_(named)))
    return connection.execute(delete(ANSWERS).where(theirs)).rowcount


def _empty_contacts(connection: Connection, customer: str) -> int:
    """Contacts without who and why. Their keys, which say what the caller liked, make way for random ones."""
    found = connection.execute(select(CONTACTS.c.id, CONTACTS.c.offer).where(CONTACTS.c.customer == customer)).all()
    for id, offer in found:
        emptied = {
            "key": f"{_ERASED_KEY}{secrets.token_hex(16)}",
            "request_sha256": "",
            "customer": ERASED,
            "offer": "an offer" if _names_customer(customer, offer) else offer,
            "prediction_id": None,
            "override_reason": None,
            "note": None,
        }
        connection.execute(update(CONTACTS).where(CONTACTS.c.id == id).values(emptied))
    return len(found)


def _names_customer(customer: str, offer: str) -> bool:
    """Whether the ID stands in the offer as a word, and is no number as offers hold them: 20 % off, 12 months."""
    if len(customer) < _SHORTEST_OF_DIGITS and not any(map(str.isalpha, customer)):
        return False
    # Not within another word: C7 is not named by C70. An underscore is no part of a word here.
    word = rf"(?<![^\W_]){re.escape(customer.casefold())}(?![^\W_])"
    return re.search(word, offer.casefold()) is not None


def _cut_warnings(connection: Connection, customer: str) -> int:
    """A warning of a run quotes the first row that broke a rule, with its customer ID and a value."""
    quoted, cut = f" (first: {customer}, ", 0
    some = cast(RUNS.c.warnings, SqlText).contains("(first: ", autoescape=True)
    for id, warnings in connection.execute(select(RUNS.c.id, RUNS.c.warnings).where(some)).all():
        shorter = [_without(one, quoted) for one in warnings]
        if shorter != warnings:
            cut += sum(one != other for one, other in zip(shorter, warnings, strict=True))
            connection.execute(update(RUNS).where(RUNS.c.id == id).values(warnings=shorter))
    return cut


def _without(warning: str, quoted: str) -> str:
    start, found, _ = warning.partition(quoted)
    return f"{start}; its example was erased" if found else warning


def _names(store: Store) -> Iterator[list[str | None]]:
    """The names of all customers that the store holds, some of them several times."""
    for table in HELD:
        query = select(table.c.customer).distinct()
        with store.reading(f"read which customers {table.name} names", much=True) as connection:
            for rows in connection.execution_options(yield_per=BATCH_ROWS).execute(query).partitions():
                yield [name for (name,) in rows]
