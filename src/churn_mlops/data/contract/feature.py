"""One input of a model as the contract declares it, and the text of a level."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from churn_mlops.data.contract.number_format import NumberFormat

_WHOLE_LIMIT = 10**15  # beyond it a float is not written as a whole number
# A program that has no whole number with gaps writes 1.0 (pandas), a database with fixed decimals 1.00.
_ZEROS = ("", *("." + "0" * count for count in range(1, 7)))
TRUE_TEXTS = frozenset({"true", "yes", "y", "t", *("1" + zeros for zeros in _ZEROS)})
FALSE_TEXTS = frozenset({"false", "no", "n", "f", *("0" + zeros for zeros in _ZEROS)})

FeatureType = Literal["number", "boolean", "category"]


class Declaration(BaseModel):
    """A part of the contract: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Feature(Declaration):
    """One input of the model: where it is found, what it may be, what it is called in a sentence."""

    type: FeatureType
    column: str | None = Field(None, description="column of the table; the feature's own name when left out")
    since: str | None = Field(None, description="column of a date in a flat table: the feature is the days since then")
    until: str | None = Field(None, description="column of a date in a flat table: the feature is the days until then")
    title: str | None = Field(None, description="what people call it; the name with blanks when left out")
    words: str | None = Field(None, description='how a reason names a value, such as "{value} contract"')
    unit: str | None = Field(None, description="unit of a number, such as months or USD/month")
    decimal: Literal[".", ","] = Field(".", description="decimal sign of numbers that are written as text")
    thousands: Literal[",", ".", " ", "'"] | None = Field(None, description="sign between thousands in such numbers")
    around: tuple[str, ...] = Field((), description="texts that may stand before or after such a number: $, GB, %")
    min: float | None = Field(None, description="smallest possible value; a smaller one stops the validation")
    max: float | None = Field(None, description="largest possible value; a larger one stops the validation")
    range: tuple[float, float] | None = Field(None, description="smallest and largest value seen; outside is a warning")
    same: Mapping[str, tuple[str, ...]] = Field(
        default_factory=dict, description="other texts that mean a level; no levels of their own any more"
    )
    levels: tuple[str, ...] | None = Field(None, description="the known values of a category; another is a warning")
    missing_values: tuple[str, ...] = Field((), description="texts and numbers that mean missing, besides blank")
    missing: float = Field(0.0, ge=0, le=1, description="share of missing values seen; more is a warning")
    required: bool = Field(True, description="whether a request must hold the field")

    @model_validator(mode="before")
    @classmethod
    def _without_joined_levels(cls, data: Any) -> Any:
        """``same`` is written below a list of levels that still names the texts which it joins: they are taken out."""
        if not isinstance(data, Mapping) or not isinstance(data.get("same"), Mapping):
            return data
        levels = data.get("levels")
        if not isinstance(levels, list | tuple):
            return data
        joined = {text for others in data["same"].values() for text in _texts(others)}
        return {**data, "levels": tuple(level for level in map(level_text, levels) if level not in joined)}

    @field_validator("levels", "missing_values", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """YAML reads an unquoted ``true`` or ``1`` as a truth value or a number; a level is always text."""
        return _texts(value) if isinstance(value, list | tuple) else value

    @field_validator("same", mode="before")
    @classmethod
    def _as_texts(cls, value: Any) -> Any:
        return (
            {level_text(key): _texts(others) for key, others in value.items()} if isinstance(value, Mapping) else value
        )

    @model_validator(mode="after")
    def _fits_its_type(self) -> Feature:
        if self.type == "category" and not self.levels:
            raise ValueError("a category needs its `levels`")
        if self.type != "category" and (self.levels or self.same):
            raise ValueError(f"`levels` and `same` belong to a category, not to a {self.type}")
        if self.levels and len(set(self.levels)) != len(self.levels):
            raise ValueError("`levels` holds a level twice")
        if self.type != "number" and (self.min is not None or self.max is not None or self.range is not None):
            raise ValueError(f"`min`, `max` and `range` belong to a number, not to a {self.type}")
        if self.type != "number" and not self.number_format.is_plain:
            raise ValueError(f"`decimal`, `thousands` and `around` belong to a number, not to a {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`")
        return self

    @model_validator(mode="after")
    def _counts_days(self) -> Feature:
        given = [name for name in ("column", "since", "until") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one of `column`, `since` and `until`; found {' and '.join(given)}")
        if self.date_column is not None and self.type != "number":
            raise ValueError(f"`{given[0]}` gives a number of days, not a {self.type}")
        return self

    @property
    def date_column(self) -> str | None:
        """The column of the date that days are counted from or to; None where the feature counts none."""
        return self.since or self.until

    @model_validator(mode="after")
    def _number_format_is_clear(self) -> Feature:
        if self.decimal == self.thousands:
            raise ValueError(f"`decimal` and `thousands` are both {self.decimal!r}: only one of them can be")
        for text in self.around:
            if not text.strip() or text != text.strip() or any(sign.isdigit() or sign in "+-" for sign in text):
                raise ValueError(f"`around` holds {text!r}: a text without digits, plus, minus and outer blanks")
            if not text.strip(",.'"):
                raise ValueError(f"`around` holds {text!r}, which is a sign within numbers")
        return self

    @model_validator(mode="after")
    def _same_is_clear(self) -> Feature:
        seen: set[str] = set()
        for level, others in self.same.items():
            if level not in (self.levels or ()):
                raise ValueError(f"`same` names {level!r}, which is not among `levels`")
            for text in others:
                if not text or text in seen or text == level:
                    raise ValueError(f"`same` joins {text!r} twice, or to itself, or it is blank")
                if text in self.missing_values:
                    raise ValueError(f"{text!r} stands in `same` and in `missing_values`")
                seen.add(text)
        return self

    @property
    def number_format(self) -> NumberFormat:
        """How this feature's numbers are written."""
        return NumberFormat(self.decimal, self.thousands, self.around)

    @property
    def notation(self) -> NumberFormat:
        """The name of :attr:`number_format` up to version 0.1."""
        return self.number_format

    @cached_property
    def missing_numbers(self) -> frozenset[float]:
        """The numbers that mean missing, however they are written: those among ``missing_values`` of a number."""
        return _numbers_in(self.missing_values, self.number_format) if self.type == "number" else frozenset()

    @cached_property
    def missing_of_numbers(self) -> frozenset[str]:
        """Texts that mean missing where a cell is a number or a truth value, as :func:`level_text` writes it.

        For a boolean they are not those of 1 and 0: a "0" among texts may mean missing, but once a "no" is read it is
        0 too.
        """
        gone = frozenset(self.missing_values)
        return gone - TRUE_TEXTS - FALSE_TEXTS if self.type == "boolean" else gone

    def level_of(self, text: str) -> str:
        """The level that the stripped ``text`` means: itself, or the one that ``same`` joins it to."""
        for level, others in self.same.items():
            if text in others:
                return level
        return text


def level_text(value: Any) -> str:
    """The text of a level, the same for every source: ``True`` is "true", ``3.0`` is "3", text loses outer blanks."""
    if isinstance(value, str):
        return value.strip()
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()  # NumPy's own scalars
    if isinstance(value, bool):
        return "true" if value else "false"
    is_whole = isinstance(value, float | Decimal) and math.isfinite(value) and int(value) == value
    if is_whole and abs(value) < _WHOLE_LIMIT:
        return str(int(value))
    if isinstance(value, Decimal) and value.is_finite():  # 2.50 is 2.5, be it a float or not
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value).strip()


def _numbers_in(texts: tuple[str, ...], number_format: NumberFormat) -> frozenset[float]:
    found = set()
    for text in texts:
        with suppress(ValueError):
            found.add(number_format.number_in(text))
    return frozenset(number for number in found if math.isfinite(number))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(level_text, value if isinstance(value, list | tuple) else (value,)))
