"""The published predictions as a person looks through them: by the beginning of an ID, filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, func, select

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import OFFER, Prediction
from churn_mlops.store.scoring.runs import Run

Part = Literal["contact", "likely", "all"]
Order = Literal["rank", "customer"]
_LAST = "\U0010ffff"
_COLUMNS = tuple(name for name in Prediction.__dataclass_fields__ if name not in ("as_of", "model_version"))


@dataclass(frozen=True)
class Selection:
    """A selection of the predictions of one run.

    Args:
        part: ``contact`` the contact list, ``likely`` the list, ``all`` every customer.
        band: only this risk band; None for all.
        prefix: only customers whose ID begins so, in any case of its letters; empty for all.
        order: by rank, or by customer ID.
    """

    part: Part = "contact"
    band: str | None = None
    prefix: str = ""
    order: Order = "rank"


@dataclass(frozen=True)
class Slice:
    """A page of a selection.

    Args:
        items: of the page, in the order of the selection.
        has_before: whether there are items before them.
        has_after: whether there are items after them.
    """

    items: Sequence[Prediction]
    has_before: bool
    has_after: bool


@dataclass(frozen=True)
class PublishedScore:
    """The score that a customer got on one date."""

    as_of: date
    score: float
    model_version: str


def customers_beginning(store: Store, run: Run, prefix: str, limit: int) -> list[Prediction]:
    """The customers of a run whose ID begins with ``prefix``, in the order of IDs; letters of the other case too.

    Raises:
        StoreError: the store fails.
    """
    return list(read_slice(store, run, Selection("all", prefix=prefix, order="customer"), limit).items)


def read_slice(
    store: Store,
    run: Run,
    selection: Selection,
    limit: int,
    *,
    after: int | str | None = None,
    before: int | str | None = None,
) -> Slice:
    """A page of the predictions of a run; it starts in an index, and so never reads the pages before it.

    Args:
        store: the store.
        run: the run.
        selection: which of its predictions, and in which order.
        limit: most items.
        after: place of the last item that was seen: a rank, or a customer ID, as the order is.
        before: place of the first item that was seen; the page ends right before it. Takes precedence.

    Raises:
        StoreError: the store fails.
    """
    place, backwards = PREDICTIONS.c[selection.order], before is not None
    query = _selected(run, selection).order_by(place.desc() if backwards else place).limit(limit + 1)
    if backwards:
        query = query.where(place < before)
    elif after is not None:
        query = query.where(place > after)
    with store.reading("read a page of predictions") as connection:
        # One range of the index for each way of writing the prefix: all in one query would be a scan.
        rows = [row for one in _ranges(selection.prefix) for row in connection.execute(query.where(*one))]
    found = [Prediction(run.as_of, run.model_version, *row) for row in rows]
    found.sort(key=attrgetter(selection.order), reverse=backwards)
    more, items = len(found) > limit, found[:limit]
    if backwards:
        return Slice(items[::-1], has_before=more, has_after=True)
    return Slice(items, has_before=after is not None, has_after=more)


def published_scores(store: Store, customer: str, runs: int) -> list[PublishedScore]:
    """The scores of a customer on the latest published dates, the latest first.

    Args:
        store: the store.
        customer: their ID.
        runs: how many published dates are looked at.

    Raises:
        StoreError: the store fails.
    """
    if "\x00" in customer:  # PostgreSQL refuses such a text, and no customer has it
        return []
    latest = select(RUNS.c.id).where(RUNS.c.deleted_at.is_(None)).order_by(RUNS.c.as_of.desc()).limit(runs)
    query = select(RUNS.c.as_of, PREDICTIONS.c.score, RUNS.c.model_version)
    query = query.join_from(RUNS, PREDICTIONS, RUNS.c.id == PREDICTIONS.c.run_id)
    with store.reading("read the scores of a customer") as connection:
        ids = connection.scalars(latest).all()  # named one by one, each is looked up in the index
        these = query.where(PREDICTIONS.c.run_id.in_(ids), PREDICTIONS.c.customer == customer)
        return [PublishedScore(*row) for row in connection.execute(these.order_by(RUNS.c.as_of.desc()))]


def average_score(store: Store, run: Run) -> float | None:
    """The mean of all scores of a run, in [0, 1]: the share of customers who are expected to leave; None without any.

    Raises:
        StoreError: the store fails.
    """
    query = select(func.avg(PREDICTIONS.c.score)).where(PREDICTIONS.c.run_id == run.id)
    with store.reading("read the average score", much=True) as connection:
        return connection.scalar(query)


def _selected(run: Run, selection: Selection) -> Select[Any]:
    columns = [PREDICTIONS.c[name] for name in _COLUMNS]
    query = select(*columns).where(PREDICTIONS.c.run_id == run.id)
    if selection.part == "contact":
        query = query.where(PREDICTIONS.c.action == OFFER)
    elif selection.part == "likely":
        # They are the first by rank, so that none is looked for among all the others.
        query = query.where(PREDICTIONS.c.will_churn, PREDICTIONS.c.rank <= run.likely)
    if selection.band is not None:
        query = query.where(PREDICTIONS.c.risk_band == selection.band)
    return query


def _ranges(prefix: str) -> list[tuple[ColumnElement[bool], ...]]:
    """The IDs that begin with ``prefix``, as it is, in capitals and in small letters; all IDs for an empty one."""
    prefix = prefix.replace("\x00", "")
    if not prefix:
        return [()]
    customer = PREDICTIONS.c.customer
    return [(customer >= way, customer < way + _LAST) for way in sorted({prefix, prefix.upper(), prefix.lower()})]
