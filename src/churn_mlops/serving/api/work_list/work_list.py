"""``/api/list``: today's contact list with the work on it. Two agents never work on one customer without seeing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.serving.access.principal import about, principal_of, shown_in_refusal
from churn_mlops.serving.api.predictions import PublishedPrediction, prediction_json
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.api.request_bodies import Day, LongText, ShortText, described_body
from churn_mlops.serving.api.work_list.list_desk import ListDesk, Wanted, WorkRefusedError
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.pagination import PageQuery, limit_field
from churn_mlops.serving.http.whole_number import NUMBER, WholeNumber
from churn_mlops.serving.model.request_models import CustomerName
from churn_mlops.serving.prediction.offers import why_not_json
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import ListWork, WorkAction
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_list import ListFilter, WorkItem, work_page
from churn_mlops.store.scoring.work_states import list_times

WORK = "Work on the list"
State = Literal["open", "taken", "snoozed", "contacted", "done"]
_NO_LIST = "no list is published: publish one with `churn score`"


class WorkState(BaseModel):
    """The state of the work on one customer."""

    customer_id: str
    state: State
    version: int = Field(ge=0, description="send it with the next change; another version is refused with 409")
    owner: str | None = Field(description="who works on the customer")
    owner_since: datetime | None
    snoozed_until: date | None
    note: str | None = Field(description="of the last change")
    changed_by: str | None


class ListedCustomer(PublishedPrediction):
    """A customer of the contact list."""

    why_not_words: str | None = Field(description="why there is no offer any more, in words")
    work: WorkState


class ContactListPage(BaseModel):
    """A page of the contact list of the newest published date."""

    as_of: date
    published_at: datetime
    total: int = Field(description="customers that match the filter")
    states: dict[str, int] = Field(description="customers of the whole list by state")
    customers: list[ListedCustomer]
    next: int | None = Field(description="what to give as `skip` for the next page; null after the last")


class _Query(PageQuery):
    state: State | None = Field(None, description="only customers in this state")
    owner: ShortText | None = Field(None, description="only customers of this owner; `me` for your own")
    risk_band: Literal["low", "medium", "high"] | None = Field(None, description="only this risk band")
    campaign_id: int | None = Field(None, ge=1, le=2**31 - 1, description="only this campaign")
    search: CustomerName | None = Field(None, description="only customer IDs that begin so")
    sort: Literal["rank", "expected_gain"] = Field("rank", description="order: by rank, or the highest gain first")
    skip: WholeNumber = Field(0, ge=0, le=2**31 - 1, description="customers before the page")
    limit: WholeNumber = limit_field("customers")


class ChangeRequest(BaseModel):
    """A change of the work on a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[int, NUMBER] = Field(ge=0, le=2**31 - 1, description="that you saw")
    note: LongText | None = Field(None, description="why")


class TakeRequest(BaseModel):
    """Take a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Annotated[int, Field(ge=0, le=2**31 - 1), NUMBER] | None = Field(
        None, description="that you saw; left out to take in any case"
    )
    note: LongText | None = Field(None, description="why")


class HandOnRequest(ChangeRequest):
    """Give a customer to another agent."""

    to: ShortText | None = Field(
        description="the next owner, an active user such as person:ben; null gives the customer back to all"
    )


class SnoozeRequest(ChangeRequest):
    """Let a customer wait."""

    until: Day = Field(
        description="the date from which they are open again: after today, within the horizon and 90 days"
    )


def add_work_list(app: FastAPI, store: StoreClient, desk: ListDesk) -> None:
    """Add the routes.

    Args:
        app: the application.
        store: where the list and the work on it are.
        desk: changes the work.
    """
    routes = _WorkList(store, desk)
    app.get(
        "/api/list",
        summary="Today's contact list, with the work on it",
        tags=[WORK],
        response_model=ContactListPage,
        responses=refusing({404: "No list is published"}),
        dependencies=ONE_EACH,
    )(routes.contact_list)
    refusals = refusing(
        {
            404: "The customer is not on the newest list",
            409: "Another agent has the customer, or no offer holds",
            410: "They were erased",
        }
    )
    for word, summary, route, model, example in (
        ("take", "Take a customer", routes.take, TakeRequest, {}),
        ("hand-on", "Give a customer to another agent", routes.hand_on, HandOnRequest, {"version": 1, "to": None}),
        ("snooze", "Let a customer wait", routes.snooze, SnoozeRequest, {"version": 1, "until": "2026-12-01"}),
        ("done", "Mark the work on a customer as done", routes.done, ChangeRequest, {"version": 1}),
    ):
        app.post(
            f"/api/list/{{customer_id:path}}/{word}",
            summary=summary,
            tags=[WORK],
            response_model=WorkState,
            responses=refusals,
            openapi_extra=described_body(model, example),
        )(route)


@dataclass(frozen=True)
class _WorkList:
    """The routes. The name of a method is part of its operation's id."""

    store: StoreClient
    desk: ListDesk

    async def contact_list(self, request: Request, query: Annotated[_Query, Query()]) -> Response:
        """The contact list of the newest published date, a page at a time.

        It holds the customers that got an offer when it was made. A customer who gets none any more, as after a
        contact, is still there, with the action that holds now.
        """
        owner = principal_of(request).name if query.owner == "me" else query.owner
        wanted = ListFilter(query.state, owner, query.risk_band, query.campaign_id, query.search)
        about(request, None, skip=query.skip, limit=query.limit)
        body = await self.store.ask(lambda opened: self._page(opened, query, wanted))
        if body is None:
            raise RequestError(404, _NO_LIST)
        return Response(as_json(body), media_type="application/json")

    async def take(self, request: Request, customer_id: CustomerName) -> Response:
        """Take a customer of the list who gets an offer now. If another agent has them, 409 names the agent."""
        asked = read_fields(await request.body(), TakeRequest, "a change")
        return await self._change(request, customer_id, asked, lambda _: WorkAction("take"))

    async def hand_on(self, request: Request, customer_id: CustomerName) -> Response:
        """Give a customer to another agent who is an active user, or back to all."""
        asked = read_fields(await request.body(), HandOnRequest, "a change")
        action = WorkAction("release") if asked.to is None else WorkAction("hand_on", asked.to)
        return await self._change(request, customer_id, asked, lambda _: action)

    async def snooze(self, request: Request, customer_id: CustomerName) -> Response:
        """Let a customer wait until a date: after today, within the horizon of the model and 90 days."""
        asked = read_fields(await request.body(), SnoozeRequest, "a change")
        return await self._change(request, customer_id, asked, lambda _: WorkAction("snooze", day=asked.until))

    async def done(self, request: Request, customer_id: CustomerName) -> Response:
        """Mark the work on a customer as done, for this list."""
        asked = read_fields(await request.body(), ChangeRequest, "a change")
        return await self._change(request, customer_id, asked, lambda run: WorkAction("done", day=run.as_of))

    async def _change(
        self,
        request: Request,
        customer: str,
        asked: ChangeRequest | TakeRequest,
        action_on: Callable[[Run], WorkAction],
    ) -> Response:
        about(request, customer)
        self.desk.suppression.check_key()
        by = principal_of(request)

        def change(store: Store) -> tuple[dict[str, Any], str | None]:
            run = self.desk.run(store)
            found = None if run is None else self.desk.listed(store, run, customer)
            if run is None or found is None:
                problem = "is not on the newest list"
                raise RequestError(404, f"the customer {problem}", [("customer_id", problem)])
            action = action_on(run)
            if action.to is not None:
                self.desk.check_agent(store, action.to)
            if action.kind == "snooze" and action.day is not None:
                self.desk.check_snooze(action.day)
            owner = self.desk.other_owner(store, customer, by)
            work = self.desk.change_one(store, Wanted(found, asked.version), action, by=by, note=asked.note)
            return _work_json(work, work.state(run.as_of, self.desk.today())), owner

        try:
            body, owner = await self.store.ask(change)
        except WorkRefusedError as error:
            if error.status == 409:
                shown_in_refusal(request, customer, **error.refused.trace())
            raise
        about(request, customer, **{"from": owner})
        return Response(as_json(body), media_type="application/json")

    def _page(self, store: Store, query: _Query, wanted: ListFilter) -> dict[str, Any] | None:
        run = self.desk.run(store)
        if run is None:
            return None
        times, by_gain = list_times(store, run, self.desk.clock()), query.sort == "expected_gain"
        page = work_page(store, run, times, wanted, by_gain=by_gain, skip=query.skip, limit=query.limit)
        read_to = query.skip + len(page.items)
        return {
            "as_of": run.as_of.isoformat(),
            "published_at": run.finished_at.isoformat(),
            "total": page.total,
            "states": {name: count for name, count in page.states.items() if count},
            "customers": self._items_json(store, page.items),
            "next": read_to if read_to < page.total else None,
        }

    def _items_json(self, store: Store, items: list[WorkItem]) -> list[dict[str, Any]]:
        now = self.desk.offers.now(store, [one.prediction for one in items])
        return [
            prediction_json(one) | why_not_json(one.why_not) | {"work": _work_json(item.work, item.state)}
            for one, item in zip(now, items, strict=True)
        ]


def _work_json(work: ListWork, state: str) -> dict[str, Any]:
    return {
        "customer_id": work.customer,
        "state": state,
        "version": work.version,
        "owner": work.owner,
        "owner_since": None if work.owner_since is None else work.owner_since.isoformat(),
        "snoozed_until": None if work.snoozed_until is None else work.snoozed_until.isoformat(),
        "note": work.note,
        "changed_by": work.changed_by or None,
    }
