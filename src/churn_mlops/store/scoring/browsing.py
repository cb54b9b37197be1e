"""The published predictions as a person looks through them: by the beginning of an ID, filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select

from churn_mlops.store.database.campaign_tables import LIST_WORK
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.scoring.predictions import OFFER, Prediction
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import ListTimes, state_of_work

Part = Literal["contact", "likely", "all"]
Order = Literal["rank", "customer", "gain"]
_LAST = "\U0010ffff"
# The columns of an order, and whether each begins with the smallest; then the same as a key.
_ORDERS: dict[Order, list[tuple[Any, bool]]] = {
    "rank": [(PREDICTIONS.c.rank, True)],
    "customer": [(PREDICTIONS.c.customer, True)],
    "gain": [(PREDICTIONS.c.expected_gain, False), (PREDICTIONS.c.rank, True)],
}
_KEYS: dict[Order, Callable[[Any], Any]] = {
    "rank": lambda one: one.rank,
    "customer": lambda one: one.customer,
    "gain": lambda one: (-one.expected_gain, one.rank),
}
_COLUMNS = tuple(name for name in Prediction.__dataclass_fields__ if name not in ("as_of", "model_version"))


@dataclass(frozen=True)
class Selection:
    """A selection of the predictions of one run.

    Args:
        part: ``contact`` the contact list, ``likely`` the list, ``all`` every customer.
        band: only this risk band; None for all.
        prefix: only customers whose ID begins so, in any case of its letters; empty for all.
        order: by rank, by customer ID, or the highest expected gain first.
        state: only customers in this state of the work, as of ``times``; None for all.
        owner: only customers of this agent; None for all.
        times: of the list; given with ``state``.
    """

    part: Part = "contact"
    band: str | None = None
    prefix: str = ""
    order: Order = "rank"
    state: str | None = None
    owner: str | None = None
    times: ListTimes | None = None


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
        after: place of the last item that was seen: a customer ID if ordered by it, else a rank.
        before: place of the first item that was seen; the page ends right before it. Takes precedence.

    Raises:
        StoreError: the store fails.
    """
    backwards = before is not None
    order = _ORDERS[selection.order]
    columns = [PREDICTIONS.c[name] for name in _COLUMNS]
    query = _selected(run, selection, columns).limit(limit + 1)
    query = query.order_by(*(_towards(column, forwards != backwards) for column, forwards in order))
    place = before if backwards else after
    if place is not None:
        query = query.where(_beyond(run, selection.order, place, backwards))
    with store.reading("read a page of predictions") as connection:
        # One range of the index for each way of writing the prefix: all in one query would be a scan.
        rows = [row for one in _ranges(selection.prefix) for row in connection.execute(query.where(*one))]
    found = [Prediction(run.as_of, run.model_version, *row) for row in rows]
    found.sort(key=_KEYS[selection.order], reverse=backwards)
    more, items = len(found) > limit, found[:limit]
    if backwards:
        return Slice(items[::-1], has_before=more, has_after=True)
    return Slice(items, has_before=after is not None, has_after=more)


def count_selected(
    store: Store, run: Run, selection: Selection, most: int | None = None, *, after: int | str | None = None
) -> int:
    """How many predictions of a run are in a selection.

    Args:
        store: the store.
        run: the run.
        selection: which of its predictions.
        most: more are not counted; None for no bound.
        after: only those behind this place of the order.

    Raises:
        StoreError: the store fails.
    """
    query = _selected(run, selection, [literal(1).label("one")]).limit(most)
    if after is not None:
        query = query.where(_beyond(run, selection.order, after, backwards=False))
    count = 0
    with store.reading("count predictions") as connection:
        for one in _ranges(selection.prefix):
            count += connection.scalar(select(func.count()).select_from(query.where(*one).subquery())) or 0
    return count if most is None else min(count, most)


def customers_at(store: Store, run: Run, ranks: Sequence[int]) -> dict[int, Prediction]:
    """The predictions of a run at some hundred ranks, by rank; a rank that is not there is left out.

    Raises:
        StoreError: the store fails.
    """
    query = select(*(PREDICTIONS.c[name] for name in _COLUMNS))
    query = query.where(PREDICTIONS.c.run_id == run.id, PREDICTIONS.c.rank.in_(ranks)).order_by(PREDICTIONS.c.rank)
    with store.reading("read predictions by rank") as connection:
        found = [Prediction(run.as_of, run.model_version, *row) for row in connection.execute(query)]
    return {one.rank: one for one in found}


def gain_has_own_order(store: Store, run: Run) -> bool:
    """Whether the expected gain orders the contact list differently from the rank, as with offers of several costs.

    Raises:
        StoreError: the store fails.
    """
    before = func.lag(PREDICTIONS.c.expected_gain).over(order_by=PREDICTIONS.c.rank)
    pairs = _selected(run, Selection(), [PREDICTIONS.c.expected_gain.label("gain"), before.label("before")]).subquery()
    with store.reading("look at the order of the list", much=True) as connection:
        return (
            connection.execute(select(pairs.c.gain).where(pairs.c.gain > pairs.c.before).limit(1)).first() is not None
        )


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


def expected_gain(store: Store, run: Run) -> float:
    """The sum of the expected gains of a run's contact list: what a day without the list costs, by the scores.

    Raises:
        StoreError: the store fails.
    """
    query = select(func.sum(PREDICTIONS.c.expected_gain)).where(PREDICTIONS.c.run_id == run.id)
    with store.reading("read the expected gain of a list", much=True) as connection:
        return connection.scalar(query.where(PREDICTIONS.c.action == OFFER)) or 0.0


def _selected(run: Run, selection: Selection, columns: Sequence[Any]) -> Select[Any]:
    query = select(*columns).select_from(PREDICTIONS).where(PREDICTIONS.c.run_id == run.id)
    if selection.part == "contact":
        query = query.where(PREDICTIONS.c.action == OFFER)
    elif selection.part == "likely":
        # They are the first by rank, so that none is looked for among all the others.
        query = query.where(PREDICTIONS.c.will_churn, PREDICTIONS.c.rank <= run.likely)
    if selection.band is not None:
        query = query.where(PREDICTIONS.c.risk_band == selection.band)
    if selection.state is None and selection.owner is None:
        return query
    query = query.outerjoin(LIST_WORK, LIST_WORK.c.customer == PREDICTIONS.c.customer)
    if selection.state is not None and selection.times is not None:
        query = query.where(state_of_work(selection.times) == selection.state)
    return query if selection.owner is None else query.where(LIST_WORK.c.owner == selection.owner)


def _towards(column: ColumnElement[Any], forwards: bool) -> ColumnElement[Any]:
    return column if forwards else column.desc()


def _beyond(run: Run, order: Order, place: int | str, backwards: bool) -> ColumnElement[bool]:
    """The items behind a place, or before it."""
    if order != "gain":
        column = PREDICTIONS.c[order]
        return column < place if backwards else column > place
    seen = PREDICTIONS.alias()
    gain = select(seen.c.expected_gain).where(seen.c.run_id == run.id, seen.c.rank == place).scalar_subquery()
    own, rank = PREDICTIONS.c.expected_gain, PREDICTIONS.c.rank
    if backwards:
        return or_(own > gain, and_(own == gain, rank < place))
    return or_(own < gain, and_(own == gain, rank > place))


def _ranges(prefix: str) -> list[tuple[ColumnElement[bool], ...]]:
    """The IDs that begin with ``prefix``, as it is, in capitals and in small letters; all IDs for an empty one."""
    prefix = prefix.replace("\x00", "")
    if not prefix:
        return [()]
    customer = PREDICTIONS.c.customer
    return [(customer >= way, customer < way + _LAST) for way in sorted({prefix, prefix.upper(), prefix.lower()})]
