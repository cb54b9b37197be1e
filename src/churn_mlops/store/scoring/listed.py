"""The list of a date: customers who are likely to churn or get an offer, without the control group."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, or_, select

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import OFFER, Prediction, joined

CONTROL_GROUP = "control_group"
"""The reason of customers in the control group."""


def is_listed() -> ColumnElement[bool]:
    """Whether a prediction is on the list."""
    is_control = and_(PREDICTIONS.c.why_not.is_not(None), PREDICTIONS.c.why_not == CONTROL_GROUP)
    return and_(or_(PREDICTIONS.c.will_churn, PREDICTIONS.c.action == OFFER), ~is_control)


def listed_ranks(store: Store, as_of: date) -> list[int]:
    """The ranks of the list, the highest rank first.

    Raises:
        StoreError: the store fails.
    """
    run_id = select(RUNS.c.id).where(RUNS.c.as_of == as_of).scalar_subquery()
    query = select(PREDICTIONS.c.rank).where(PREDICTIONS.c.run_id == run_id, is_listed()).order_by(PREDICTIONS.c.rank)
    with store.reading(f"read the list of {as_of}", much=True) as connection:
        return list(connection.scalars(query))


def listed_predictions(store: Store, as_of: date, ranks: Sequence[int]) -> list[Prediction]:
    """The predictions of a part of the list, by rank.

    Args:
        store: the store.
        as_of: a published date.
        ranks: neighbours in :func:`listed_ranks`.

    Raises:
        StoreError: the store fails.
    """
    if not ranks:
        return []
    run_id = select(RUNS.c.id).where(RUNS.c.as_of == as_of).scalar_subquery()
    here = (PREDICTIONS.c.run_id == run_id, PREDICTIONS.c.rank.between(ranks[0], ranks[-1]), is_listed())
    with store.reading(f"read the list of {as_of}") as connection:
        return [Prediction(*row) for row in connection.execute(joined().where(*here).order_by(PREDICTIONS.c.rank))]
