"""Today's list as plain values: its rows, what is done of it, and the addresses of its other pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from churn_mlops.serving.console.customer_view import reason_line
from churn_mlops.serving.console.work_list.list_query import ME, ListQuery
from churn_mlops.serving.console.work_list.xlsx_export import MOST_ROWS
from churn_mlops.store.campaigns.list_work import ListWork
from churn_mlops.store.contacts import Contact
from churn_mlops.store.scoring.browsing import Part, Slice
from churn_mlops.store.scoring.predictions import Prediction
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import STATES, WORKED

PARTS: tuple[Part, ...] = ("contact", "likely", "all")
BANDS = ("high", "medium", "low")
ROWS = 50


@dataclass(frozen=True)
class ListFound:
    """A page of the list as the store has it.

    Args:
        run: whose predictions it shows.
        slice: the predictions of the page.
        total: how many customers the query asks for.
        states: how many customers of the contact list are in each state.
        contacts: the latest contact of each customer that has one.
        contacted: when a customer was last contacted since the list was made.
        work: the work on each customer that has any.
        agents: who a customer may be given to.
        gain_has_own_order: whether the expected gain orders the list differently from the rank.
    """

    run: Run
    slice: Slice
    total: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    contacted: Mapping[str, datetime] = field(default_factory=dict)
    work: Mapping[str, ListWork] = field(default_factory=dict)
    agents: Sequence[str] = ()
    gain_has_own_order: bool = False


@dataclass(frozen=True)
class Row:
    """A customer of the list.

    Args:
        prediction: the published prediction.
        reason: the first reason in words; empty where none is published.
        points: of that reason, None where they are not known.
        contact: the latest contact with them, None without one.
        work: the work on them.
        state: of the work, one of ``STATES``.
    """

    prediction: Prediction
    reason: str
    points: int | None
    contact: Contact | None
    work: ListWork
    state: str


@dataclass(frozen=True)
class Tab:
    """A part of the list, or a state of the work: its name, how many customers it has, its address."""

    name: str
    count: int
    address: str
    is_current: bool


@dataclass(frozen=True)
class ListView:
    """A page of the list.

    Args:
        tabs: the parts of the list.
        states: the states of the work, with ``all`` before them; none of another part than the contact list.
        worked: how many customers of the contact list are worked.
        total: how many customers the query asks for.
        is_work: whether the work on these customers can be changed: they are of the contact list.
        owners: who customers may be asked for by, without the principal.
        agents: who a customer may be given to.
        tomorrow: the first date until which a customer may wait.
        latest_snooze: the last one.
        lacks_reasons: whether reasons of some row are not published.
        has_losses: whether an offer is expected to lose money with a customer of the contact list.
        fits_sheet: whether a spreadsheet takes so many customers, as far as their number is known.
    """

    run: Run
    query: ListQuery
    tabs: Sequence[Tab]
    states: Sequence[Tab]
    rows: Sequence[Row]
    worked: int
    total: int
    is_work: bool
    owners: Sequence[str]
    agents: Sequence[str]
    tomorrow: date
    latest_snooze: date
    lacks_reasons: bool
    has_losses: bool
    gain_has_own_order: bool
    fits_sheet: bool
    previous: str | None
    next: str | None


def published(run: Run) -> str:
    """The name of a publication, which a page of the list sends back."""
    return f"{run.id} {run.finished_at.isoformat()}"


def list_view(query: ListQuery, found: ListFound, me: str, today: date, latest_snooze: date) -> ListView:
    """A page of the list.

    Args:
        query: which predictions are shown.
        found: the page.
        me: the principal who asks.
        today: the date, in UTC.
        latest_snooze: until when a customer may wait.
    """
    run, items = found.run, found.slice.items
    counts = {"contact": run.worth_an_offer, "likely": run.likely, "all": run.customers}
    tabs = [Tab(part, counts[part], ListQuery(part=part).address(), part == query.part) for part in PARTS]
    rows = [_row(one, found, today) for one in items]
    first, last = (_place(query, items[0]), _place(query, items[-1])) if items else ("", "")
    return ListView(
        run,
        query,
        tabs,
        states=_states(query, found.states) if query.part == "contact" else (),
        rows=rows,
        worked=sum(found.states.get(name, 0) for name in WORKED),
        total=found.total,
        is_work=query.part == "contact",
        owners=sorted({*found.agents, query.owner} - {me, ME, ""}),
        agents=found.agents,
        tomorrow=today + timedelta(days=1),
        latest_snooze=latest_snooze,
        has_losses=query.part == "contact" and any(one.expected_gain < 0 for one in items),
        lacks_reasons=any(one.reasons is None for one in items),
        gain_has_own_order=found.gain_has_own_order,
        fits_sheet=(found.total if query.part == "contact" or query.is_filtered else counts[query.part]) <= MOST_ROWS,
        previous=query.address(before=first) if found.slice.has_before and first else None,
        next=query.address(after=last) if found.slice.has_after and last else None,
    )


def _states(query: ListQuery, counts: Mapping[str, int]) -> list[Tab]:
    every = Tab("all", sum(counts.values()), query.address(state=""), not query.state)
    return [every] + [Tab(name, counts.get(name, 0), query.address(state=name), query.state == name) for name in STATES]


def _row(one: Prediction, found: ListFound, today: date) -> Row:
    work = found.work.get(one.customer, ListWork(one.customer))
    contact, contacted_at = found.contacts.get(one.customer), found.contacted.get(one.customer)
    state = work.state(one.as_of, today, contacted_at)
    if not one.reasons:
        return Row(one, "", None, contact, work, state)
    line = reason_line(one.reasons[0])
    return Row(one, line.text, line.points, contact, work, state)


def _place(query: ListQuery, one: Prediction) -> str:
    return one.customer if query.order == "customer" else str(one.rank)
