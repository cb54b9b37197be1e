"""``GET /api/dashboard``: the figures behind the dashboard, as the newest measurement kept them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.responses import Response
from pydantic import BaseModel, Field

from churn_mlops.serving.api.refusals import refusing
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.prediction.responses import as_json
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store.figure_rows.figures import has_rows
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement, latest_measurements

DASHBOARD = "Dashboard"
NONE_MEASURED = "nothing was measured yet: run `churn monitor`, or the daily run, which measures at its end"


class Figure(BaseModel):
    """One figure of the dashboard; it names no customer."""

    name: str = Field(description="what is measured, such as `auc`")
    part: str = Field(description="a date, the number of a campaign, a segment or a feature; empty for the whole")
    value: float | None = Field(description="null where there is too little data to say")
    low: float | None = Field(description="lower end of the 95 % interval; null where there is none")
    high: float | None
    numerator: float | None = Field(description="what is counted above the line")
    denominator: float | None = Field(description="what is counted below the line")
    status: Literal["good", "watch", "act", "too_little"]
    is_final: bool = Field(description="false for an estimate: the labels it needs are not final")
    next_step: str = Field(description="what to do next")
    definition: str = Field(description="the page and heading that define the figure")
    rows: str | None = Field(
        description="the path that gives the rows behind the figure; null where the store has none"
    )


class Dashboard(BaseModel):
    """The figures of the newest measurement."""

    measured_on: date
    measured_at: datetime
    figures: list[Figure]


def add_dashboard(app: FastAPI, store: StoreClient) -> None:
    """Add the route.

    Args:
        app: the application.
        store: where measurements are.
    """
    app.get(
        "/api/dashboard",
        summary="Is the model right, and do the offers work?",
        tags=[DASHBOARD],
        response_model=Dashboard,
        responses=refusing({404: "There is none"}),
    )(_Dashboard(store).dashboard)


@dataclass(frozen=True)
class _Dashboard:
    """The route. The name of the method is part of its operation's id."""

    store: StoreClient

    async def dashboard(self) -> Response:
        """Every figure with its interval, what it is made of, its definition, and the rows behind it."""
        found = await self.store.ask(latest_measurements)
        if found is None:
            raise RequestError(404, NONE_MEASURED)
        return Response(as_json(_to_json(found)), media_type="application/json")


def definition_of(name: str) -> str:
    """The page and heading that define the figure ``name``."""
    return f"docs/dashboard.md#{name.replace('_', '-')}"


def rows_behind(one: StoredMeasurement) -> str | None:
    """The path that gives the rows behind a figure, None where the store does not have them."""
    if not has_rows(one):
        return None
    part = {"part": one.part} if one.part else {}
    return f"/api/dashboard/rows?{urlencode({'name': one.name} | part)}"


def _to_json(found: MeasuredDay) -> dict[str, Any]:
    return {
        "measured_on": found.measured_on.isoformat(),
        "measured_at": found.measured_at.isoformat(),
        "figures": [_figure(one) for one in found.figures],
    }


def _figure(one: StoredMeasurement) -> dict[str, Any]:
    figure = asdict(one) | {"definition": definition_of(one.name), "rows": rows_behind(one)}
    del figure["rows_as_of"]
    return figure
