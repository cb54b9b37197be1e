"""``/contacts``: offers to customers and their results. A contact is committed before it is acknowledged."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query, Request
from fastapi.responses import Response
from pydantic import Field

from churn_mlops.errors import ConfigError, CustomerErasedError
from churn_mlops.serving.access.principal import about, principal_of, shown_in_refusal
from churn_mlops.serving.api.contact_models import ContactRequest, RecordedContact, RecordedContacts
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.http.pagination import Page, PageQuery, limit_field, read_page
from churn_mlops.serving.http.whole_number import WHOLE, WholeNumber
from churn_mlops.serving.model.request_models import CustomerName
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.prediction.suppression import OtherHashKeyError, SuppressionCheck
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.contacts import (
    IMPORTED,
    Contact,
    ContactRules,
    ControlGroupError,
    DoNotContactError,
    FutureContactError,
    KeyReusedError,
    NewContact,
    accept_contact,
    check_time,
    contact_of,
    contacts,
)
from churn_mlops.store.database.clock import Clock, utc_now

CONTACTS = "Contacts"
_LATER = {"dismissal": None, "note": None, "campaign_id": None, "channel": "api"}
"""Fields that came later: left out of a request's hash, so that a repetition is recognised across the upgrade."""
KEY = "Idempotency-Key"
_LONGEST_KEY = 200


_Number = Annotated[Annotated[int, Field(ge=1, le=2**63 - 1), WHOLE], Path()]


class _Query(PageQuery):
    customer: CustomerName | None = Field(None, description="only contacts with this customer")
    after: WholeNumber = Field(0, ge=0, le=2**63 - 1, description="id of the last contact that was read")
    limit: WholeNumber = limit_field("contacts")


@dataclass(frozen=True)
class ContactRecorder:
    """Records contacts: the one way for the API and for the pages.

    Args:
        store: where contacts are recorded.
        clock: gives the time.
        suppression: knows which customers were erased; None looks for none.
        follow_days: the setting ``decision.follow_days``.
    """

    store: StoreClient
    clock: Clock = utc_now
    suppression: SuppressionCheck | None = None
    follow_days: int = 90

    async def record(
        self, request: Request, asked: ContactRequest, key: str, seen: int | None = None
    ) -> tuple[Contact, bool]:
        """Record a contact; it is on disk when this returns.

        Args:
            request: whose principal records it.
            asked: the contact.
            key: the idempotency key.
            seen: as of ``accept_contact``.

        Returns:
            the contact under the key, and whether it was recorded just now.

        Raises:
            ContactedMeanwhileError: a contact later than ``seen`` was recorded.
            RequestError: 409, the customer is in the control group, or must not be contacted, or the key stands for
                another request; 410, the customer was erased; 422, the contact lies in the future; 503, the store is
                unavailable.
        """
        now = self.clock()
        new = _new_contact(asked, key, principal_of(request).name, now)
        about(request, new.customer)
        hash_key = None
        if self.suppression is not None:
            self.suppression.check_key()
            hash_key = self.suppression.key
        rules = ContactRules(now.date(), now.date() - timedelta(days=self.follow_days), hash_key)
        try:
            return await self.store.ask(lambda opened: accept_contact(opened, new, rules, seen=seen))
        except (ConfigError, ControlGroupError, CustomerErasedError, DoNotContactError, KeyReusedError) as error:
            if isinstance(error, ControlGroupError | DoNotContactError):
                shown_in_refusal(request, new.customer)
            raise _refused(error) from None


def add_contacts(app: FastAPI, recorder: ContactRecorder) -> None:
    """Add the routes of contacts.

    Args:
        app: the application.
        recorder: records contacts.
    """
    routes = _Contacts(recorder, recorder.store)
    app.post(
        "/contacts",
        summary="Record a contact",
        tags=[CONTACTS],
        status_code=201,
        response_model=RecordedContact,
        responses={200: {"model": RecordedContact, "description": "It was recorded before"}, **_REFUSALS},
        openapi_extra=_DESCRIPTION,
    )(routes.record)
    app.get(
        "/contacts",
        summary="What was recorded",
        tags=[CONTACTS],
        response_model=RecordedContacts,
        dependencies=ONE_EACH,
    )(routes.recorded)
    app.get(
        "/contacts/{contact_id}",
        summary="One contact",
        tags=[CONTACTS],
        response_model=RecordedContact,
        responses=refusing({404: "There is none"}),
    )(routes.one)


@dataclass(frozen=True)
class _Contacts:
    """The routes. A name of a method is part of its operation's id."""

    recorder: ContactRecorder
    store: StoreClient

    async def record(self, request: Request) -> Response:
        """Record that a customer was made an offer, and what they said.

        The answer comes when the contact is on disk. The same request under the same key may be sent as often as you
        like: it is recorded once, and answered 200 from then on.
        """
        key, body = read_key(request), await request.body()
        contact, is_new = await self.recorder.record(request, read_fields(body, ContactRequest, "a contact"), key)
        return Response(as_json(contact_json(contact)), 201 if is_new else 200, media_type="application/json")

    async def recorded(self, request: Request, page: Annotated[_Query, Query()]) -> Response:
        """Contacts in the order in which they were recorded, a page at a time."""
        about(request, page.customer, after=page.after, limit=page.limit)

        def read(opened: Store) -> Page[Contact]:
            given = partial(contacts, opened, customer=page.customer, after=page.after)
            return read_page(given, page.limit, attrgetter("id"))

        found = await self.store.ask(read)
        body = {"contacts": [contact_json(contact) for contact in found.items], "next": found.next}
        return Response(as_json(body), media_type="application/json")

    async def one(self, request: Request, contact_id: _Number) -> Response:
        """One contact, by the `id` that it was recorded under."""
        found = await self.store.ask(lambda opened: contact_of(opened, contact_id))
        if found is None:
            raise RequestError(404, "no contact was recorded under this id", [("contact_id", "is no contact")])
        about(request, found.customer)
        return Response(as_json(contact_json(found)), media_type="application/json")


def _refused(error: Exception) -> Exception:
    """The answer where a contact breaks a rule."""
    match error:
        case ControlGroupError():
            problem = "is in the control group, so that the worth of offers can be measured"
            advice = "do not contact them, or say in override_reason why"
            return RequestError(409, f"the customer {problem}: {advice}", [("customer_id", problem)])
        case DoNotContactError():
            problem = "must not be contacted"
            advice = "do not contact them, or say in override_reason why"
            return RequestError(409, f"the customer {problem}: {advice}", [("customer_id", problem)])
        case CustomerErasedError():
            problem = "was erased"
            message = f"the customer {problem}: nothing more is recorded of them"
            return RequestError(410, message, [("customer_id", problem)])
        case KeyReusedError():
            return key_reused("contact")
    return OtherHashKeyError()


def key_reused(of: str) -> RequestError:
    """The answer where an idempotency key stands for another contact, or another note."""
    problem = "was used for another request"
    return RequestError(409, f"the header {KEY} {problem}: give each {of} a key of its own", [(KEY, problem)])


def _new_contact(asked: ContactRequest, key: str, caller: str, now: datetime) -> NewContact:
    at = asked.at or now
    try:
        check_time(at, now)
    except FutureContactError:
        problem = "lies in the future"
        raise RequestError(422, f"at {problem}", [("at", problem)]) from None
    said = {name: value for name, value in asked.model_dump(mode="json").items() if value != _LATER.get(name, ...)}
    same = json.dumps([caller, said], sort_keys=True)
    return NewContact(
        key=key,
        request_sha256=hashlib.sha256(same.encode()).hexdigest(),
        customer=asked.customer_id,
        at=at,
        offer=asked.offer,
        result=asked.result,
        caller=caller,
        prediction_id=asked.prediction_id,
        override_reason=asked.override_reason,
        campaign_id=asked.campaign_id,
        channel=asked.channel,
        dismissal=asked.dismissal,
        note=asked.note,
    )


def read_key(request: Request) -> str:
    """The idempotency key of a request.

    Raises:
        RequestError: 422, there is none, or it is none that may be given.
    """
    given = request.headers.getlist(KEY)
    if (
        len(given) == 1
        and re.fullmatch(rf"[\x20-\x7e]{{1,{_LONGEST_KEY}}}", given[0])
        and not given[0].startswith(IMPORTED)
    ):
        return given[0]
    problem = f"must be there once, of 1 to {_LONGEST_KEY} printable ASCII characters, and not begin with {IMPORTED}"
    advice = "choose one for each record, such as the number of the call, and send it again when you repeat"
    raise RequestError(422, f"the header {KEY} {problem}: {advice}", [(KEY, problem)])


def contact_json(contact: Contact) -> dict[str, Any]:
    """A recorded contact as the API answers it."""
    return {
        "id": contact.id,
        "customer_id": contact.customer or None,
        "offer": contact.offer,
        "result": contact.result,
        "at": contact.at.isoformat(),
        "dismissal": contact.dismissal,
        "note": contact.note,
        "campaign_id": contact.campaign_id,
        "channel": contact.channel,
        "prediction_id": contact.prediction_id,
        "override_reason": contact.override_reason,
        "caller": contact.caller,
        "recorded_at": contact.recorded_at.isoformat(),
    }


_REFUSALS = refusing(
    {
        409: "The key was used for another request, or the customer is in the control group or must not be contacted",
        410: "The customer was erased",
    }
)
_EXAMPLE = {"customer_id": "C000017", "offer": "20 % off for a year", "result": "accepted"}


def key_parameter(of: str, *, required: bool) -> dict[str, Any]:
    """The header of the idempotency key, as the documentation describes it."""
    return {
        "name": KEY,
        "in": "header",
        "required": required,
        "description": f"names this {of}, however often it is sent",
        "schema": {"type": "string", "maxLength": _LONGEST_KEY, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    }


_DESCRIPTION = {
    "parameters": [key_parameter("contact", required=True)],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ContactRequest.model_json_schema(), "example": _EXAMPLE}},
    },
}
