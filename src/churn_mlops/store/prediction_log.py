"""Answers: what was said about a customer, with all that it was made of, so that it can be said again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Text, cast, delete, or_, select

from churn_mlops.errors import ConfigError, RowsRefusedError
from churn_mlops.store.database.bulk_load import add_new
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import ANSWERS
from churn_mlops.store.suppression.tombstones import forgotten_among


class Answer(NamedTuple):
    """One score as it was answered; the fields stand in the order of the table's columns.

    Args:
        id: the prediction id; that of a customer of a batch ends with ``-`` and his place, counted from 0.
        at: when it was answered, with a time zone.
        as_of: the as-of date that was told.
        model_version: the version that was told.
        model_sha256: hash of its bundle.
        caller: who asked.
        customer: his name where it was known, else None.
        inputs: the customer's fields as they were read, JSON as a text.
        answer: the body of the answer, or the part of it that is about this customer; it comes back byte for byte.
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


def keep_answers(store: Store, answers: Sequence[Answer], *, hash_key: str | None = None) -> int:
    """Keep a group of answers in one transaction: all or none; one whose id is there already is left as it is.

    So a group may be given again by whoever cannot know what became of it.

    Args:
        store: the store.
        answers: the group.
        hash_key: the setting ``store.customer_hash_key``, by which those are told who were forgotten: of them nothing
            is kept, and of nobody whose name is known where they were forgotten under another key. None looks for
            nobody.

    Returns:
        how many answers were left out so.

    Raises:
        RowsRefusedError: a text holds what no database keeps.
        StoreError: the store fails.
    """
    if not answers:
        return 0
    _check(answers)
    with store.writing(f"keep {len(answers)} answers") as connection:
        gone: set[str] = set()
        if hash_key is not None:  # in this transaction: he may be forgotten while his answer waits for its turn
            gone = _gone(connection, hash_key, {one.customer for one in answers if one.customer is not None})
        kept = [answer for answer in answers if answer.customer not in gone]
        if kept:
            add_new(connection, ANSWERS, [_row(answer, connection.dialect.name) for answer in kept])
    return len(answers) - len(kept)


def answers_of(store: Store, id: str) -> list[Answer]:
    """The answer ``id``, or those of the batch ``id`` in its order; none where nothing is kept under it.

    Raises:
        StoreError: the store fails.
    """
    # "." comes right after "-".
    of_batch = (ANSWERS.c.id > f"{id}-") & (ANSWERS.c.id < f"{id}.")
    with store.reading("read an answer") as connection:
        rows = connection.execute(select(*_COLUMNS).where(or_(ANSWERS.c.id == id, of_batch))).all()
    return sorted((Answer(*row) for row in rows), key=_place)


def retain_answers(store: Store, older_than: datetime) -> int:
    """Delete the answers from before ``older_than``.

    Returns:
        how many there were.

    Raises:
        StoreError: the store fails; nothing is deleted then.
    """
    with store.writing(f"delete the answers from before {older_than:%Y-%m-%d}") as connection:
        return connection.execute(delete(ANSWERS).where(ANSWERS.c.at < older_than)).rowcount


# The inputs as the text that was written, not as what it means.
_COLUMNS = [cast(column, Text) if column.name == "inputs" else column for column in ANSWERS.c]


def _gone(connection: Connection, hash_key: str, names: set[str]) -> set[str]:
    try:
        return forgotten_among(connection, hash_key, names)
    except ConfigError:
        return names


def _check(answers: Sequence[Answer]) -> None:
    """What no database keeps would otherwise come back as an error of a driver."""
    texts = "".join(
        f"{one.id}{one.model_version}{one.model_sha256}{one.caller}{one.customer}{one.inputs}{one.answer}"
        for one in answers
    )
    if "\x00" in texts or not _is_whole(texts):
        raise RowsRefusedError("an answer holds half a character, or one of code 0; nothing was written")


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _row(answer: Answer, dialect: str) -> tuple[Any, ...]:
    """Plain values in the order of the table's columns: SQLAlchemy's own look at each takes longer than the writing."""
    id, at, as_of, *others = answer
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    if dialect == "sqlite":  # a text in UTC, without the zone
        return (id, at.isoformat(" ", "microseconds")[:26], as_of.isoformat(), *others)
    return (id, at, as_of, *others)


def _place(answer: Answer) -> int:
    return int(answer.id.rpartition("-")[2]) if "-" in answer.id else 0
