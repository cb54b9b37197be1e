"""The pages of an agent with a customer on the phone: find them, see their risk, record what came of the contact."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from churn_mlops.serving.access.principal import about
from churn_mlops.serving.api.contacts import ContactRecorder, ContactRequest
from churn_mlops.serving.api.customers import CustomerRisks
from churn_mlops.serving.console.customer_facts import StoreFacts, newest_run
from churn_mlops.serving.console.customer_view import CustomerFacts, customer_view, reason_line
from churn_mlops.serving.console.forms import Form, add_form
from churn_mlops.serving.console.navigation import customer_path
from churn_mlops.serving.console.pages import Banner, Pages, redirect
from churn_mlops.serving.http.errors import Findings, RequestError
from churn_mlops.serving.model.request_models import CustomerName
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.store import Store
from churn_mlops.store.scoring.browsing import Selection, customers_beginning, read_slice
from churn_mlops.store.scoring.predictions import Prediction
from churn_mlops.store.scoring.runs import Run

SUGGESTED = 8
RESULTS = ("accepted", "declined", "no_answer")
"""The results that a button records, in their order."""
_RECORDED = ("offered", *RESULTS)
_CONTACT_FIELDS = ("customer_id", "offer", "result", "prediction_id", "override_reason")


class _Find(BaseModel):
    model_config = ConfigDict(extra="forbid")

    q: str = Field("", max_length=200, description="the beginning of a customer ID")


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid")

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
        offer: that is recorded with a contact, unless the agent writes another.
        stale_days: age of the data from which a page warns.
    """

    pages: Pages
    facts: StoreFacts
    risks: CustomerRisks
    recorder: ContactRecorder
    offer: str
    stale_days: int

    def add_to(self, app: FastAPI) -> None:
        """Add the routes."""
        app.get("/", include_in_schema=False)(self.find)
        app.get("/find", include_in_schema=False)(self.suggest)
        app.get("/customers", include_in_schema=False)(self.by_query)
        app.get("/customers/{customer_id:path}", include_in_schema=False)(self.by_address)
        add_form(app, "/contact", self.record)

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
        asked, key = _contact(form), _key(form)
        try:
            await self.recorder.record(request, asked, key)
        except RequestError as refused:
            if refused.status == 409 and refused.problems[0][0] == "customer_id":  # the control group
                return self.pages.page(request, "override", status=409, form=form, key=secrets.token_urlsafe(16))
            raise
        path = customer_path(asked.customer_id)
        return redirect(f"{path}{'&' if '?' in path else '?'}recorded={asked.result}")

    async def _customer(self, request: Request, customer: str, recorded: str) -> Response:
        answer, prediction_id = await self.risks.ask(request, customer)
        known = await self.facts.customer(customer, date.fromisoformat(answer["as_of"]))
        view = customer_view(customer, answer, known or CustomerFacts(), self.stale_days, self.recorder.clock())
        label = self.risks.service.model.predictor.contract.label
        return self.pages.page(
            request,
            "customer",
            banner=self._banner(recorded),
            view=view,
            is_store_there=known is not None,
            horizon=None if label is None else label.horizon_days,
            results=RESULTS,
            offer=self.offer,
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
            return run, [], list(read_slice(opened, run, Selection("contact"), SUGGESTED).items)

        return await self.facts.ask(read)

    def _risk(self, one: Prediction) -> str:
        texts, formats = self.pages.texts, self.pages.formats
        return texts("risk", band=texts(f"bands.{one.risk_band}"), score=formats.percent(one.score))


def _key(form: Form) -> str:
    """The idempotency key, which the page made: a form that is sent twice records one contact."""
    key = form.get("key", "")
    if not re.fullmatch(r"[\x21-\x7e]{1,200}", key):
        raise RequestError(422, "key is missing: open the page of the customer again", [("key", "is missing")])
    return key


def _contact(form: Form) -> ContactRequest:
    """The contact of a form; a field that is left empty is left out."""
    given: dict[str, Any] = {name: form[name].strip() for name in _CONTACT_FIELDS if form.get(name, "").strip()}
    try:
        return ContactRequest.model_validate(given)
    except ValidationError as error:
        findings = Findings(ContactRequest.model_fields, "a contact", "/docs")
        findings.add_all(error)
        raise findings.refusal() from None
