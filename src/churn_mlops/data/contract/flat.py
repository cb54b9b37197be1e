"""The data contract: the one declaration of a data set.

From it come the validation, the features of a model, the request model of ``/predict`` and the words of a reason.
This module knows the declaration only: it opens no data and computes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from churn_mlops.data.contract.feature import FALSE_TEXTS, TRUE_TEXTS, Declaration, Feature, FeatureType, level_text
from churn_mlops.data.contract.time_format import readable_formats
from churn_mlops.data.contract.units import unit_of
from churn_mlops.errors import ContractError
from churn_mlops.yaml_files import read_yaml

__all__ = [
    "ABSURD",
    "FALSE_TEXTS",
    "LABEL",
    "TRUE_TEXTS",
    "ContractFile",
    "DataContract",
    "Days",
    "ExcludedColumn",
    "ExclusionReason",
    "Feature",
    "FeatureType",
    "Label",
    "level_text",
    "unit_of",
]  # fmt: skip

CONTRACT_VERSION = 1
LABEL = "__label__"
"""Name of the label's column in a snapshot."""
Days = Annotated[int, Field(le=3650)]
"""A window or a delay: ten years at most, for a date so long before another has to exist."""
ABSURD = 1e300  # no measured thing is larger: such a number is a fault

ExclusionReason = Literal[
    "identifier", "constant", "empty", "suspected_leak", "date", "type", "free_text", "many_levels", "unclear",
    "duplicate", "by_choice",
]  # fmt: skip


class Label(Declaration):
    """The column that is predicted: whether a customer churned. A blank value means: not known yet."""

    column: str
    positive: str = Field(description="the value of a customer who left")
    negative: str | tuple[str, ...] = Field(
        min_length=1, description="the value of a customer who stayed, or several such values"
    )
    horizon_days: Days = Field(30, gt=0, description="days ahead that the label looks")

    @field_validator("positive", "negative", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return tuple(map(level_text, value)) if isinstance(value, list | tuple) else level_text(value)

    @model_validator(mode="after")
    def _two_sides(self) -> Label:
        if self.positive in self.negatives:
            raise ValueError("`positive` and `negative` are the same value")
        return self

    @property
    def negatives(self) -> tuple[str, ...]:
        """The values of customers who stayed."""
        return (self.negative,) if isinstance(self.negative, str) else self.negative

    @property
    def stayed(self) -> str:
        """The values of customers who stayed, in words."""
        return " or ".join(map(repr, self.negatives))


class ExcludedColumn(Declaration):
    """A column that the model does not see, and why. A person may move it to the features."""

    reason: ExclusionReason
    note: str = ""


class ContractFile(Declaration):
    """A contract of either shape: how it is read from a file, and written as plain data."""

    @classmethod
    def from_dict(cls, data: Any, where: str = "contract") -> Self:
        """Check ``data`` and make a contract of it.

        Raises:
            ContractError: naming every key that is wrong, and ``where`` it was read.
        """
        if not isinstance(data, dict):
            raise ContractError(f"{where}: a contract is a mapping of keys; see docs/contract.md")
        version = data.get("version", CONTRACT_VERSION)
        if isinstance(version, int) and version > CONTRACT_VERSION:
            raise ContractError(
                f"{where}: version {version} is newer than this program reads ({CONTRACT_VERSION}): update churn-mlops"
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            lines = [
                f"  {'.'.join(str(part) for part in item['loc']) or 'contract'}: {_plain(item['msg'])}"
                for item in error.errors()
            ]
            raise ContractError("\n".join([f"{where} is not a valid contract:", *lines])) from None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read the contract from the YAML file at ``path``.

        Raises:
            ContractError: the file is not there, is not YAML, or is not a contract.
        """
        return cls.from_dict(cls.read(path), where=str(path))

    def to_dict(self) -> dict[str, Any]:
        """Plain data (for the bundle), from which :meth:`from_dict` makes an equal contract."""
        return self.model_dump(mode="json", exclude_defaults=True) | {"version": CONTRACT_VERSION}

    @staticmethod
    def read(path: str | os.PathLike[str]) -> Any:
        """The YAML of the file at ``path``, as plain data.

        Raises:
            ContractError: the file is not there, or is not YAML.
        """
        missing = f"there is no contract at {path}: make one with `churn init`"
        return read_yaml(Path(path), "the contract", ContractError, missing)


class DataContract(ContractFile):
    """The declaration of one flat data set: one row per customer."""

    version: Literal[1] = 1
    name: str = Field(min_length=1)
    customer: str | None = Field(None, description="column that names the customer; None where rows have no name")
    household: str | None = Field(
        None, description="column of the household, or of a shared e-mail address: its customers keep one arm"
    )
    as_of: str | None = Field(
        None, description="column of the day on which a row was taken; the setting `source.as_of` where left out"
    )
    formats: Mapping[str, str] = Field(
        default_factory=dict, description="how columns write dates as text, if not as ISO 8601, such as %d/%m/%Y"
    )
    label: Label | None = None
    features: Mapping[str, Feature] = Field(min_length=1)
    set_aside: Mapping[str, ExcludedColumn] = Field(default_factory=dict)

    @field_validator("formats")
    @classmethod
    def _formats_are_readable(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        return readable_formats(value)

    @model_validator(mode="after")
    def _columns_have_one_role(self) -> DataContract:
        roles: dict[str, str] = {}
        if self.customer is not None:
            roles[self.customer] = "the customer"
        if self.label is not None:
            if self.label.column in roles:
                raise ValueError(f"column {self.label.column!r} is both the customer and the label")
            roles[self.label.column] = "the label"
        if self.as_of is not None:
            if self.as_of in roles:
                raise ValueError(f"column {self.as_of!r} is both {roles[self.as_of]} and the as-of date")
            roles[self.as_of] = "the as-of date"
        for name, feature in self.features.items():
            column = feature.date_column or self.column_of(name)
            if column in roles:
                raise ValueError(f"column {column!r} is both {roles[column]} and feature {name!r}")
            roles[column] = f"feature {name!r}"
        for column in self.set_aside:
            if column in roles:
                raise ValueError(f"column {column!r} is both {roles[column]} and excluded (`set_aside`)")
        self._names_mean_one_thing(roles)
        return self

    def _names_mean_one_thing(self, roles: Mapping[str, str]) -> None:
        """A renamed feature must not be called like another column: a raw table would be read under the wrong one."""
        for name in self.features:
            is_own = self.features[name].date_column is None and self.column_of(name) == name
            taken = None if is_own else roles.get(name)
            if name in self.set_aside:
                taken = "an excluded column (`set_aside`)"
            if name == LABEL:
                taken = "the label of a snapshot"
            if taken is not None:
                raise ValueError(f"feature {name!r} is called like {taken}: give it another name")

    def column_of(self, feature: str) -> str:
        """Name of the table's column that holds ``feature``; one that counts days gets a column of its own name."""
        return self.features[feature].column or feature

    def title_of(self, feature: str) -> str:
        """The name of ``feature`` for people: its title, or its name with blanks."""
        return self.features[feature].title or feature.replace("_", " ")


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Extra inputs are not permitted", "unknown key")
