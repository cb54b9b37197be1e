"""The work on one customer, from their page: take, release, hand on, snooze, done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.access.principal import Principal, about, principal_of, shown_in_refusal
from churn_mlops.serving.api.work_list.list_desk import ListDesk, Wanted, WorkRefusedError
from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.frame.confirmation import is_confirmed
from churn_mlops.serving.console.frame.forms import Form, add_form, form_token
from churn_mlops.serving.console.frame.navigation import customer_address, customer_path
from churn_mlops.serving.console.frame.pages import Pages, redirect
from churn_mlops.serving.console.work_list.list_doubts import Doubt, doubts_of
from churn_mlops.serving.console.work_list.list_forms import CustomerWork, needed, read_customer_work
from churn_mlops.serving.console.work_list.list_query import proof_of
from churn_mlops.serving.console.work_list.resending import again, confirm, doubtful
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.resilience.store_client import StoreUnavailableError
from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import WorkAction, work_on


@dataclass(frozen=True)
class WorkPage:
    """The route.

    Args:
        pages: makes pages.
        facts: asks the store.
        desk: changes the work.
    """

    pages: Pages
    facts: StoreFacts
    desk: ListDesk

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        add_form(app, "/work", self.change)

    async def change(self, request: Request, form: Form) -> Response:
        """Change the work on a customer, and show them again; what another agent decided is ended after a question."""
        asked, by = read_customer_work(form), principal_of(request)
        about(request, asked.customer_id)
        self.desk.suppression.check_key()
        self._check_date(asked)
        try:
            if not is_confirmed(form) and (doubts := await self.facts.ask(partial(self._doubts, asked=asked, by=by))):
                return self._question(request, form, asked, doubts)
            owner = await self.facts.ask(partial(self._change, asked=asked, by=by))
        except WorkRefusedError as error:
            if error.status == 409:
                shown_in_refusal(request, asked.customer_id, do=asked.do, **error.refused.trace())
            raise self._in_words(error) from None
        except StoreUnavailableError as error:
            return again(self.pages, request, form, "/work", error)
        about(request, asked.customer_id, do=asked.do, **{"from": owner})
        proof = proof_of(form_token(request)[0], asked.do, 1)
        return redirect(customer_address(asked.customer_id, did=asked.do, proof=proof))

    def _doubts(self, store: Store, asked: CustomerWork, by: Principal) -> list[Doubt]:
        """The decisions of another agent that the change would end."""
        _, action = self._wanted(store, asked)
        works = work_on(store, [asked.customer_id])
        return doubts_of({asked.customer_id: asked.version}, works, action, by.name, self.desk.today())

    def _question(self, request: Request, form: Form, asked: CustomerWork, doubts: Sequence[Doubt]) -> Response:
        shown_in_refusal(request, asked.customer_id, do=asked.do, agent=doubts[0].agent)
        back_label = self.pages.texts("resend.back_customer")
        question = doubtful(self.pages, asked, doubts, [asked.customer_id], back_label)
        return confirm(self.pages, request, form, "/work", question, customer_path(asked.customer_id), doubts)

    def _change(self, store: Store, asked: CustomerWork, by: Principal) -> str | None:
        """Make the change; the other agent who had the customer before, None without one."""
        wanted, action = self._wanted(store, asked)
        owner = self.desk.other_owner(store, asked.customer_id, by)
        self.desk.change_one(store, wanted, action, by=by, note=asked.note)
        return owner

    def _wanted(self, store: Store, asked: CustomerWork) -> tuple[Wanted, WorkAction]:
        """The customer and what is done.

        Raises:
            RequestError: 404, they are not on the list; 422, they cannot be handed on to this agent.
        """
        to, until = needed(asked)
        run = self.desk.run(store)
        found = None if run is None else self.desk.listed(store, run, asked.customer_id)
        if run is None or found is None:
            raise RequestError(404, "the customer is not on the newest list")
        if to is not None:
            self.desk.check_agent(store, to)
        return Wanted(found, asked.version), WorkAction(asked.do, to, run.as_of if asked.do == "done" else until)

    def _check_date(self, asked: CustomerWork) -> None:
        """Refuse a date until which no customer may wait, with dates as the pages write them."""
        if asked.do != "snooze" or asked.until is None:
            return
        try:
            self.desk.check_snooze(asked.until)
        except RequestError as refused:
            first, last = (self.pages.formats.date(day) for day in self.desk.snooze_bounds())
            words = self.pages.texts("list_wrong.until", first=first, last=last).removesuffix(".")
            raise RequestError(refused.status, words, refused.problems) from None

    def _in_words(self, error: WorkRefusedError) -> RequestError:
        """The refusal with names and times as the pages write them."""
        refused, formats = error.refused, self.pages.formats
        if refused.reason not in ("taken", "changed"):
            return error
        since = "" if refused.since is None else formats.time(refused.since)
        words = self.pages.texts(f"work_refused.{refused.reason}", agent=formats.who(refused.detail), since=since)
        return RequestError(error.status, words, [refused.problem])
