"""``GET /customers/{id}/risk``: the churn probability of one customer, by customer ID alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, Protocol

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.retention import Economics
from churn_mlops.retention.decision import WhyNot
from churn_mlops.serving.access.principal import about
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.request_models import CustomerName, Prediction, Reason
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel
from churn_mlops.serving.prediction.offers import UNKNOWN, CustomerOffer, Offers
from churn_mlops.serving.prediction.responses import as_json, explanation, prediction
from churn_mlops.serving.prediction.service import PredictionService, asked_by
from churn_mlops.serving.prediction.suppression import SuppressionCheck
from churn_mlops.serving.resilience.circuit_breaker import CircuitBreaker
from churn_mlops.serving.resilience.store_client import StoreClient, StoreUnavailableError
from churn_mlops.serving.resilience.thread_pool import BoundedThreadPool
from churn_mlops.store import Store
from churn_mlops.store.scoring.predictions import Prediction as Published
from churn_mlops.store.scoring.predictions import prediction_of

THREADS = 2
CONTACT_LIST_SECONDS = 1.0
"""Longest wait for the store to say who is on the contact list."""
NO_SOURCE = "this server reads no source"
NO_ONE = ""
"""An ID that no customer has."""
PREPARE_SECONDS = 60.0
"""Longest time to open the source at the start of a server."""
_REFUSALS = refusing({404: "There is no such active customer", 422: "The customer ID is not valid"})
log = structlog.get_logger("churn_mlops.serving")


class Row(Protocol):
    """One customer as the source knows them."""

    @property
    def values(self) -> Mapping[str, Any]:
        """The features by name."""

    @property
    def as_of(self) -> date:
        """The as-of date."""

    @property
    def renews_on(self) -> date | None:
        """When their contract renews or ends; None where it is unknown."""


Bundle = Any  # of the model; only the reader of the source looks into it
ReadCustomer = Callable[[str, Bundle], Row | None]
"""Reads one customer from the source for a model's bundle; None where they are no active customer."""


class Offered(BaseModel):
    """The offer of a campaign."""

    id: int
    name: str
    offer: str
    script: str = Field(description="the sentence to say")


class Risk(Prediction):
    """How likely one customer is to leave, why, and what to do."""

    customer_id: str
    risk_band: Literal["low", "medium", "high"]
    reasons: list[Reason] | list[str] | None = Field(
        description="of a published score in words alone, and null for a customer who is not on the list"
    )
    action: Literal["offer", "leave_alone"] = Field(
        description="`offer` to customers on the contact list, unless something since rules them out; without any "
        "published date and any campaign by the score alone"
    )
    worth_an_offer: bool = Field(description="whether an offer is expected to gain money, by the score alone")
    on_contact_list: bool | None = Field(
        description="whether they are on the contact list of the newest published date, which ends at the capacity; "
        "null where no date is published, or the store cannot be reached"
    )
    why_not: WhyNot | None = Field(description="why there is no offer; null where there is one")
    why_not_words: str | None = Field(description="the same in words")
    campaign: Offered | None = Field(description="the campaign that makes the offer; null where there is none")
    model_version: str
    as_of: date
    origin: Literal["source", "published"] = Field(
        description="`source`: scored now, on what the source knows; `published`: the last score of the daily run"
    )
    age_days: int = Field(ge=0, description="days since the as-of date")
    renews_on: date | None = Field(
        description="when their contract renews or ends, where the data contract names the column (`renewal`) and the "
        "date is still to come; null where it is unknown, and with a published score"
    )
    why_published: str | None = Field(description="why the customer was not scored now; null if they were")


class Source:
    """The source as a server asks it: on threads, within a time limit, and not at all while it keeps failing.

    Args:
        read: reads one customer; None where this server has no source.
        seconds: longest wait.
        breaker: says when not to ask it.
    """

    def __init__(self, read: ReadCustomer | None, seconds: float, breaker: CircuitBreaker | None = None) -> None:
        self._read, self._seconds, self._breaker = read, seconds, breaker or CircuitBreaker()
        self._threads = BoundedThreadPool(THREADS, "source")

    async def row(self, customer: str, predictor: ChurnPredictor) -> Row | None:
        """The customer, None where they are no active one.

        Raises:
            SourceUnavailableError: there is no answer; its message says why.
        """
        read = self._read
        if read is None:
            raise SourceUnavailableError(NO_SOURCE)
        if not self._breaker.may_try():
            raise SourceUnavailableError("the source failed several times, and is not asked for some seconds")
        try:
            found = await self._threads.do(lambda: read(customer, predictor.bundle), self._seconds)
        except TimeoutError:
            self._breaker.failed()
            raise SourceUnavailableError(f"the source did not answer within {self._seconds:g} seconds") from None
        except Exception as error:  # a broken source fails in ways that are not foreseen
            self._breaker.failed()
            # Its message may quote a customer, as that of a file without a header does: only its kind is logged.
            log.warning("source_failed", kind=type(error).__name__, advice="`churn doctor` finds the cause")
            raise SourceUnavailableError(
                "the source cannot be read; `churn doctor` beside the server says why"
            ) from None
        self._breaker.succeeded()
        return found

    @asynccontextmanager
    async def preparing(self, slot: ModelSlot) -> AsyncIterator[None]:
        """Open the source beside the first requests, so that the first agent does not wait for it.

        It is opened by a look for no one. A failure is left to be found, and said, by the first question.
        """
        live, read = slot.current, self._read
        if live is None or read is None:
            yield
            return

        async def open_it() -> None:
            with suppress(Exception):
                await self._threads.do(lambda: read(NO_ONE, live.predictor.bundle), PREPARE_SECONDS)

        opening = asyncio.create_task(open_it())
        try:
            yield
        finally:
            opening.cancel()


class SourceUnavailableError(Exception):
    """The source gave no answer."""


def add_risk(app: FastAPI, risks: CustomerRisks) -> None:
    """Add the route.

    Args:
        app: the application.
        risks: answers how likely a customer is to leave.
    """
    app.get(
        "/customers/{customer_id:path}/risk",  # an ID may hold a slash, which a client sends as %2F
        summary="Is this customer, by customer ID, about to leave?",
        tags=["Predictions"],
        response_model=Risk,
        responses=_REFUSALS,
    )(_Risk(risks).risk)


@dataclass(frozen=True)
class CustomerRisks:
    """How likely one customer is to leave: the one way for the API and for the pages.

    Args:
        service: has the model that is live, and logs predictions.
        source: where a customer is read.
        store: where the last published score is.
        suppression: knows which customers were erased.
        offers: decides about an offer.
    """

    service: PredictionService
    source: Source
    store: StoreClient
    suppression: SuppressionCheck
    offers: Offers

    async def ask(self, request: Request, customer_id: str) -> tuple[dict[str, Any], str | None]:
        """The customer is read from the source and scored now; where that fails, their last published score.

        A customer who was erased is not found, whatever the source knows.

        Returns:
            the fields of :class:`Risk`, and the prediction ID; None where it is a published score.

        Raises:
            RequestError: 404, there is no such active customer; 503, neither the source nor the store answers.
        """
        about(request, customer_id)
        live = self.service.model
        if await self.suppression.holds(customer_id):  # the source is not asked about them
            raise _unknown()
        try:
            row = await self.source.row(customer_id, live.predictor)
        except SourceUnavailableError as why:
            return await _published(self.store, self.offers, customer_id, str(why)), None
        if row is None:
            raise _unknown()
        scored = _scored(live, customer_id, row, self.service.economics)
        failed = self.offers.payment_failed(row.values)
        offer = await _ask_offer(self.store, self.offers, customer_id, worth=scored["worth_an_offer"], failed=failed)
        answer = scored | offer.to_json() | _origin(live, row)
        asked = asked_by(request)
        logged = {asked.id: (row.values, as_json(answer))}
        self.service.log(live, row.as_of, asked, logged, customer_id)
        return answer, asked.id


@dataclass(frozen=True)
class _Risk:
    """The route. The name of the method is part of its operation's id."""

    risks: CustomerRisks

    async def risk(self, request: Request, customer_id: CustomerName) -> Response:
        """The customer is read from the source and scored now; where that fails, their last published score.

        A customer who was erased is not found, whatever the source knows.
        """
        answer, prediction_id = await self.risks.ask(request, customer_id)
        response = _answer(answer)
        if prediction_id is not None:
            response.headers["X-Prediction-Id"] = prediction_id
        return response


def _answer(answer: Mapping[str, Any]) -> Response:
    headers = {"X-Model-Version": answer["model_version"], "X-As-Of": answer["as_of"]}
    return Response(as_json(answer), media_type="application/json", headers=headers)


def _unknown() -> RequestError:
    return RequestError(404, "there is no active customer with this ID", [("customer_id", "is no active customer")])


def _scored(live: ServedModel, customer: str, row: Row, economics: Economics) -> dict[str, Any]:
    probability = live.predictor.score_one(row.values)
    return (
        {"customer_id": customer}
        | prediction(probability, live.predictor.threshold)
        | explanation(live, row.values, probability, economics)
    )


def _origin(live: ServedModel, row: Row) -> dict[str, Any]:
    dated = {"model_version": live.version, "as_of": row.as_of.isoformat()}
    renews_on = None if row.renews_on is None else row.renews_on.isoformat()
    return dated | {
        "origin": "source",
        "age_days": _age(row.as_of),
        "renews_on": renews_on,
        "why_published": None,
    }


async def _ask_offer(store: StoreClient, offers: Offers, customer: str, *, worth: bool, failed: bool) -> CustomerOffer:
    """The decision about an offer; unknown while the store is unavailable: a score does not wait for it."""
    try:
        return await store.ask(
            lambda opened: offers.of_customer(opened, customer, worth=worth, payment_failed=failed),
            CONTACT_LIST_SECONDS,
        )
    except StoreUnavailableError:
        return UNKNOWN


async def _published(store: StoreClient, offers: Offers, customer: str, why: str) -> dict[str, Any]:
    def read(opened: Store) -> tuple[Published | None, CustomerOffer]:
        found = prediction_of(opened, customer)
        worth = found is not None and found.expected_gain > 0.0
        return found, offers.of_customer(opened, customer, worth=worth)

    try:
        found, offer = await store.ask(read)
    except StoreUnavailableError:
        error = "neither the source nor the store can be reached: try again in a few seconds"
        raise RequestError(503, error, headers={"Retry-After": "5"}) from None
    if found is None and why == NO_SOURCE:
        raise _unknown()
    if found is None:  # they may be a customer since yesterday
        raise RequestError(
            503, f"{why}, and no score of this customer is published: try again", headers={"Retry-After": "5"}
        )
    return {
        "customer_id": customer,
        "prediction": int(found.will_churn),
        "will_churn": found.will_churn,
        "churn_probability": found.score,
        "confidence": found.score if found.will_churn else 1.0 - found.score,
        "risk_band": found.risk_band,
        "reasons": found.reasons,
        "action": found.action,
        "worth_an_offer": found.expected_gain > 0.0,
        **offer.to_json(),
        "model_version": found.model_version,
        "as_of": found.as_of.isoformat(),
        "origin": "published",
        "age_days": _age(found.as_of),
        "renews_on": None,
        "why_published": why,
    }


def _age(as_of: date) -> int:
    return max(0, (datetime.now(UTC).date() - as_of).days)
