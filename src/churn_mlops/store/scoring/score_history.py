"""The published scores of one customer, and what changed from each to the next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import Prediction, joined

RUNS_OF_A_QUERY = 400
"""Most dates that are looked through."""


@dataclass(frozen=True)
class ScoreChange:
    """A published score, and its difference to the score before.

    Args:
        prediction: the published prediction.
        before: date of the score before, None for the first.
        change: difference of the scores in percentage points, None for the first.
        new_reasons: reasons in words that the score before did not have.
        gone_reasons: reasons in words that only the score before had.
    """

    prediction: Prediction
    before: date | None = None
    change: float | None = None
    new_reasons: tuple[Any, ...] = ()
    gone_reasons: tuple[Any, ...] = ()


def score_history(store: Store, customer: str, *, limit: int) -> list[ScoreChange]:
    """The latest published scores of a customer, the latest first.

    Args:
        store: the store.
        customer: the customer ID.
        limit: most scores.

    Raises:
        StoreError: the store fails.
    """
    if "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return []
    # The runs are named one by one, so that each is looked up in the index, as in ``prediction_of``.
    newest = select(RUNS.c.id).where(RUNS.c.deleted_at.is_(None)).order_by(RUNS.c.as_of.desc()).limit(RUNS_OF_A_QUERY)
    query = joined().where(PREDICTIONS.c.customer == customer).order_by(RUNS.c.as_of.desc()).limit(limit + 1)
    with store.reading("read the scores of a customer") as connection:
        ids = connection.scalars(newest).all()
        found = [Prediction(*row) for row in connection.execute(query.where(PREDICTIONS.c.run_id.in_(ids)))]
    earlier = dict(enumerate(found[1:]))
    return [_change(one, earlier.get(place)) for place, one in enumerate(found[:limit])]


def _change(one: Prediction, earlier: Prediction | None) -> ScoreChange:
    if earlier is None:
        return ScoreChange(one)
    now, then = one.reasons or [], earlier.reasons or []
    return ScoreChange(
        one,
        before=earlier.as_of,
        change=round(100 * (one.score - earlier.score), 1),
        new_reasons=tuple(reason for reason in now if reason not in then),
        gone_reasons=tuple(reason for reason in then if reason not in now),
    )
