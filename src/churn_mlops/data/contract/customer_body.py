"""The request model of one customer, made from the contract: what a caller of the API may send.

The server answers by it, and a version on trial is tried with it on what callers sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic_core import PydanticCustomError

from churn_mlops.data.contract.feature import Feature, level_text
from churn_mlops.data.contract.flat import DataContract

_LISTED_LEVELS = 100
"""More levels are not listed in the documentation: a browser shows hundreds of them badly."""


class CustomerBody(BaseModel):
    """One customer in a request: each feature of the contract is a field, and there is no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    features: ClassVar[tuple[str, ...]] = ()
    """The names of the features, in the order of the fields."""

    def row(self) -> dict[str, Any]:
        """The features by name; a field that was left out is None, which is a missing value."""
        return dict(zip(self.features, self.__dict__.values(), strict=True))


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
