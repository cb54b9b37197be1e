"""``/dashboard``: whether the model is right, whether the offers work, what is at risk, and how the list is used."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.dashboard_view import HEIGHT, WIDTH, dashboard_view
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.store.campaigns.campaigns import campaigns
from churn_mlops.store.measurements import latest_measurements


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
        day, made = await self.facts.ask(lambda opened: (latest_measurements(opened), campaigns(opened)))
        view = None if day is None else dashboard_view(day, made, self.pages.formats)
        return self.pages.page(request, "dashboard", day=day, view=view, width=WIDTH, height=HEIGHT)
