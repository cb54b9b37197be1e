"""``/customers/{id}/timeline``: what happened with a customer; notes on them, and their wish not to be contacted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.serving.access.principal import about, principal_of
from churn_mlops.serving.api.contact_models import RecordedContact
from churn_mlops.serving.api.contacts import KEY, contact_json, key_parameter, key_reused, read_key
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.api.request_bodies import LongText, described_body
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.request_models import CustomerName
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.prediction.suppression import OtherHashKeyError, SuppressionCheck
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.campaigns.assignments import assignments_of
from churn_mlops.store.campaigns.campaigns import campaigns
from churn_mlops.store.campaigns.do_not_contact import ContactBlock, blocks_of, set_do_not_contact
from churn_mlops.store.campaigns.notes import Note, NoteKeyReusedError, add_note, notes_of
from churn_mlops.store.contacts import latest_contacts
from churn_mlops.store.scoring.score_history import ScoreChange, score_history

TIMELINE = "Customers"
MOST = 100
"""Most rows of a kind in a timeline."""
T = TypeVar("T")


class NoteRequest(BaseModel):
    """A note on a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: LongText = Field(description="what to note")


class BlockRequest(BaseModel):
    """Whether a customer must not be contacted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    blocked: bool = Field(strict=True, description="true: do not contact them; false: they may be contacted again")
    reason: LongText = Field(description="why")


class StoredNote(BaseModel):
    """A note."""

    id: int
    at: datetime
    author: str
    text: str


class Block(BaseModel):
    """From a time on, a customer must not be contacted, or may be again."""

    blocked: bool
    at: datetime
    reason: str
    caller: str


class Arm(BaseModel):
    """The arm of the customer in a campaign."""

    campaign_id: int
    campaign: str
    arm: str
    explored: bool = Field(description="whether they were drawn at random, whatever their score")
    assigned_on: date


class TimelineScore(BaseModel):
    """A published score, and what changed."""

    as_of: date
    churn_probability: float
    risk_band: str
    reasons: list[Any] | None
    before: date | None = Field(description="date of the score before; null for the first")
    change: float | None = Field(description="difference to it, in percentage points")
    new_reasons: list[Any] = Field(description="that the score before did not have")
    gone_reasons: list[Any] = Field(description="that only the score before had")


class Timeline(BaseModel):
    """The records of a customer; of each kind the latest, at most a hundred."""

    customer_id: str
    scores: list[TimelineScore] = Field(description="the latest first")
    contacts: list[RecordedContact] = Field(description="the latest first")
    notes: list[StoredNote] = Field(description="the latest first")
    do_not_contact: list[Block] = Field(description="the earliest first; the last one holds")
    arms: list[Arm] = Field(description="the earliest first")


def add_timeline(app: FastAPI, store: StoreClient, suppression: SuppressionCheck) -> None:
    """Add the routes.

    Args:
        app: the application.
        store: where all of it is.
        suppression: knows which customers were erased.
    """
    routes = _Timeline(store, suppression)
    app.get(
        "/customers/{customer_id:path}/timeline",
        summary="What happened with a customer",
        tags=[TIMELINE],
        response_model=Timeline,
        responses=refusing({404: "Nothing is recorded of this customer"}),
    )(routes.timeline)
    erased = refusing({410: "The customer was erased"})
    app.post(
        "/customers/{customer_id:path}/notes",
        summary="Note something on a customer",
        tags=[TIMELINE],
        status_code=201,
        response_model=StoredNote,
        responses={
            200: {"model": StoredNote, "description": "It was added before, under the same key"},
            **refusing({409: "The key was used for another note", 410: "The customer was erased"}),
        },
        openapi_extra={
            "parameters": [key_parameter("note", required=False)],
            **described_body(NoteRequest, {"text": "They asked for a call after 6 p.m."}),
        },
    )(routes.note)
    app.post(
        "/customers/{customer_id:path}/do-not-contact",
        summary="Record whether a customer must not be contacted",
        tags=[TIMELINE],
        response_model=Block,
        responses=erased,
        openapi_extra=described_body(BlockRequest, {"blocked": True, "reason": "they asked for it"}),
    )(routes.block)


@dataclass(frozen=True)
class _Timeline:
    """The routes. The name of a method is part of its operation's id."""

    store: StoreClient
    suppression: SuppressionCheck

    async def timeline(self, request: Request, customer_id: CustomerName) -> Response:
        """Scores with what changed, contacts, notes, arms, and whether the customer may be contacted."""
        about(request, customer_id)
        gone = await self.suppression.holds(customer_id)
        body = None if gone else await self.store.ask(lambda opened: _timeline(opened, customer_id))
        if body is None:
            problem = "is in no record"
            raise RequestError(404, f"the customer {problem}", [("customer_id", problem)])
        return Response(as_json(body), media_type="application/json")

    async def note(self, request: Request, customer_id: CustomerName) -> Response:
        """Add a note on a customer. With a key, the same note may be sent as often as you like: it is added once."""
        text = read_fields(await request.body(), NoteRequest, "a note").text
        by, hash_key = principal_of(request).name, self.suppression.key
        key = read_key(request) if KEY in request.headers else None
        try:
            note, is_new = await self._record(
                request,
                customer_id,
                lambda opened: add_note(opened, customer_id, text, by=by, key=key, hash_key=hash_key),
            )
        except NoteKeyReusedError:
            raise key_reused("note") from None
        return Response(as_json(_note_json(note)), 201 if is_new else 200, media_type="application/json")

    async def block(self, request: Request, customer_id: CustomerName) -> Response:
        """Record that a customer must not be contacted, or that they may be again. Nothing is deleted."""
        asked = read_fields(await request.body(), BlockRequest, "a wish")
        by, key = principal_of(request).name, self.suppression.key
        block = await self._record(
            request,
            customer_id,
            lambda opened: set_do_not_contact(
                opened, customer_id, blocked=asked.blocked, reason=asked.reason, by=by, hash_key=key
            ),
        )
        return Response(as_json(_block_json(block)), media_type="application/json")

    async def _record(self, request: Request, customer: str, do: Callable[[Store], T]) -> T:
        about(request, customer)
        self.suppression.check_key()
        try:
            return await self.store.ask(do)
        except CustomerErasedError as error:
            raise RequestError(410, str(error), [("customer_id", "was erased")]) from None
        except ConfigError:
            raise OtherHashKeyError() from None


def _timeline(store: Store, customer: str) -> dict[str, Any] | None:
    names = {one.id: one.name for one in campaigns(store)}
    found: dict[str, list[dict[str, Any]]] = {
        "scores": [_score_json(one) for one in score_history(store, customer, limit=MOST)],
        "contacts": [contact_json(one) for one in latest_contacts(store, customer, limit=MOST)],
        "notes": [_note_json(one) for one in notes_of(store, customer, limit=MOST)],
        "do_not_contact": [_block_json(one) for one in blocks_of(store, customer)[-MOST:]],
        "arms": [
            {
                "campaign_id": one.campaign_id,
                "campaign": names[one.campaign_id],
                "arm": one.arm,
                "explored": one.explored,
                "assigned_on": one.assigned_on.isoformat(),
            }
            for one in assignments_of(store, customer)
        ],
    }
    return {"customer_id": customer, **found} if any(found.values()) else None


def _score_json(one: ScoreChange) -> dict[str, Any]:
    return {
        "as_of": one.prediction.as_of.isoformat(),
        "churn_probability": one.prediction.score,
        "risk_band": one.prediction.risk_band,
        "reasons": one.prediction.reasons,
        "before": None if one.before is None else one.before.isoformat(),
        "change": one.change,
        "new_reasons": list(one.new_reasons),
        "gone_reasons": list(one.gone_reasons),
    }


def _note_json(one: Note) -> dict[str, Any]:
    return {"id": one.id, "at": one.at.isoformat(), "author": one.author, "text": one.text}


def _block_json(one: ContactBlock) -> dict[str, Any]:
    return {"blocked": one.blocked, "at": one.at.isoformat(), "reason": one.reason, "caller": one.caller}
