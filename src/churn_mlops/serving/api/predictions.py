"""``GET /predictions``: what was said once, said again; and the scores that the daily run published."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.serving.access.principal import about
from churn_mlops.serving.api.customers import Risk
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.request_models import (
    PREDICTION_HEADERS,
    BatchPredictions,
    CustomerName,
    ExplainedPrediction,
    Prediction,
)
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
    "no answer is kept under this id: it was never given, or is too old, or not written yet (that takes a moment, and "
    "longer while the store is away)"
)
_NONE = "no predictions of this date are published: leave as_of out for the newest, or publish with `churn score`"
_REFUSALS = refusing({404: "There is none"})


class PublishedPrediction(BaseModel):
    """What a daily run predicted for one customer."""

    rank: int = Field(ge=1, description="from 1, the likeliest to leave first")
    customer_id: str
    churn_probability: float = Field(ge=0, le=1)
    will_churn: bool
    risk_band: Literal["low", "medium", "high"]
    action: Literal["offer", "leave_alone"]
    expected_gain: float = Field(description="of an offer, USD")
    reasons: list[str] | None = Field(description="of those on the list")


class PublishedPredictions(BaseModel):
    """A page of the predictions of one date."""

    as_of: date
    model_version: str | None
    predictions: list[PublishedPrediction]
    next: int | None = Field(description="what to give as `after` for the next page; null after the last")


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    as_of: date | None = Field(None, description="date of the run; the newest when left out")
    customer: CustomerName | None = Field(None, description="only this customer")
    after: int = Field(0, ge=0, le=2**31 - 1, description="rank of the last one that was read")
    limit: int = Field(100, ge=1, le=1000, description="most customers of the page")


def add_kept(app: FastAPI, store: StoreClient) -> None:
    """Add the routes that read predictions from the store."""

    @app.get(
        "/predictions",
        summary="What the daily run published",
        tags=[_TAG],
        response_model=PublishedPredictions,
        responses=_REFUSALS,
    )
    async def published(request: Request, page: Annotated[_Page, Query()]) -> Response:
        """The predictions of one date, from the likeliest to leave, a page at a time."""
        about(request, page.customer)
        body = await store.ask(lambda opened: _published(opened, page))
        if body is None:
            raise RequestError(404, _NONE, [("as_of", "is no published date")])
        about(request, page.customer, as_of=body["as_of"], after=page.after, limit=page.limit)
        return Response(as_json(body), media_type="application/json")

    @app.get(
        "/predictions/{prediction_id}",
        summary="What was answered",
        tags=[_TAG],
        response_model=Prediction | ExplainedPrediction | Risk | BatchPredictions,
        responses=_REFUSALS | PREDICTION_HEADERS,
    )
    async def kept(request: Request, prediction_id: str) -> Response:
        """An answer once more, byte for byte, by its `X-Prediction-Id`.

        It may be one of `/predict`, `/predict/batch` or `/customers/{customer_id}/risk`.

        A customer of a batch has an id of his own: that of the batch, `-`, and his place, counted from 0.
        """
        answers = []
        if re.fullmatch(PREDICTION_ID, prediction_id):
            answers = await store.ask(lambda opened: records_of(opened, prediction_id))
        if not answers:
            raise RequestError(404, _UNKNOWN)
        about(request, answers[0].customer)  # those of a batch are nameless
        return _again(prediction_id, answers)


def _again(prediction_id: str, answers: list[PredictionRecord]) -> Response:
    first = answers[0]
    is_batch = first.id != prediction_id
    body = batch_body([answer.answer.encode() for answer in answers]) if is_batch else first.answer.encode()
    headers = {
        "X-Model-Version": first.model_version,
        "X-Prediction-Id": prediction_id,
        "X-As-Of": first.as_of.isoformat(),
    }
    return Response(body, media_type="application/json", headers=headers)


def _published(store: Store, page: _Page) -> dict[str, Any] | None:
    there = published_dates(store)
    as_of = page.as_of or next(iter(there), None)
    if as_of is None or as_of not in there:
        return None
    # One more than asked for tells whether there is a next page.
    found = predictions(store, as_of, limit=page.limit + 1, after=page.after, customer=page.customer)
    shown = found[: page.limit]
    return {
        "as_of": as_of.isoformat(),
        "model_version": shown[0].model_version if shown else None,
        "predictions": [_told(one) for one in shown],
        "next": shown[-1].rank if len(found) > page.limit else None,
    }


def _told(one: Published) -> dict[str, Any]:
    return {
        "rank": one.rank,
        "customer_id": one.customer,
        "churn_probability": one.score,
        "will_churn": one.will_churn,
        "risk_band": one.risk_band,
        "action": one.action,
        "expected_gain": one.expected_gain,
        "reasons": one.reasons,
    }
