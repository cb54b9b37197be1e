"""``GET /predictions``: the prediction log by ID, and the predictions that the daily run published."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from churn_mlops.retention.decision import WhyNot
from churn_mlops.serving.access.principal import about
from churn_mlops.serving.api.customers import Risk
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.pagination import PageQuery, limit_field, read_page
from churn_mlops.serving.http.whole_number import WholeNumber
from churn_mlops.serving.model.request_models import (
    PREDICTION_HEADERS,
    BatchPredictions,
    CustomerName,
    ExplainedPrediction,
    Prediction,
)
from churn_mlops.serving.prediction.offers import Offers
from churn_mlops.serving.prediction.responses import as_json, batch_body
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.prediction_log import PredictionRecord, records_of
from churn_mlops.store.scoring.predictions import Prediction as Published
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.runs import published_dates

PREDICTION_ID = r"^[0-9a-f]{32}(-[0-9]{1,7})?$"
_TAG = "Predictions"
_UNKNOWN = (
    "no prediction is logged under this id: it was never made, or is too old, or not written yet (that takes a second, "
    "and longer while the store is unavailable)"
)
_NONE = "no predictions of this date are published: leave as_of out for the newest, or publish with `churn score`"
_REFUSALS = refusing({404: "There is none"})
_TRACE_ID = {
    "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    "description": "the trace of the request that was answered; predictions of earlier releases have none",
}
_TRACED: dict[int | str, dict[str, Any]] = {
    200: {"headers": PREDICTION_HEADERS[200]["headers"] | {"X-Trace-Id": _TRACE_ID}}
}


class PublishedPrediction(BaseModel):
    """The prediction of a daily run for one customer."""

    rank: int = Field(ge=1, description="from 1, the highest churn probability first")
    customer_id: str
    churn_probability: float = Field(ge=0, le=1)
    will_churn: bool
    risk_band: Literal["low", "medium", "high"]
    action: Literal["offer", "leave_alone"]
    why_not: WhyNot | None = Field(description="why there is no offer; null where there is one")
    campaign_id: int | None = Field(description="the campaign of their arm; null where they have none")
    expected_gain: float = Field(description="of an offer, USD")
    reasons: list[str] | None = Field(description="of customers on the contact list")


class PublishedPredictions(BaseModel):
    """A page of the predictions of one date."""

    as_of: date
    model_version: str | None
    predictions: list[PublishedPrediction]
    next: int | None = Field(description="what to give as `after` for the next page; null after the last")


class _Query(PageQuery):
    as_of: date | None = Field(None, description="date of the run; the newest when left out")
    customer: CustomerName | None = Field(None, description="only this customer")
    after: WholeNumber = Field(0, ge=0, le=2**31 - 1, description="rank of the last customer that was read")
    limit: WholeNumber = limit_field("customers")


def add_kept(app: FastAPI, store: StoreClient, offers: Offers) -> None:
    """Add the routes that read predictions from the store."""
    routes = _Predictions(store, offers)
    app.get(
        "/predictions",
        summary="What the daily run published",
        tags=[_TAG],
        response_model=PublishedPredictions,
        responses=_REFUSALS,
        dependencies=ONE_EACH,
    )(routes.published)
    app.get(
        "/predictions/{prediction_id}",
        summary="What was answered",
        tags=[_TAG],
        response_model=Prediction | ExplainedPrediction | Risk | BatchPredictions,
        responses=_REFUSALS | _TRACED,
    )(routes.kept)


@dataclass(frozen=True)
class _Predictions:
    """The routes. The name of a method is part of its operation's id."""

    store: StoreClient
    offers: Offers

    async def published(self, request: Request, page: Annotated[_Query, Query()]) -> Response:
        """The predictions of one date, the highest churn probability first, a page at a time."""
        about(request, page.customer)
        body = await self.store.ask(lambda opened: _published(opened, page, self.offers))
        if body is None:
            raise RequestError(404, _NONE, [("as_of", "is no published date")])
        about(request, page.customer, as_of=body["as_of"], after=page.after, limit=page.limit)
        return Response(as_json(body), media_type="application/json")

    async def kept(self, request: Request, prediction_id: str) -> Response:
        """A logged prediction, byte for byte as it was answered, by its `X-Prediction-Id`.

        It may be one of `/predict`, `/predict/batch` or `/customers/{customer_id}/risk`. `X-Trace-Id` names the trace
        of the request that asked for it.

        A customer of a batch has an id of their own: that of the batch, `-`, and their place, counted from 0.
        """
        records = []
        if re.fullmatch(PREDICTION_ID, prediction_id):
            records = await self.store.ask(lambda opened: records_of(opened, prediction_id))
        if not records:
            raise RequestError(404, _UNKNOWN)
        about(request, records[0].customer)  # those of a batch have no customer ID
        return _again(prediction_id, records)


def _again(prediction_id: str, records: list[PredictionRecord]) -> Response:
    first = records[0]
    is_batch = first.id != prediction_id
    body = batch_body([record.answer.encode() for record in records]) if is_batch else first.answer.encode()
    headers = {
        "X-Model-Version": first.model_version,
        "X-Prediction-Id": prediction_id,
        "X-As-Of": first.as_of.isoformat(),
    }
    if first.trace_id is not None:
        headers["X-Trace-Id"] = first.trace_id
    return Response(body, media_type="application/json", headers=headers)


def _published(store: Store, page: _Query, offers: Offers) -> dict[str, Any] | None:
    there = published_dates(store)
    as_of = page.as_of or next(iter(there), None)
    if as_of is None or as_of not in there:
        return None
    given = partial(predictions, store, as_of, after=page.after, customer=page.customer)
    found = read_page(given, page.limit, attrgetter("rank"))
    return {
        "as_of": as_of.isoformat(),
        "model_version": found.items[0].model_version if found.items else None,
        "predictions": [prediction_json(one) for one in offers.now(store, found.items)],
        "next": found.next,
    }


def prediction_json(one: Published) -> dict[str, Any]:
    """A published prediction as the API answers it."""
    return {
        "rank": one.rank,
        "customer_id": one.customer,
        "churn_probability": one.score,
        "will_churn": one.will_churn,
        "risk_band": one.risk_band,
        "action": one.action,
        "why_not": one.why_not,
        "campaign_id": one.campaign_id,
        "expected_gain": one.expected_gain,
        "reasons": one.reasons,
    }
