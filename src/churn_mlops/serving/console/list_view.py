"""Today's list as plain values: its rows, and the addresses of its other pages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.serving.console.customer_view import reason_line
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.request_models import PLAIN
from churn_mlops.store.campaigns.list_work import ListWork
from churn_mlops.store.contacts import Contact
from churn_mlops.store.scoring.browsing import Order, Part, Selection, Slice
from churn_mlops.store.scoring.predictions import Prediction
from churn_mlops.store.scoring.runs import Run

PARTS: tuple[Part, ...] = ("contact", "likely", "all")
BANDS = ("high", "medium", "low")
ROWS = 50


class ListQuery(BaseModel):
    """The query of the list: which customers, in which order, from where on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    part: Part = "contact"
    band: Literal["", "high", "medium", "low"] = ""
    q: str = Field("", max_length=200, description="the beginning of a customer ID")
    order: Order = "rank"
    after: Annotated[str, Field(max_length=200), PLAIN] = ""
    before: Annotated[str, Field(max_length=200), PLAIN] = ""

    def selection(self) -> Selection:
        """Which predictions the query asks for."""
        return Selection(self.part, self.band or None, self.q.strip(), self.order)

    def place(self, given: str) -> int | str | None:
        """The place ``after`` or ``before`` of a page.

        Raises:
            RequestError: 422, it is no rank.
        """
        if not given:
            return None
        if self.order == "customer":
            return given
        if not given.isdecimal() or len(given) > 9:
            raise RequestError(422, "the place in the list is no rank", [("after", "must be a rank")])
        return int(given)

    def address(self, path: str = "/list", **changed: str) -> str:
        """The address of the list with some values changed; a page begins at the first row unless given another."""
        values = {"part": self.part, "band": self.band, "q": self.q, "order": self.order} | changed
        defaults = {"part": "contact", "order": "rank"}
        given = {name: value for name, value in values.items() if value and defaults.get(name) != value}
        return f"{path}?{urlencode(given)}" if given else path


@dataclass(frozen=True)
class Row:
    """A customer of the list.

    Args:
        prediction: the published prediction.
        reason: the first reason in words; empty where none is published.
        points: of that reason, None where they are not known.
        contact: the latest contact with them, None without one.
        owner: the agent who works on them, None where no one does.
    """

    prediction: Prediction
    reason: str
    points: int | None
    contact: Contact | None
    owner: str | None


@dataclass(frozen=True)
class Tab:
    """A part of the list: its name, how many customers it has, its address."""

    name: str
    count: int
    address: str
    is_current: bool


@dataclass(frozen=True)
class ListView:
    """A page of the list."""

    run: Run
    query: ListQuery
    tabs: Sequence[Tab]
    rows: Sequence[Row]
    previous: str | None
    next: str | None


def list_view(
    run: Run,
    query: ListQuery,
    found: Slice,
    contacts: Mapping[str, Contact],
    work: Mapping[str, ListWork],
) -> ListView:
    """A page of the list.

    Args:
        run: whose predictions it shows.
        query: which of them.
        found: the predictions of the page.
        contacts: the latest contact of each customer that has one.
        work: the work on each customer that has any.
    """
    counts = {"contact": run.worth_an_offer, "likely": run.likely, "all": run.customers}
    tabs = [Tab(part, counts[part], ListQuery(part=part).address(), part == query.part) for part in PARTS]
    rows = [_row(one, contacts.get(one.customer), work.get(one.customer)) for one in found.items]
    first, last = (_place(query, found.items[0]), _place(query, found.items[-1])) if found.items else ("", "")
    return ListView(
        run,
        query,
        tabs,
        rows,
        previous=query.address(before=first) if found.has_before and first else None,
        next=query.address(after=last) if found.has_after and last else None,
    )


def _row(one: Prediction, contact: Contact | None, work: ListWork | None) -> Row:
    owner = None if work is None else work.owner
    if not one.reasons:
        return Row(one, "", None, contact, owner)
    line = reason_line(one.reasons[0])
    return Row(one, line.text, line.points, contact, owner)


def _place(query: ListQuery, one: Prediction) -> str:
    return str(one.rank) if query.order == "rank" else one.customer
