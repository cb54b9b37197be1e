"""``/api/models``: the versions that can be made live, what was live when, promotion and rollback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.deployment import Deployment, ModelVersion
from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.api.request_bodies import LongText, described_body
from churn_mlops.serving.model.model_book import Decision, ModelBook
from churn_mlops.serving.prediction.parsing import read_fields
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.store.shadow import InShadow

MODELS = "Models"
VERSION = "^[1-9][0-9]{0,8}$"
Version = Annotated[str, Path(pattern=VERSION, description="number of the version")]
_Champion = Annotated[str, Field(pattern="^([0-9a-f]{64}|none)$")]
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class DecisionRequest(BaseModel):
    """A promotion or a rollback."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: LongText = Field(description="why; kept with the record of what was live when")
    expected_champion: _Champion | None = Field(
        None, description="hash of the bundle that is live as you know it, or `none`; 409 where another is live by now"
    )
    expected_bundle: _Hash | None = Field(
        None, description="hash of the bundle that is to go live, as you know it; 409 where another would by now"
    )


class LiveTime(BaseModel):
    """A version's time as champion."""

    version: str
    sha256: str
    model_type: str
    since: datetime
    to: datetime | None = Field(description="null while it lasts")
    reason: str
    rollback: bool = Field(description="whether a later version was withdrawn")
    deployed_by: str | None = Field(description="who made it live; null where that was not recorded")


class ListedVersion(BaseModel):
    """A version whose bundle the store holds."""

    version: str
    sha256: str
    model_type: str
    registered_at: datetime
    is_live: bool
    verdict: str | None = Field(description="why training promoted it or not")
    metrics: dict[str, Any] = Field(description="on its test set, each with `value`, `low` and `high`")


class ShadowGain(BaseModel):
    """The money a month that lists of the version in the shadow would earn more, with its 95 % interval."""

    value: float
    low: float
    high: float
    is_final: bool = Field(description="false while it goes by the customers who left so far")


class VersionInShadow(BaseModel):
    """The version that scored the newest run beside the champion; no one acts on its scores."""

    version: str
    on_trial_since: datetime | None = Field(description="null where it is the version that the champion replaced")
    as_of: date = Field(description="date of the newest run")
    customers: int = Field(description="customers that it scored in this run")
    seconds: float = Field(description="the time that this took")
    requests: int = Field(description="logged requests of the last seven days that it answered again, on trial")
    refused: int = Field(description="of these, the ones that it would refuse")
    changed: int = Field(description="of these, the ones with another verdict")
    gain: ShadowGain | None = Field(
        description="null while too few customers without an offer have left since both scored them"
    )


class ListedModels(BaseModel):
    """The newest 50 versions and deployments, the newest first, and the version in the shadow."""

    versions: list[ListedVersion]
    live: list[LiveTime]
    shadow: VersionInShadow | None = Field(description="null where no version scores beside the champion")


def add_models(app: FastAPI, book: ModelBook) -> None:
    """Add the routes.

    Args:
        app: the application.
        book: reads and changes what is live.
    """
    routes = _Models(book)
    changed = "Another model went live in the meantime"
    broken = "the bundle cannot be trusted"
    app.get("/api/models", summary="Versions and deployments", tags=[MODELS], response_model=ListedModels)(routes.all)
    app.post(
        "/api/models/rollback",
        summary="Make the version before the champion live again",
        tags=[MODELS],
        response_model=LiveTime,
        responses=refusing({409: f"{changed}, no other was live before, or {broken}"}),
        openapi_extra=described_body(DecisionRequest, {"reason": "too many false alarms"}),
    )(routes.rollback)
    app.post(
        "/api/models/{version}/promote",
        summary="Make a version live",
        tags=[MODELS],
        response_model=LiveTime,
        responses=refusing({404: "The store holds no such version", 409: f"{changed}, it is live, or {broken}"}),
        openapi_extra=described_body(DecisionRequest, {"reason": "simpler to explain"}),
    )(routes.promote)


@dataclass(frozen=True)
class _Models:
    """The routes. The name of a method is part of its operation's id."""

    book: ModelBook

    async def all(self) -> Response:
        """The newest 50 versions, with their figures and verdict, and the newest 50 deployments."""
        found = await self.book.all()
        champion = found.champion
        versions = [_version(one, champion is not None and champion.is_of(one)) for one in found.versions]
        live = [_period(one) for one in reversed(found.latest)]
        return _answer({"versions": versions, "live": live, "shadow": _shadow(found.shadow)})

    async def promote(self, request: Request, version: Version) -> Response:
        """Make a version live. Its bundle gives its own recorded scores first; servers follow within seconds."""
        asked = read_fields(await request.body(), DecisionRequest, "a promotion")
        decision = _decision(request, asked)
        return _answer(_period(await self.book.promote(version, decision)))

    async def rollback(self, request: Request) -> Response:
        """Make the version live again that was live before the champion; a second time, the one before that."""
        asked = read_fields(await request.body(), DecisionRequest, "a rollback")
        decision = _decision(request, asked)
        return _answer(_period(await self.book.rollback(decision)))


def _decision(request: Request, asked: DecisionRequest) -> Decision:
    return Decision(asked.reason, principal_of(request).name, asked.expected_champion, asked.expected_bundle)


def _version(one: ModelVersion, is_live: bool) -> dict[str, Any]:
    metrics = one.provenance.get("metrics")
    return {
        "version": one.version,
        "sha256": one.sha256,
        "model_type": one.model_type,
        "registered_at": one.registered_at.isoformat(),
        "is_live": is_live,
        "verdict": one.provenance.get("verdict"),
        "metrics": dict(metrics) if isinstance(metrics, Mapping) else {},
    }


def _period(one: Deployment) -> dict[str, Any]:
    return one.to_entry() | {"deployed_by": one.deployed_by}


def _shadow(one: InShadow | None) -> dict[str, Any] | None:
    if one is None:
        return None
    gain = one.gain
    return {
        "version": one.version,
        "on_trial_since": None if one.trial is None else one.trial.since.isoformat(),
        "as_of": one.as_of.isoformat(),
        "customers": one.customers,
        "seconds": one.seconds,
        "requests": 0 if one.refused is None else int(one.refused.denominator or 0),
        "refused": 0 if one.refused is None else int(one.refused.numerator or 0),
        "changed": 0 if one.changed is None else int(one.changed.numerator or 0),
        "gain": None
        if gain is None or gain.value is None
        else {"value": gain.value, "low": gain.low, "high": gain.high, "is_final": gain.is_final},
    }


def _answer(body: dict[str, Any]) -> Response:
    return Response(as_json(body), media_type="application/json")
