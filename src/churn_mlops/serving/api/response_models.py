"""The documented answers about the server and its model; those of predictions stand in ``request_models``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class FeatureCard(BaseModel):
    """The values that a request may hold in one field."""

    model_config = ConfigDict(extra="forbid")

    name: str
    title: str = Field(description="for people")
    type: Literal["number", "boolean", "category"]
    unit: str | None = Field(None, description="left out where there is none, as are the bounds and the levels")
    min: float | None = None
    max: float | None = None
    levels: list[str] | None = None
    required: bool
    may_be_null: bool = Field(description="whether a request may say that the value is missing")


class ModelCard(BaseModel):
    """The model that is live."""

    model_config = ConfigDict(extra="forbid")

    version: str
    model_type: str = Field(description="such as `additive_boosting`")
    live_from: str
    contract: str = Field(description="name of the data contract")
    horizon_days: int | None = Field(description="days ahead that are predicted; null where the contract says nothing")
    threshold: float = Field(ge=0, le=1, description="the churn probability from which `will_churn` is true")
    features: list[FeatureCard]
    provenance: dict[str, Any] = Field(description="what was noted at the promotion, such as the metrics")


class Alive(BaseModel):
    """The process is alive."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["alive"]


class Readiness(BaseModel):
    """Requests may be sent here."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["ready"]
    model_version: str
    champion_refused: str | None = Field(None, description="a champion that is not served, and why; left out otherwise")
    store: Literal["reachable", "away", "of another version", "not asked yet"] | None = Field(
        None, description="as it was last found"
    )
    answers_waiting: int | None = Field(None, ge=0, description="predictions that wait for the prediction log")
    answers_dropped: int | None = Field(None, ge=0, description="predictions that were not logged")
