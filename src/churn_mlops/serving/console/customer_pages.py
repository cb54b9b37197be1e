"""The pages of an agent with a customer on the phone: find them, see their risk, record what came of the contact."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.convertors import PathConvertor, register_url_convertor

from churn_mlops.config.console import Console
from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.serving.access.principal import about, principal_of
from churn_mlops.serving.api.contacts import ContactRecorder
from churn_mlops.serving.api.customers import CustomerRisks
from churn_mlops.serving.console.customer_facts import StoreFacts, newest_run
from churn_mlops.serving.console.customer_forms import read_contact, read_key, read_note
from churn_mlops.serving.console.customer_view import CustomerFacts, customer_view, reason_line
from churn_mlops.serving.console.frame.forms import Form, add_form
from churn_mlops.serving.console.frame.navigation import OF_API, customer_path
from churn_mlops.serving.console.frame.pages import Banner, Pages, redirect
from churn_mlops.serving.console.what_if import what_if
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.request_models import CustomerName
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.prediction.suppression import OtherHashKeyError
from churn_mlops.store import Store
from churn_mlops.store.campaigns.notes import NoteKeyReusedError, add_note
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.contacts import DISMISSALS
from churn_mlops.store.scoring.browsing import customers_beginning
from churn_mlops.store.scoring.predictions import Prediction
from churn_mlops.store.scoring.runs import Run

SUGGESTED = 8
RESULTS = ("accepted", "declined", "no_answer")
"""The results that a button records, in their order."""
_RECORDED = ("offered", *RESULTS, NOT_OFFERED)


class _CustomerOfPage(PathConvertor):
    """An ID in the address of a page: any signs, but no end of an address of the API."""

    regex = rf"(?!.*/(?:{'|'.join(OF_API)})$).+"


class _Find(BaseModel):
    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=200, description="the beginning of a customer ID")


class _Shown(BaseModel):
    model_config = ConfigDict(extra="ignore")  # the values of a what-if have names of their own

    recorded: str = Field("", max_length=20, description="the result that was just recorded")


class _Known(_Shown):
    id: CustomerName


@dataclass(frozen=True)
class CustomerPages:
    """The routes.

    Args:
        pages: makes pages.
        facts: reads the store.
        risks: answers how likely a customer is to leave.
        recorder: records contacts.
        settings: the section ``console``.
    """

    pages: Pages
    facts: StoreFacts
    risks: CustomerRisks
    recorder: ContactRecorder
    settings: Console

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get("/", include_in_schema=False)(self.find)
        app.get("/find", include_in_schema=False)(self.suggest)
        app.get("/customers", include_in_schema=False)(self.by_query)
        register_url_convertor("customer_of_page", _CustomerOfPage())
        app.get("/customers/{customer_id:customer_of_page}", include_in_schema=False)(self.by_address)
        add_form(app, "/contact", self.record)
        add_form(app, "/note", self.note)

    async def find(self, request: Request, query: Annotated[_Find, Query()]) -> Response:
        """The search, and the first customers of the contact list."""
        wanted = query.q.strip()
        run, found, first = await self._look(request, wanted)
        if wanted and (not found or [one.customer for one in found] == [wanted]):
            return redirect(customer_path(wanted))  # the source may know them, and its page says if it does not
        average = None if run is None else await self.facts.ask(lambda opened: self.facts.average(opened, run))
        lines = [(one, reason_line(one.reasons[0] if one.reasons else "")) for one in first]
        return self.pages.page(request, "find", run=run, average=average, wanted=wanted, found=found, first=lines)

    async def suggest(self, request: Request, query: Annotated[_Find, Query()]) -> Response:
        """The same search while someone types, as JSON."""
        _, found, _ = await self._look(request, query.q.strip())
        customers = [
            {"id": one.customer, "href": customer_path(one.customer), "band": one.risk_band, "risk": self._risk(one)}
            for one in found
        ]
        return Response(as_json({"customers": customers}), media_type="application/json")

    async def by_query(self, request: Request, query: Annotated[_Known, Query()]) -> Response:
        """The page of a customer whose ID no path can hold."""
        return await self._customer(request, query.id, query.recorded)

    async def by_address(
        self, request: Request, customer_id: CustomerName, query: Annotated[_Shown, Query()]
    ) -> Response:
        """The page of a customer."""
        return await self._customer(request, customer_id, query.recorded)

    async def record(self, request: Request, form: Form) -> Response:
        """Record a contact, and show the customer again."""
        asked, key = read_contact(form), read_key(form)
        try:
            await self.recorder.record(request, asked, key)
        except RequestError as refused:
            if refused.status != 409 or refused.problems[0][0] != "customer_id":
                raise
            # Their arm or their wish speaks against it: the agent may say why they do it.
            why, key = refused.problems[0][1], secrets.token_urlsafe(16)
            return self.pages.page(request, "override", status=409, form=form, why=why, key=key)
        path = customer_path(asked.customer_id)
        return redirect(f"{path}{'&' if '?' in path else '?'}recorded={asked.result}")

    async def note(self, request: Request, form: Form) -> Response:
        """Add a note on a customer."""
        note, key = read_note(form), read_key(form)
        about(request, note.customer_id)
        suppression, by = self.risks.suppression, principal_of(request).name
        suppression.check_key()
        try:
            await self.facts.ask(
                lambda opened: add_note(opened, note.customer_id, note.text, by=by, key=key, hash_key=suppression.key)
            )
        except NoteKeyReusedError:
            raise RequestError(409, "this form has added another note already: open the page again") from None
        except CustomerErasedError:
            raise RequestError(410, "the customer was erased: nothing more is recorded of them") from None
        except ConfigError:
            raise OtherHashKeyError from None
        return redirect(f"{customer_path(note.customer_id)}#history")

    async def _customer(self, request: Request, customer: str, recorded: str) -> Response:
        answer, prediction_id = await self.risks.ask(request, customer)
        known = await self.facts.customer(customer, date.fromisoformat(answer["as_of"]))
        view = customer_view(
            customer, answer, known or CustomerFacts(), self.settings.stale_days, self.recorder.clock()
        )
        predictor = self.risks.service.model.predictor
        label = predictor.contract.label
        return self.pages.page(
            request,
            "customer",
            banner=self._banner(recorded),
            view=view,
            is_store_there=known is not None,
            horizon=None if label is None else label.horizon_days,
            what_if=what_if(predictor, answer, self.settings.controlled, request.query_params),
            results=RESULTS,
            dismissals=DISMISSALS,
            offer=self.settings.offer if view.campaign is None else view.campaign["offer"],
            prediction_id=prediction_id,
            key=secrets.token_urlsafe(16),
        )

    def _banner(self, recorded: str) -> Banner | None:
        texts = self.pages.texts
        if recorded not in _RECORDED:
            return None
        return Banner("done", texts("customer.recorded", result=texts(f"results.{recorded}")))

    async def _look(self, request: Request, wanted: str) -> tuple[Run | None, list[Prediction], list[Prediction]]:
        """The newest run, the customers that are wanted, and without a wish the first of the contact list."""
        about(request, None, length=len(wanted))
        self.risks.suppression.check_key()

        def read(opened: Store) -> tuple[Run | None, list[Prediction], list[Prediction]]:
            run = newest_run(opened)
            if run is None:
                return None, [], []
            if wanted:
                return run, customers_beginning(opened, run, wanted, SUGGESTED), []
            return run, [], self.facts.to_call(opened, run)

        return await self.facts.ask(read)

    def _risk(self, one: Prediction) -> str:
        texts, formats = self.pages.texts, self.pages.formats
        return texts("risk", band=texts(f"bands.{one.risk_band}"), score=formats.percent(one.score))
