"""The request models, made from the contract of the model that is live, and the answers as they are documented."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model
from pydantic_core import PydanticCustomError

from churn_mlops.data.contract import DataContract, Feature
from churn_mlops.data.contract.customer_body import CustomerBody


def _plain(text: str) -> str:
    if text != text.strip() or any(unicodedata.category(sign) == "Cc" for sign in text):
        raise PydanticCustomError("plain", "must hold no control character, and no space at either end")
    return text


PLAIN = AfterValidator(_plain)
"""Marks a text in one line, as a person writes it."""
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_SPACE = r"\x20\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
PLAIN_SCHEMA = {"pattern": rf"^[^{_CONTROL}{_SPACE}]([^{_CONTROL}]*[^{_CONTROL}{_SPACE}])?$"}
"""``PLAIN`` in the documentation alone: as a constraint, pydantic would match each text a second time."""
PLAIN_OR_EMPTY_SCHEMA = {"pattern": rf"^([^{_CONTROL}{_SPACE}]([^{_CONTROL}]*[^{_CONTROL}{_SPACE}])?)?$"}
CustomerName = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=PLAIN_SCHEMA), PLAIN]
"""A customer ID, such as C000017."""


class BatchBody(BaseModel):
    """Several customers; a subclass for each contract says what a customer is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    customers: list[Any]


class Prediction(BaseModel):
    """The prediction for one customer."""

    model_config = ConfigDict(extra="forbid")

    prediction: Literal[0, 1] = Field(description="1: leaves within the horizon; 0: stays")
    will_churn: bool = Field(description="whether the probability reaches the decision threshold")
    churn_probability: float = Field(ge=0, le=1)
    confidence: float = Field(ge=0, le=1, description="probability of the class that is predicted")


PREDICTION_HEADERS: dict[int | str, dict[str, Any]] = {
    200: {
        "headers": {
            name: {"schema": schema, "required": True, "description": meaning}
            for name, schema, meaning in [
                ("X-Model-Version", {"type": "string"}, "the version that answered"),
                ("X-Prediction-Id", {"type": "string"}, "under which `GET /predictions/{prediction_id}` says it again"),
                ("X-As-Of", {"type": "string", "format": "date"}, "the date that the prediction is of"),
            ]
        }
    }
}


class Reason(BaseModel):
    """The contribution of one feature to a score, in percentage points and in words."""

    model_config = ConfigDict(extra="forbid")

    feature: str
    title: str = Field(description="of the feature, for people")
    value: float | bool | str | None = Field(description="the customer's own; null where it is missing")
    points: int = Field(description="of probability; all of them add up to the difference from the average customer")
    text: str = Field(description="in plain words")


class ExplainedPrediction(Prediction):
    """The prediction for one customer, its reasons and the action: the answer to `?explain=true`."""

    risk_band: Literal["low", "medium", "high"]
    reasons: list[Reason] = Field(
        description="every feature: those that move the score to where it is, then those against it; the largest first"
    )
    action: Literal["offer", "leave_alone"] = Field(description="by the score alone, whatever the capacity")
    worth_an_offer: bool = Field(description="whether an offer is expected to gain money, by the score alone")
    model_version: str
    as_of: date


class BatchPredictions(BaseModel):
    """One prediction for each customer of the request, in its order."""

    predictions: list[Prediction]


class FieldProblem(BaseModel):
    """One thing that is wrong with a request."""

    field: str = Field(description="such as `tenure`, or `customers[3].tenure` in a batch, counted from 0")
    problem: str


class ErrorBody(BaseModel):
    """The one shape of an error, on every route."""

    status: int
    error: str = Field(description="what is wrong, in a sentence")
    fields: list[FieldProblem] = Field(description="every field that is wrong, the first hundred; empty if none is")
    request_id: str = Field(description="names this request in the server's log")


def batch_body(customer: type[CustomerBody], max_rows: int) -> type[BatchBody]:
    """The request model of a batch of 1 to ``max_rows`` customers."""
    rows = Annotated[list[customer], Field(min_length=1, max_length=max_rows)]  # type: ignore[valid-type]
    return create_model("Customers", __base__=BatchBody, __doc__="Customers to predict.", customers=(rows, ...))


def batch_frame(max_rows: int) -> type[BatchBody]:
    """A batch whose customers are not looked at yet: only that there are 1 to ``max_rows`` of them."""
    rows = Annotated[list[Any], Field(min_length=1, max_length=max_rows)]
    return create_model("Frame", __base__=BatchBody, customers=(rows, ...))


def example_customer(contract: DataContract) -> dict[str, Any]:
    """A customer that keeps the contract, to start from."""
    return {name: _example_value(feature) for name, feature in contract.features.items()}


def _example_value(feature: Feature) -> Any:
    if feature.type == "category":
        return (feature.levels or ("",))[0]
    if feature.type == "boolean":
        return False
    low, high = feature.range or (feature.min or 0.0, feature.max if feature.max is not None else 1.0)
    middle = round((low + high) / 2, 2)
    value = middle if low <= middle <= high else low
    return int(value) if float(value).is_integer() else value
