"""The bodies of requests, as the documentation describes them, and the texts in them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from churn_mlops.serving.model.request_models import PLAIN, PLAIN_SCHEMA


def _day(value: Any) -> date:
    """Pydantic reads numbers as dates too, in seconds since 1970."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-11-23") else None
    except ValueError:
        found = None
    if found is None:
        raise PydanticCustomError("day", "must be a date, such as 2026-11-23")
    return found


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A date, such as 2026-11-23."""
ShortText = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PLAIN_SCHEMA), PLAIN]
"""A name or a few words, in one line."""
LongText = Annotated[str, Field(min_length=1, max_length=2000, json_schema_extra=PLAIN_SCHEMA), PLAIN]
"""A note or a sentence, in one line."""


def described_body(model: type[BaseModel], example: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a JSON body, for a route that reads the body itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    content = {"application/json": {"schema": schema, "example": dict(example)}}
    return {"requestBody": {"required": True, "content": content}}
