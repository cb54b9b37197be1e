"""``GET /audit``: who read what of a customer, and who changed what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.access.principal import about
from churn_mlops.serving.api.session import ACCESS
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.http.pagination import Page, PageQuery, limit_field, read_page
from churn_mlops.serving.http.whole_number import WholeNumber
from churn_mlops.serving.model.request_models import PLAIN, PLAIN_SCHEMA, CustomerName
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.audit_log import AuditEvent, audit_events

_Name = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PLAIN_SCHEMA), PLAIN]


class NotedEvent(BaseModel):
    """An event of the audit log."""

    id: int = Field(ge=1, description="grows with each event")
    at: datetime
    caller: str = Field(description="the principal that did it, such as `key:crm`, `person:anna` or `cli:root`")
    event: str = Field(description="what was done, such as `customer.read`")
    customer_hash: str | None = Field(description="stands for the customer; null where it is about none or many")
    details: dict[str, Any] = Field(description="such as the route and the request's id; never a value of a customer")


class NotedEvents(BaseModel):
    """A page of the audit log, the newest event first."""

    events: list[NotedEvent]
    next: int | None = Field(description="what to give as `before` for the next page; null after the last")


class _Query(PageQuery):
    customer: CustomerName | None = Field(None, description="only events about this customer")
    caller: _Name | None = Field(None, description="only events of this principal, such as `key:crm`")
    event: _Name | None = Field(None, description="only events of this name, such as `customer.read`")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="id of the last event that was read")
    limit: WholeNumber = limit_field("events")


def add_audit(app: FastAPI, store: StoreClient, hash_key: str) -> None:
    """Add the route.

    Args:
        app: the application.
        store: where the audit log is.
        hash_key: of the hash that stands for a customer, ``store.customer_hash_key``.
    """
    app.get(
        "/audit",
        summary="Who read and changed what",
        tags=[ACCESS],
        response_model=NotedEvents,
        dependencies=ONE_EACH,
    )(_Audit(store, hash_key).audit)


@dataclass(frozen=True)
class _Audit:
    """The route; :func:`add_audit` describes the fields. The name of the method is part of its operation's id."""

    store: StoreClient
    hash_key: str

    async def audit(self, request: Request, page: Annotated[_Query, Query()]) -> Response:
        """The audit log, the newest event first, a page at a time. That it was read is recorded too.

        A customer is asked for by customer ID, and stands in the log as a keyed hash.
        """
        about(request, page.customer)
        hashed = None if page.customer is None else customer_hash(self.hash_key, page.customer)

        def read(opened: Store) -> Page[AuditEvent]:
            given = partial(
                audit_events, opened, before=page.before, about=hashed, caller=page.caller, event=page.event
            )
            return read_page(given, page.limit, attrgetter("id"))

        found = await self.store.ask(read)
        body = {"events": [_to_json(one) for one in found.items], "next": found.next}
        return Response(as_json(body), media_type="application/json")


def _to_json(one: AuditEvent) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": one.at.isoformat(),
        "caller": one.caller,
        "event": one.event,
        "customer_hash": one.customer_hash,
        "details": dict(one.details),
    }
