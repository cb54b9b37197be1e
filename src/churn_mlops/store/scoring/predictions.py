"""Predictions: one for each customer and as-of date, ranked from the likeliest to leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

from sqlalchemy import Select, select

from churn_mlops.store.database.bulk_load import Values
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS

OFFER = "offer"
"""The action of customers on the contact list."""
BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Predictions:
    """A batch of predictions, each field the values of one column: a list, or an array of NumPy or Arrow.

    Args:
        rank: from 1, the likeliest to leave first; each once in a run.
        customer: names as texts, each once in a run, without a character of code 0.
        score: churn probabilities, in [0, 1]; they come back exactly.
        will_churn: whether the score reaches the decision threshold.
        risk_band: such as "low", "medium", "high".
        action: such as "offer", "leave_alone".
        expected_gain: of an offer, USD; finite.
        reasons: of those on the list a list of what JSON can say; None for the others.
        campaign_id: the campaign of customers with an arm; None for the others. May be left out.
        why_not: why no offer is made, where the score alone does not say it; None for the others. May be left out.
        shadow_score: churn probabilities of the model in the shadow. May be left out.
    """

    rank: Values
    customer: Values
    score: Values
    will_churn: Values
    risk_band: Values
    action: Values
    expected_gain: Values
    reasons: Values
    campaign_id: Values | None = None
    why_not: Values | None = None
    shadow_score: Values | None = None


@dataclass(frozen=True)
class Prediction:
    """The prediction of one customer, as in ``Predictions``.

    Args:
        as_of: the date that it is of.
        model_version: version of the model that it comes from.
    """

    as_of: date
    model_version: str
    rank: int
    customer: str
    score: float
    will_churn: bool
    risk_band: str
    action: str
    expected_gain: float
    reasons: list[Mapping[str, Any]] | None
    campaign_id: int | None = None
    why_not: str | None = None


def predictions(
    store: Store,
    as_of: date,
    *,
    limit: int | None = None,
    offset: int = 0,
    after: int = 0,
    customer: str | None = None,
    only_likely: bool = False,
) -> list[Prediction]:
    """The predictions of one date by rank, all from the same publication.

    Args:
        store: the store.
        as_of: a published date; another gives none.
        limit: most customers, None for all.
        offset: customers that are left out before the first.
        after: rank of the last one that is left out, found without reading those before it.
        customer: only this one.
        only_likely: only customers with ``will_churn``: the list.

    Raises:
        StoreError: the store fails.
    """
    if customer is not None and "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return []
    query = _ranked(as_of, only_likely).offset(offset)
    query = query if limit is None else query.limit(limit)
    query = query if after == 0 else query.where(PREDICTIONS.c.rank > after)
    query = query if customer is None else query.where(PREDICTIONS.c.customer == customer)
    with store.reading(f"read the predictions of {as_of}") as connection:
        return [Prediction(*row) for row in connection.execute(query)]


def prediction_batches(store: Store, as_of: date, *, only_likely: bool = False) -> Iterator[Predictions]:
    """The predictions of one date by rank, all from the same publication, a part in memory at a time.

    Raises:
        StoreError: the store fails.
    """
    columns = [PREDICTIONS.c[name] for name in _OWN]
    query = _ranked(as_of, only_likely).with_only_columns(*columns, maintain_column_froms=True)
    with store.reading(f"read the predictions of {as_of}", much=True) as connection:
        for rows in connection.execution_options(yield_per=BATCH_ROWS).execute(query).partitions():
            yield Predictions(*map(list, zip(*rows, strict=True)))


def prediction_of(store: Store, customer: str) -> Prediction | None:
    """The customer's prediction of the latest date that has one, None where no date has.

    Raises:
        StoreError: the store fails.
    """
    if "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return None
    # The runs are named one by one, so that each is looked up in the index; a join would read through all of it. Nearly
    # always the first has the customer.
    runs = select(RUNS.c.id).where(RUNS.c.deleted_at.is_(None)).order_by(RUNS.c.as_of.desc())
    query = joined().where(PREDICTIONS.c.customer == customer).order_by(RUNS.c.as_of.desc()).limit(1)
    with store.reading("read the prediction of a customer") as connection:
        ids = connection.scalars(runs).all()
        for some in (ids[:1], ids[1:]):
            row = connection.execute(query.where(PREDICTIONS.c.run_id.in_(some))).one_or_none()
            if row is not None:
                return Prediction(*row)
    return None


_OWN = tuple(field.name for field in fields(Predictions) if field.name != "shadow_score")


def _ranked(as_of: date, only_likely: bool) -> Select[Any]:
    # By the run's number, found beforehand: PostgreSQL then reads in the order of ranks, rather than sort a whole date.
    run_id = select(RUNS.c.id).where(RUNS.c.as_of == as_of).scalar_subquery()
    query = joined().where(PREDICTIONS.c.run_id == run_id).order_by(PREDICTIONS.c.rank)
    if not only_likely:
        return query
    # The run knows how many there are, so that the database looks for no more of them among all the others.
    likely = select(RUNS.c.likely).where(RUNS.c.as_of == as_of).scalar_subquery()
    return query.where(PREDICTIONS.c.will_churn).limit(likely)


def joined() -> Select[Any]:
    """Run and predictions by one statement, which sees one publication even while the next takes place."""
    columns = [RUNS.c.as_of, RUNS.c.model_version, *(PREDICTIONS.c[name] for name in _OWN)]
    return select(*columns).join_from(RUNS, PREDICTIONS, RUNS.c.id == PREDICTIONS.c.run_id)
