"""``GET /audit``: who read what of a customer, and who changed what."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.access.principal import about
from churn_mlops.serving.api.session import ACCESS
from churn_mlops.serving.model.request_models import PLAIN, PLAIN_SCHEMA, CustomerName
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.audit_log import AuditEvent, audit_events

_Name = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PLAIN_SCHEMA), PLAIN]


class NotedEvent(BaseModel):
    """Something that stands in the audit trail."""

    id: int = Field(ge=1, description="grows with each event")
    at: datetime
    caller: str = Field(description="who did it, such as `key:crm`, `person:anna` or `cli:root`")
    event: str = Field(description="what was done, such as `customer.read`")
    customer_hash: str | None = Field(description="stands for the customer; null where it is about none or many")
    details: dict[str, Any] = Field(description="such as the route and the request's id; never a value of a customer")


class NotedEvents(BaseModel):
    """A page of the audit trail, the newest first."""

    events: list[NotedEvent]
    next: int | None = Field(description="what to give as `before` for the next page; null after the last")


class _Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    customer: CustomerName | None = Field(None, description="only what is about him")
    caller: _Name | None = Field(None, description="only what he did, such as `key:crm`")
    event: _Name | None = Field(None, description="only events of this name, such as `customer.read`")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="id of the last event that was read")
    limit: int = Field(100, ge=1, le=1000, description="most events of the page")


def add_audit(app: FastAPI, store: StoreClient, hash_key: str) -> None:
    """Add the route.

    Args:
        app: the application.
        store: where the trail is.
        hash_key: of the hash that stands for a customer, ``store.customer_hash_key``.
    """

    @app.get(
        "/audit",
        summary="Who read and changed what",
        tags=[ACCESS],
        response_model=NotedEvents,
    )
    async def audit(request: Request, page: Annotated[_Page, Query()]) -> Response:
        """The audit trail, the newest event first, a page at a time. That it was read is noted too.

        A customer is asked for by his name, and stands in the trail as a keyed hash.
        """
        about(request, page.customer)
        hashed = None if page.customer is None else customer_hash(hash_key, page.customer)
        found = await store.ask(
            lambda opened: audit_events(
                opened,
                before=page.before,
                limit=page.limit + 1,  # one more than asked for tells whether there is a next page
                about=hashed,
                caller=page.caller,
                event=page.event,
            )
        )
        shown = found[: page.limit]
        body = {
            "events": [_told(one) for one in shown],
            "next": shown[-1].id if len(found) > page.limit else None,
        }
        return Response(as_json(body), media_type="application/json")


def _told(one: AuditEvent) -> dict[str, Any]:
    return {
        "id": one.id,
        "at": one.at.isoformat(),
        "caller": one.caller,
        "event": one.event,
        "customer_hash": one.customer_hash,
        "details": dict(one.details),
    }
