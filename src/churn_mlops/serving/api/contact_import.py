"""``POST /api/contacts/import``: contacts that were made elsewhere, as CSV."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.errors import ConfigError
from churn_mlops.serving.access.principal import about, principal_of
from churn_mlops.serving.api.contacts import CONTACTS
from churn_mlops.serving.http.error_handlers import ONE_EACH
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.prediction.suppression import OtherHashKeyError, SuppressionCheck
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.contact_import import PORTION, ImportRefusedError, import_contacts, read_contacts
from churn_mlops.store.contacts import ContactRules
from churn_mlops.store.database.clock import Clock, utc_now

_SHOWN = 20
_EXAMPLE = "customer_id,offer,result,at\nC000017,20 % off for a year,declined,2026-11-23T14:05:00+01:00\n"


class ImportResult(BaseModel):
    """The result of an import."""

    recorded: int = Field(description="contacts that are new")
    repeated: int = Field(description="contacts that were recorded before")
    erased: int = Field(description="rows of erased customers, which were left out")
    unknown: int = Field(description="new contacts with customers who are in no published run, where they are allowed")


class _Query(BaseModel):
    model_config = ConfigDict(extra="forbid")

    allow_unknown: bool = Field(False, description="whether customers may be in no published run")


MOST_TOGETHER = PORTION
"""Contacts of one request: they are written together."""


def add_contact_import(
    app: FastAPI, store: StoreClient, suppression: SuppressionCheck, follow_days: int, clock: Clock = utc_now
) -> None:
    """Add the route.

    Args:
        app: the application.
        store: where contacts are recorded.
        suppression: knows which customers were erased.
        follow_days: the setting ``decision.follow_days``.
        clock: gives the time.
    """
    app.post(
        "/api/contacts/import",
        summary="Record contacts that were made elsewhere",
        tags=[CONTACTS],
        response_model=ImportResult,
        dependencies=ONE_EACH,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE}},
            }
        },
    )(_Import(store, suppression, follow_days, clock).import_file)


@dataclass(frozen=True)
class _Import:
    """The route. The name of the method is part of its operation's id."""

    store: StoreClient
    suppression: SuppressionCheck
    follow_days: int
    clock: Clock

    async def import_file(self, request: Request, query: Annotated[_Query, Query()]) -> Response:
        """Record the contacts of a CSV file, all or none; a file that is sent again changes nothing.

        The columns are customer_id, offer, result, at, and where wanted key, dismissal, note and override_reason.
        A customer who is in no published run is refused, with the row.
        """
        about(request, None)
        self.suppression.check_key()
        now, allow = self.clock(), query.allow_unknown
        rules = ContactRules(now.date(), now.date() - timedelta(days=self.follow_days), self.suppression.key)
        try:
            text = (await request.body()).decode()
            new = read_contacts(text, caller=principal_of(request).name, now=now)
            if len(new) > MOST_TOGETHER:
                problem = f"holds {len(new):,} contacts: send {MOST_TOGETHER:,} at most, or use `churn contacts import`"
                raise RequestError(422, f"the body {problem}", [("body", problem)])
            done = await self.store.ask(lambda opened: import_contacts(opened, new, rules, allow_unknown=allow))
        except UnicodeDecodeError:
            raise RequestError(422, "the body is no text in UTF-8", [("body", "is no text in UTF-8")]) from None
        except ImportRefusedError as error:
            raise RequestError(422, str(error), [("body", one) for one in error.problems[:_SHOWN]]) from None
        except ConfigError:
            raise OtherHashKeyError() from None
        return Response(as_json(asdict(done)), media_type="application/json")
