"""The prediction log: what was predicted for a customer, with all that it was made of, so that it can be read again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Text, cast, delete, or_, select

from churn_mlops.errors import ConfigError, RowsRefusedError
from churn_mlops.store.database.advisory_locks import DATES
from churn_mlops.store.database.bulk_load import add_new
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import ANSWERS
from churn_mlops.store.suppression.tombstones import erased_among


class PredictionRecord(NamedTuple):
    """One prediction as it was answered; each field is a column of the table ``answers``.

    Args:
        id: the prediction ID; in a batch it ends with ``-`` and the customer's place, counted from 0.
        at: when it was answered, with a time zone.
        as_of: the as-of date of the answer.
        model_version: the version in the answer.
        model_sha256: hash of the version's bundle.
        caller: the principal that asked, such as ``key:crm``.
        customer: the customer ID where it was known, else None.
        inputs: the customer's fields as they were read, JSON as text.
        answer: the body of the answer, or the part of it about this customer; it comes back byte for byte.
        trace_id: of the W3C trace that the request belonged to; None before revision 0008 of the store.
    """

    id: str
    at: datetime
    as_of: date
    model_version: str
    model_sha256: str
    caller: str
    customer: str | None
    inputs: str
    answer: str
    trace_id: str | None = None


def write_records(store: Store, records: Sequence[PredictionRecord], *, hash_key: str | None = None) -> int:
    """Write a group of records in one transaction: all or none. A record whose ID exists already stays as it is.

    So the same group may be written again after a failure whose outcome is unknown.

    Args:
        store: the store.
        records: the group.
        hash_key: the setting ``store.customer_hash_key``, which recognises erased customers: no record of them is
            written. If customers were erased under another key, no record with a customer ID is written. None
            checks nothing.

    Returns:
        how many records were left out for that reason.

    Raises:
        RowsRefusedError: a text holds what no database keeps.
        StoreError: the store fails.
    """
    if not records:
        return 0
    _check(records)
    with store.writing(f"write {len(records)} records to the prediction log") as connection:
        erased: set[str] = set()
        if hash_key is not None:  # in this transaction: an erasure may come while the record waits for its turn
            erased = _erased(connection, hash_key, {one.customer for one in records if one.customer is not None})
        kept = [record for record in records if record.customer not in erased]
        if kept:
            add_new(connection, ANSWERS, [_row(record, connection.dialect.name) for record in kept])
    return len(records) - len(kept)


def records_of(store: Store, id: str) -> list[PredictionRecord]:
    """The record ``id``, or those of the batch ``id`` in its order; empty where the log has none.

    Raises:
        StoreError: the store fails.
    """
    # "." comes right after "-".
    of_batch = (ANSWERS.c.id > f"{id}-") & (ANSWERS.c.id < f"{id}.")
    with store.reading("read the prediction log") as connection:
        rows = connection.execute(select(*_COLUMNS).where(or_(ANSWERS.c.id == id, of_batch))).all()
    return sorted((PredictionRecord(**row._mapping) for row in rows), key=_place)


def answered_since(store: Store, model_sha256: str, since: datetime, most: int) -> list[tuple[str, str]]:
    """The newest ``most`` predictions of a model for fields that a caller sent: the fields, and the answer, both JSON.

    Args:
        store: the store.
        model_sha256: hash of the bundle that answered.
        since: none is earlier.
        most: how many at most.

    Raises:
        StoreError: the store fails.
    """
    columns = (cast(ANSWERS.c.inputs, Text), ANSWERS.c.answer)
    sent = (ANSWERS.c.model_sha256 == model_sha256, ANSWERS.c.customer.is_(None), ANSWERS.c.at >= since)
    query = select(*columns).where(*sent).order_by(ANSWERS.c.at.desc()).limit(most)
    with store.reading("read the requests of callers", much=True) as connection:
        return [(inputs, answer) for inputs, answer in connection.execute(query)]


def answer_before(store: Store, customer: str, day: date) -> tuple[date, str] | None:
    """The last logged answer about a customer of an as-of date before ``day``: that date, and the answer as JSON.

    Raises:
        StoreError: the store fails.
    """
    if "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return None
    query = select(ANSWERS.c.as_of, ANSWERS.c.answer).where(ANSWERS.c.customer == customer, ANSWERS.c.as_of < day)
    with store.reading("read an earlier answer about a customer") as connection:
        row = connection.execute(query.order_by(ANSWERS.c.as_of.desc(), ANSWERS.c.at.desc()).limit(1)).first()
    return None if row is None else (row.as_of, row.answer)


def delete_records_before(store: Store, day: datetime) -> int:
    """Delete the records from before ``day``.

    Returns:
        how many there were.

    Raises:
        StoreError: the store fails; nothing is deleted then.
    """
    with store.writing(f"delete the prediction log from before {day:%Y-%m-%d}", DATES) as connection:
        return connection.execute(delete(ANSWERS).where(ANSWERS.c.at < day)).rowcount


# The inputs as the text that was written, not as what it means.
_COLUMNS = [cast(column, Text).label(column.name) if column.name == "inputs" else column for column in ANSWERS.c]


def _erased(connection: Connection, hash_key: str, customers: set[str]) -> set[str]:
    try:
        return erased_among(connection, hash_key, customers)
    except ConfigError:
        return customers


def _check(records: Sequence[PredictionRecord]) -> None:
    """Refuse what no database keeps; it would otherwise come back as an error of a driver."""
    texts = "".join(
        f"{one.id}{one.model_version}{one.model_sha256}{one.caller}{one.customer}{one.inputs}{one.answer}"
        for one in records
    )
    if "\x00" in texts or not _is_encodable(texts):
        raise RowsRefusedError("a prediction holds half a character, or one of code 0; nothing was written")


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(record: PredictionRecord, dialect: str) -> tuple[Any, ...]:
    """Plain values in the order of the table's columns: SQLAlchemy's own conversion takes longer than the writing."""
    if dialect == "sqlite":  # a text in UTC, without the zone
        at = record.at.astimezone(UTC).isoformat(" ", "microseconds")[:26]
        return (record.id, at, record.as_of.isoformat(), *record[3:])
    return record


def _place(record: PredictionRecord) -> int:
    return int(record.id.rpartition("-")[2]) if "-" in record.id else 0
