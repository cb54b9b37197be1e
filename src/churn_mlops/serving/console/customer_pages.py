"""The pages of an agent with a customer on the phone: find them, and see their risk and what to do."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.convertors import PathConvertor, register_url_convertor

from churn_mlops.config.console import Console
from churn_mlops.serving.access.principal import about, shown_in_refusal
from churn_mlops.serving.api.contacts import ContactRecorder
from churn_mlops.serving.api.customers import CustomerRisks
from churn_mlops.serving.console.customer_facts import StoreFacts, newest_run
from churn_mlops.serving.console.customer_view import CustomerFacts, customer_view, reason_line
from churn_mlops.serving.console.frame.forms import Form, form_token
from churn_mlops.serving.console.frame.navigation import OF_API, customer_path, may_open
from churn_mlops.serving.console.frame.pages import Banner, Pages, redirect
from churn_mlops.serving.console.what_if import what_if
from churn_mlops.serving.console.work_list.list_query import Did, proof_of
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.model.request_models import CustomerName
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.store import Store
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.contacts import DISMISSALS
from churn_mlops.store.scoring.browsing import Selection, count_selected, customers_beginning
from churn_mlops.store.scoring.predictions import Prediction
from churn_mlops.store.scoring.runs import Run
from churn_mlops.store.scoring.work_states import list_times, state_counts

SUGGESTED = 8
COUNTED = 1000
"""Customers who match a search are counted up to here: a page must not count a million of them at each letter."""
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
    did: Did = Field("", description="what was just done")
    proof: str = Field("", pattern=r"^[0-9a-f]{0,32}$", description="that the console wrote `did`")


class _Known(_Shown):
    id: CustomerName


@dataclass(frozen=True)
class Looked:
    """The content of the search page.

    Args:
        run: the newest run, None without one.
        found: the first customers whose ID begins as wanted.
        count: how many there are, ``COUNTED`` and one for more.
        first: without a wish, the first customers of the contact list who are open.
    """

    run: Run | None = None
    found: Sequence[Prediction] = ()
    count: int = 0
    first: Sequence[Prediction] = ()


@dataclass(frozen=True)
class Refused:
    """A form of a contact that was not taken.

    Args:
        form: as it was filled in.
        problems: a sentence for each field that is wrong, by its name.
    """

    form: Form
    problems: Mapping[str, str]


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
        app.get("/", include_in_schema=False, dependencies=ONE_EACH)(self.find)
        app.get("/find", include_in_schema=False, dependencies=ONE_EACH)(self.suggest)
        app.get("/customers", include_in_schema=False)(self.by_query)
        register_url_convertor("customer_of_page", _CustomerOfPage())
        app.get("/customers/{customer_id:customer_of_page}", include_in_schema=False)(self.by_address)

    async def find(self, request: Request, query: Annotated[_Find, Query()]) -> Response:
        """The search, and the first open customers of the contact list."""
        wanted = query.q.strip()
        looked = await self._look(request, wanted)
        run, names = looked.run, [one.customer for one in looked.found] or [wanted]
        if wanted and len(names) == 1 and names[0].casefold() == wanted.casefold():
            return redirect(customer_path(names[0]))  # the source may know them, and its page says if it does not
        average, open_now = (
            (None, 0) if run is None else await self.facts.ask(lambda opened: self._of_list(opened, run))
        )
        lines = [(one, reason_line(one.reasons[0] if one.reasons else "")) for one in looked.first]
        today = self.pages.formats.day_of(self.recorder.clock())
        age_days = None if run is None else max(0, (today - run.as_of).days)
        return self.pages.page(
            request, "find", age_days=age_days, run=run, average=average, wanted=wanted, found=looked.found,
            first=lines, open_now=open_now, said=self._said(looked), every=self._every(request, wanted, looked),
        )  # fmt: skip

    async def suggest(self, request: Request, query: Annotated[_Find, Query()]) -> Response:
        """The same search while someone types, as JSON."""
        wanted = query.q.strip()
        looked = await self._look(request, wanted)
        customers = [
            {"id": one.customer, "href": customer_path(one.customer), "band": one.risk_band, "risk": self._risk(one)}
            for one in looked.found
        ]
        every = {"href": self._every(request, wanted, looked), "text": self.pages.texts("find.every")}
        answer = {"customers": customers, "said": self._said(looked), "every": every if every["href"] else None}
        return Response(as_json(answer), media_type="application/json")

    async def by_query(self, request: Request, query: Annotated[_Known, Query()]) -> Response:
        """The page of a customer whose ID no path can hold."""
        return await self.show(request, query.id, self._banner(request, query))

    async def by_address(
        self, request: Request, customer_id: CustomerName, query: Annotated[_Shown, Query()]
    ) -> Response:
        """The page of a customer."""
        return await self.show(request, customer_id, self._banner(request, query))

    async def show(
        self, request: Request, customer: str, banner: Banner | None = None, refused: Refused | None = None
    ) -> Response:
        """The page of a customer, with a form to be mended where one was ``refused``."""
        answer, prediction_id = await self.risks.ask(request, customer)
        if refused is not None:
            shown_in_refusal(request, customer)
        known = await self.facts.customer(customer, date.fromisoformat(answer["as_of"]))
        facts = known or CustomerFacts()
        now = self.recorder.clock()
        today = self.pages.formats.day_of(now)
        view = customer_view(customer, answer, facts, self.settings.stale_days, now, today)
        predictor = self.risks.service.model.predictor
        label = predictor.contract.label
        return self.pages.page(
            request,
            "customer",
            status=200 if refused is None else 422,
            banner=banner if refused is None else Banner("error", self.pages.texts("wrong.title")),
            view=view,
            is_store_there=known is not None,
            horizon=None if label is None else label.horizon_days,
            what_if=what_if(predictor, answer, self.settings.controlled, request.query_params),
            results=RESULTS,
            dismissals=DISMISSALS,
            offer=view.offer or self.settings.offer,
            fatigue=self.facts.offers.rule.fatigue,
            prediction_id=prediction_id,
            key=secrets.token_urlsafe(16) if refused is None else refused.form["key"],
            refused=refused,
        )

    def _banner(self, request: Request, query: _Shown) -> Banner | None:
        """The line that says what was just done."""
        texts = self.pages.texts
        if query.recorded in _RECORDED:
            return Banner("done", texts("customer.recorded", result=texts(f"results.{query.recorded}")))
        proof = proof_of(form_token(request)[0], query.did, 1)
        if query.did and hmac.compare_digest(proof, query.proof):
            return Banner("done", texts(f"work_did.{query.did}"))
        return None

    async def _look(self, request: Request, wanted: str) -> Looked:
        """The newest run, the customers that are wanted, and without a wish the first of the contact list."""
        about(request, None, length=len(wanted))
        self.risks.suppression.check_key()

        def read(opened: Store) -> Looked:
            run = newest_run(opened)
            if run is None:
                return Looked()
            if not wanted:
                return Looked(run, first=self.facts.to_call(opened, run, self.recorder.clock()))
            found = customers_beginning(opened, run, wanted, SUGGESTED)
            count = len(found)
            if count == SUGGESTED:
                count = count_selected(opened, run, Selection("all", prefix=wanted), COUNTED + 1)
            return Looked(run, found, count)

        return await self.facts.ask(read)

    def _of_list(self, opened: Store, run: Run) -> tuple[float | None, int]:
        """The average score of a run, and how many customers of its contact list are still open."""
        states = state_counts(opened, run, list_times(opened, run, self.recorder.clock()))
        return self.facts.average(opened, run), states["open"]

    def _said(self, looked: Looked) -> str:
        """How many customers match, in words."""
        texts, number, shown = self.pages.texts, self.pages.formats.number, len(looked.found)
        if not looked.found:
            return texts("find.none")
        if looked.count <= shown:
            return texts.count("find.found", shown, number(shown))
        if looked.count > COUNTED:
            return texts("find.first_of_many", shown=number(shown), count=number(COUNTED))
        return texts("find.first_of", shown=number(shown), count=number(looked.count))

    def _every(self, request: Request, wanted: str, looked: Looked) -> str | None:
        """The address of all customers who match, where not all are shown and the principal may open it."""
        principal = self.pages.principal(request)
        is_open = may_open(None if principal is None else principal.role, "/list")
        return f"/list?{urlencode({'part': 'all', 'q': wanted})}" if is_open and looked.count > SUGGESTED else None

    def _risk(self, one: Prediction) -> str:
        texts, formats = self.pages.texts, self.pages.formats
        return texts("risk", band=texts(f"bands.{one.risk_band}"), score=formats.percent(one.score))
