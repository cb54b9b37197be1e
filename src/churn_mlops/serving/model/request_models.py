"""The request models, made from the contract of the model that is live, and the answers as they are documented."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError

from churn_mlops.data.contract import DataContract, Feature, level_text

_LISTED_LEVELS = 100
"""More levels are not listed in the documentation: a browser shows hundreds of them badly."""


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


class CustomerBody(BaseModel):
    """One customer in a request: each feature of the contract is a field, and there is no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    features: ClassVar[tuple[str, ...]] = ()
    """The names of the features, in the order of the fields."""

    def row(self) -> dict[str, Any]:
        """The features by name; a field that was left out is None, which is a missing value."""
        return dict(zip(self.features, self.__dict__.values(), strict=True))


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


def customer_body(contract: DataContract) -> type[CustomerBody]:
    """The request model of one customer.

    Numbers are finite and within the contract's bounds; text that looks like a number is not one, but where the
    contract declares how numbers are written. A category is one of its levels, or a text that is joined to one. Null
    stands only where the contract has seen missing values or does not require the field.
    """
    fields: dict[str, Any] = {
        # A feature's name may be no Python name, or one that pydantic keeps for itself: it is the alias.
        f"feature_{number}": (_type_of(feature), _field_of(contract, name))
        for number, (name, feature) in enumerate(contract.features.items())
    }
    model = create_model(
        "Customer",
        __base__=CustomerBody,
        __doc__=f"A customer, as the data contract {contract.name!r} declares one.",
        **fields,
    )
    model.features = tuple(contract.features)
    return model


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


def may_be_null(feature: Feature) -> bool:
    """Whether a request may say that the value is missing."""
    return not feature.required or feature.missing > 0 or bool(feature.missing_values)


def _type_of(feature: Feature) -> Any:
    if feature.type == "number":
        kind: Any = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=feature.min, le=feature.max)]
        if not feature.number_format.is_plain:
            kind = Annotated[kind, BeforeValidator(_written(feature)), WithJsonSchema(_number_schema(feature))]
    elif feature.type == "boolean":
        kind = Annotated[bool, BeforeValidator(_truth), WithJsonSchema({"enum": [True, False, 0, 1]})]
    else:
        levels = feature.levels or ()
        kind = Literal[levels]
        if feature.same or any(_is_plain_json(level) for level in levels):
            kind = Annotated[kind, BeforeValidator(_level(feature))]
        if len(levels) > _LISTED_LEVELS:
            meaning = f"one of {len(levels):,} levels; GET /model lists them"
            kind = Annotated[
                kind, WithJsonSchema({"type": "string", "description": meaning, "examples": list(levels[:3])})
            ]
    return kind | None if may_be_null(feature) else kind


def _field_of(contract: DataContract, name: str) -> Any:
    feature = contract.features[name]
    title = contract.title_of(name)
    meaning = f"{title}, in {feature.unit}" if feature.unit else title
    return Field(... if feature.required else None, alias=name, title=title, description=meaning)


def _truth(value: Any) -> bool:
    if isinstance(value, bool) or (isinstance(value, int | float) and value in (0, 1)):
        return bool(value)
    raise PydanticCustomError("truth", "must be true or false")


def _level(feature: Feature) -> Callable[[Any], Any]:
    """A level such as "1" or "true" may be sent as the number or the truth value that it looks like.

    A text that the contract joins to a level is that level.
    """

    def level(value: Any) -> Any:
        if isinstance(value, bool | int | float):
            value = level_text(value)
        return feature.level_of(value) if isinstance(value, str) else value

    return level


def _written(feature: Feature) -> Callable[[Any], Any]:
    """A number may be sent as a text in the number format of the file, and is read in the same way."""
    example = feature.number_format.example()

    def number(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return feature.number_format.number_in(value)
        except ValueError:
            raise PydanticCustomError(
                "written", "must be a number, or a text such as {example}", {"example": example}
            ) from None

    return number


def _number_schema(feature: Feature) -> dict[str, Any]:
    bounds = {"minimum": feature.min, "maximum": feature.max}
    number = {"type": "number"} | {key: bound for key, bound in bounds.items() if bound is not None}
    return {"anyOf": [number, {"type": "string", "examples": [feature.number_format.example()]}]}


def _is_plain_json(level: str) -> bool:
    return level in ("true", "false") or level.replace(".", "", 1).lstrip("-").isdigit()


def _example_value(feature: Feature) -> Any:
    if feature.type == "category":
        return (feature.levels or ("",))[0]
    if feature.type == "boolean":
        return False
    low, high = feature.range or (feature.min or 0.0, feature.max if feature.max is not None else 1.0)
    middle = round((low + high) / 2, 2)
    value = middle if low <= middle <= high else low
    return int(value) if float(value).is_integer() else value
