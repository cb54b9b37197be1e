"""``/dashboard``: whether the model is right, whether the offers work, what is at risk, and how the list is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.dashboard_chart import BOTTOM, HEIGHT, LEFT, RIGHT, WIDTH
from churn_mlops.serving.console.dashboard_view import dashboard_view
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.store import Store
from churn_mlops.store.campaigns.campaigns import Campaign, campaigns
from churn_mlops.store.measurements import MeasuredDay, latest_measurements
from churn_mlops.store.scoring.runs import latest_run

_SIZES = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "bottom": BOTTOM}


@dataclass(frozen=True)
class DashboardPage:
    """The route.

    Args:
        pages: makes pages.
        facts: reads the store.
    """

    pages: Pages
    facts: StoreFacts

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        app.get("/dashboard", include_in_schema=False)(self.page)

    async def page(self, request: Request) -> Response:
        """The figures of the newest measurement."""
        day, made, newest = await self.facts.ask(_read)
        today = datetime.now(UTC).date()
        view = None if day is None else dashboard_view(day, made, self.pages.formats, today, newest)
        names = [key.removeprefix("figures.") for key in self.pages.texts.by_key if key.startswith("figures.")]
        return self.pages.page(request, "dashboard", day=day, view=view, sizes=_SIZES, names=names)


def _read(opened: Store) -> tuple[MeasuredDay | None, list[Campaign], date | None]:
    newest = latest_run(opened)
    return latest_measurements(opened), campaigns(opened), None if newest is None else newest.as_of
