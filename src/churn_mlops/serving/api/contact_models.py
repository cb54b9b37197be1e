"""A contact as it is sent and as it is answered."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator
from pydantic_core import PydanticCustomError

from churn_mlops.serving.api.predictions import PREDICTION_ID
from churn_mlops.serving.http.whole_number import NUMBER
from churn_mlops.serving.model.request_models import PLAIN, PLAIN_SCHEMA, CustomerName
from churn_mlops.store.campaigns.standings import NOT_OFFERED
from churn_mlops.store.contacts import DISMISSALS, RESULTS


def _timestamp(value: Any) -> datetime:
    try:
        parsed = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise PydanticCustomError("timestamp", "must be a time with its zone, such as 2026-11-23T14:05:00+01:00")
    if not 2000 <= parsed.year < 2200:
        raise PydanticCustomError("timestamp", "must lie in the years 2000 to 2199")
    return parsed


_Timestamp = Annotated[datetime, BeforeValidator(_timestamp), WithJsonSchema({"type": "string", "format": "date-time"})]


def _says_when_dismissed(schema: dict[str, Any]) -> None:
    """Describe which results go with a dismissal, and which dismissal needs a note."""
    branches: list[dict[str, Any]] = [
        {"properties": {"result": {"enum": [*RESULTS[:-1]]}, "dismissal": {"type": "null"}}},
        {"properties": {"result": {"const": NOT_OFFERED}, "dismissal": {"enum": [*DISMISSALS[:-1]]}}},
        {"properties": {"result": {"const": NOT_OFFERED}, "dismissal": {"const": "other"}, "note": {"type": "string"}}},
    ]
    schema["anyOf"] = [
        branches[0],
        branches[1] | {"required": ["dismissal"]},
        branches[2] | {"required": ["dismissal", "note"]},
    ]


class ContactRequest(BaseModel):
    """A contact with a customer."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_says_when_dismissed)

    customer_id: CustomerName = Field(description="the customer ID, as in the published list")
    offer: Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PLAIN_SCHEMA), PLAIN] = Field(
        description="what the customer was offered"
    )
    result: Literal["offered", "accepted", "declined", "no_answer", "not_offered"] = Field(
        description="what came of it"
    )
    dismissal: (
        Literal["bad_time", "complaint", "already_decided", "not_suitable", "advised_against", "other"] | None
    ) = Field(None, validate_default=True, description="why no offer was made; given with `not_offered`, and only then")
    note: Annotated[str, Field(min_length=1, max_length=2000, json_schema_extra=PLAIN_SCHEMA), PLAIN] | None = Field(
        None, validate_default=True, description="more of the conversation; needed where the dismissal is `other`"
    )
    campaign_id: Annotated[int, Field(ge=1, le=2**31 - 1), NUMBER] | None = Field(
        None,
        description="the campaign, if the customer has an arm there; otherwise, and when left out, that of their arm",
    )
    channel: Literal["console", "api", "import", "webhook"] = Field("api", description="where it was recorded")
    at: _Timestamp | None = Field(None, description="when; now when left out")
    prediction_id: Annotated[str, Field(pattern=PREDICTION_ID)] | None = Field(
        None, description="`X-Prediction-Id` of the prediction that led to it"
    )
    override_reason: (
        Annotated[str, Field(min_length=1, max_length=1000, json_schema_extra=PLAIN_SCHEMA), PLAIN] | None
    ) = Field(None, description="why the customer is contacted although they are in the control group, or must not be")

    @field_validator("dismissal")
    @classmethod
    def _says_why_not(cls, value: str | None, info: ValidationInfo) -> str | None:
        if "result" in info.data and (info.data["result"] == "not_offered") != (value is not None):
            raise PydanticCustomError(
                "dismissal", "says why no offer was made: it is given with not_offered, and only then"
            )
        return value

    @field_validator("note")
    @classmethod
    def _explains_others(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("dismissal") == "other" and value is None:
            raise PydanticCustomError("note", "must explain a dismissal that is `other`")
        return value


class RecordedContact(ContactRequest):
    """A contact as it is recorded."""

    model_config = ConfigDict(json_schema_extra=lambda _: None)  # a record that lost its note is still one

    id: int
    customer_id: CustomerName | None = Field(  # type: ignore[assignment]  # an answer may say less than a request
        description="the customer ID; null where the customer was erased since"
    )
    caller: str = Field(description="the name of the principal that recorded it")
    recorded_at: datetime


class RecordedContacts(BaseModel):
    """A page of contacts, in the order in which they were recorded."""

    contacts: list[RecordedContact]
    next: int | None = Field(description="what to give as `after` for the next page; null after the last")
