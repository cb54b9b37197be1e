"""The documented answers about the server and its model; those of predictions stand in ``request_models``."""

from __future__ import annotations

from datetime import datetime
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


class StandingLine(BaseModel):
    """How one thing stands."""

    model_config = ConfigDict(extra="forbid")

    subject: str = Field(description="such as `list` or `job backup`")
    urgency: Literal["page", "ticket", "ok"] = Field(description="act now, act within days, or not at all")
    found: str = Field(description="how it stands")
    cost: str = Field(description="what it costs while it stays so; empty where nothing is wrong")
    next_step: str = Field(description="what to do; empty where nothing is wrong")
    alert: str = Field(description="the alert of `infra/monitoring/alerts.yml`; empty where there is none")
    runbook: str = Field(description="the page that says what to do; empty where there is none")


class Standing(BaseModel):
    """How things stand, for the person on call."""

    model_config = ConfigDict(extra="forbid")

    ok: bool = Field(description="false where someone has to act now")
    lines: list[StandingLine] = Field(description="the most urgent first")
    read_at: datetime | None = Field(description="when the store said so; null where it never answered this server")
    is_store_there: bool = Field(description="whether the store answered now")
    model_version: str | None = Field(description="the version that this server answers with")
    serves_champion: bool = Field(description="whether that is the version that the store calls live")
    processes: int = Field(ge=0, description="processes that answer on the port of this server")
    processes_wanted: int = Field(ge=1, description="as `serving.workers` says")
    package_version: str = Field(description="of churn-mlops")


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
