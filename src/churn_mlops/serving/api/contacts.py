"""``/contacts``: what customers were offered, and what they said. What is acknowledged is committed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.serving.access.principal import about, principal_of
from churn_mlops.serving.api.predictions import PREDICTION_ID
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.request_models import PLAIN, PLAIN_SCHEMA, CustomerName
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.prediction.suppression import OtherHashKeyError, SuppressionCheck
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.contacts import (
    Contact,
    NewContact,
    contact_of,
    contact_under,
    contacts,
    held_out,
    record_contact,
)

CONTACTS = "Contacts"
KEY = "Idempotency-Key"
_LONGEST_KEY = 200
_CLOCKS_APART = timedelta(minutes=5)
"""How far the clock of whoever records a contact may be ahead of ours."""


def _moment(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise PydanticCustomError("moment", "must be a time with its zone, such as 2026-11-23T14:05:00+01:00")
    if not 2000 <= moment.year < 2200:
        raise PydanticCustomError("moment", "must lie in the years 2000 to 2199")
    return moment


_Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]


class ContactRequest(BaseModel):
    """A contact with a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customer_id: CustomerName = Field(description="the customer, as the published list names him")
    offer: Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PLAIN_SCHEMA), PLAIN] = Field(
        description="what he was offered"
    )
    result: Literal["offered", "accepted", "declined", "no_answer"] = Field(description="what came of it")
    at: _Moment | None = Field(None, description="when; now when left out")
    prediction_id: Annotated[str, Field(pattern=PREDICTION_ID)] | None = Field(
        None, description="`X-Prediction-Id` of the answer that led to it"
    )
    override_reason: (
        Annotated[str, Field(min_length=1, max_length=1000, json_schema_extra=PLAIN_SCHEMA), PLAIN] | None
    ) = Field(None, description="why he is contacted although he is held out")


class RecordedContact(ContactRequest):
    """A contact as it is recorded."""

    id: int
    customer_id: CustomerName | None = Field(  # type: ignore[assignment]  # an answer may say less than a request
        description="the customer; null of one who was forgotten since"
    )
    caller: str = Field(description="who recorded it")
    recorded_at: datetime


class RecordedContacts(BaseModel):
    """A page of contacts, in the order in which they were recorded."""

    contacts: list[RecordedContact]
    next: int | None = Field(description="what to give as `after` for the next page; null after the last")


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    customer: CustomerName | None = Field(None, description="only his contacts")
    after: int = Field(0, ge=0, le=2**63 - 1, description="id of the last contact that was read")
    limit: int = Field(100, ge=1, le=1000, description="most contacts of the page")


class _HeldOutError(Exception):
    """The customer is held out, and no reason is given."""


def add_contacts(
    app: FastAPI,
    store: StoreClient,
    held_out: Callable[[Store, str], bool] = held_out,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    forgotten: SuppressionCheck | None = None,
) -> None:
    """Add the routes of contacts.

    Args:
        app: the application.
        store: where contacts are recorded.
        held_out: whether a customer may not be contacted without a reason; nobody, until there are campaigns.
        clock: tells the time.
        forgotten: knows of whom nothing is recorded; None looks for nobody.
    """
    hash_key = None if forgotten is None else forgotten.key

    @app.post(
        "/contacts",
        summary="Record a contact",
        tags=[CONTACTS],
        status_code=201,
        response_model=RecordedContact,
        responses={
            200: {"model": RecordedContact, "description": "It was recorded before"},
            **refusing(
                {
                    409: "The key was used for another request, or the customer is held out",
                    410: "The customer was forgotten",
                }
            ),
        },
        openapi_extra=_DESCRIPTION,
    )
    async def record(request: Request) -> Response:
        """Record that a customer was made an offer, and what he said.

        The answer comes when the contact is on disk. The same request under the same key may be sent as often as you
        like: it is recorded once, and answered 200 from then on.
        """
        new = _new_contact(request, await request.body(), clock())
        about(request, new.customer)
        if forgotten is not None:
            forgotten.check_key()
        try:
            contact, is_new = await store.ask(lambda opened: _recorded(opened, new, held_out, hash_key))
        except _HeldOutError:
            problem = "is held out, so that the worth of offers can be measured"
            advice = "leave him alone, or say in override_reason why not"
            raise RequestError(409, f"the customer {problem}: {advice}", [("customer_id", problem)]) from None
        except ConfigError:
            raise OtherHashKeyError from None
        except CustomerErasedError:
            problem = "was forgotten"
            told = f"the customer {problem}: nothing more is recorded of him"
            raise RequestError(410, told, [("customer_id", problem)]) from None
        if contact.request_sha256 != new.request_sha256:
            problem = "was used for another request"
            raise RequestError(409, f"the header {KEY} {problem}: give each contact a key of its own", [(KEY, problem)])
        return Response(as_json(_told(contact)), 201 if is_new else 200, media_type="application/json")

    @app.get(
        "/contacts",
        summary="What was recorded",
        tags=[CONTACTS],
        response_model=RecordedContacts,
    )
    async def recorded(request: Request, page: Annotated[_Page, Query()]) -> Response:
        """Contacts in the order in which they were recorded, a page at a time."""
        about(request, page.customer, after=page.after, limit=page.limit)
        found = await store.ask(
            lambda opened: contacts(opened, customer=page.customer, after=page.after, limit=page.limit + 1)
        )
        shown = found[: page.limit]
        body = {
            "contacts": [_told(contact) for contact in shown],
            "next": shown[-1].id if len(found) > page.limit else None,
        }
        return Response(as_json(body), media_type="application/json")

    @app.get(
        "/contacts/{contact_id}",
        summary="One contact",
        tags=[CONTACTS],
        response_model=RecordedContact,
        responses=refusing({404: "There is none"}),
    )
    async def one(request: Request, contact_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
        """One contact, by the `id` that it was recorded under."""
        found = await store.ask(lambda opened: contact_of(opened, contact_id))
        if found is None:
            raise RequestError(404, "no contact was recorded under this id", [("contact_id", "is no contact")])
        about(request, found.customer)
        return Response(as_json(_told(found)), media_type="application/json")


def _recorded(
    store: Store, new: NewContact, held_out: Callable[[Store, str], bool], hash_key: str | None
) -> tuple[Contact, bool]:
    known = contact_under(store, new.key)  # a repetition is answered as the first time, whatever holds by now
    if known is not None:
        return known, False
    if new.override_reason is None and held_out(store, new.customer):
        raise _HeldOutError
    return record_contact(store, new, hash_key=hash_key)


def _new_contact(request: Request, body: bytes, now: datetime) -> NewContact:
    key = _key(request)
    asked = read_fields(body, ContactRequest, "a contact")
    if asked.at is not None and asked.at > now + _CLOCKS_APART:
        problem = "lies in the future"
        raise RequestError(422, f"at {problem}", [("at", problem)])
    caller = principal_of(request).name
    same = json.dumps([caller, asked.model_dump(mode="json")], sort_keys=True)
    return NewContact(
        key=key,
        request_sha256=hashlib.sha256(same.encode()).hexdigest(),
        customer=asked.customer_id,
        at=asked.at or now,
        offer=asked.offer,
        result=asked.result,
        caller=caller,
        prediction_id=asked.prediction_id,
        override_reason=asked.override_reason,
    )


def _key(request: Request) -> str:
    given = request.headers.getlist(KEY)
    if len(given) == 1 and re.fullmatch(rf"[\x20-\x7e]{{1,{_LONGEST_KEY}}}", given[0]):
        return given[0]
    problem = f"must be there once, of 1 to {_LONGEST_KEY} printable ASCII characters"
    advice = "choose one for each contact, such as the number of the call, and send it again when you repeat"
    raise RequestError(422, f"the header {KEY} {problem}: {advice}", [(KEY, problem)])


def _told(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.id,
        "customer_id": contact.customer or None,
        "offer": contact.offer,
        "result": contact.result,
        "at": contact.at.isoformat(),
        "prediction_id": contact.prediction_id,
        "override_reason": contact.override_reason,
        "caller": contact.caller,
        "recorded_at": contact.recorded_at.isoformat(),
    }


_EXAMPLE = {"customer_id": "C000017", "offer": "20 % off for a year", "result": "accepted"}
_DESCRIPTION = {
    "parameters": [
        {
            "name": KEY,
            "in": "header",
            "required": True,
            "description": "names this contact, however often it is sent",
            "schema": {"type": "string", "maxLength": _LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ContactRequest.model_json_schema(), "example": _EXAMPLE}},
    },
}
