"""The base of every section of the settings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator


def setting(default: Any, meaning: str, unit: str | None = None, *, secret: bool = False, **bounds: Any) -> Any:
    """Declare a setting. A secret one (an address may hold a password) appears in no message and no ``repr``."""
    return Field(default, description=meaning, json_schema_extra={"unit": unit}, repr=not secret, **bounds)


class Section(BaseModel):
    """A section of the settings: frozen, and of nothing but its declared settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value(cls, value: Any) -> Any:
        """Pydantic reads ``true`` as the number 1; in a settings file it is a slip."""
        if isinstance(value, bool):
            raise ValueError("a truth value is not allowed here")
        return value


def listed(
    value: Any, advice: str = "hosts are a list, such as [crm.example.com]; so are proxies and roles"
) -> list[Any]:
    """A list, from the environment's text with commas too; where it is none, the error gives the ``advice``."""
    if value is None or isinstance(value, str):
        value = [part.strip() for part in (value or "").split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        raise ValueError(advice)
    return list(value)
