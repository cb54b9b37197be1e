"""The bodies of requests, as the documentation describes them, and the texts in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field

from churn_mlops.serving.model.request_models import PLAIN, PLAIN_SCHEMA

ShortText = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PLAIN_SCHEMA), PLAIN]
"""A name or a few words, in one line."""
LongText = Annotated[str, Field(min_length=1, max_length=2000, json_schema_extra=PLAIN_SCHEMA), PLAIN]
"""A note or a sentence, in one line."""


def described_body(model: type[BaseModel], example: Mapping[str, Any]) -> dict[str, Any]:
    """The description of a JSON body, for a route that reads the body itself."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    content = {"application/json": {"schema": schema, "example": dict(example)}}
    return {"requestBody": {"required": True, "content": content}}
