"""``/models``: the model that is live, and what was live when."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.serving.console.customer_facts import StoreFacts
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.console.models_view import METRICS, models_view
from churn_mlops.serving.prediction.responses import model_card
from churn_mlops.serving.prediction.service import PredictionService
from churn_mlops.store.deployments import Deployments


@dataclass(frozen=True)
class ModelsPage:
    """The route.

    Args:
        pages: makes pages.
        facts: reads the store.
        service: has the model that is live.
    """

    pages: Pages
    facts: StoreFacts
    service: PredictionService

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        app.get("/models", include_in_schema=False)(self.page)

    async def page(self, request: Request) -> Response:
        """The deployments, the latest first, with the card of the model that is live."""
        history, provenance = await self.facts.ask(
            lambda opened: (Deployments(opened).history(), Deployments(opened).provenance())
        )
        live = self.service.model
        models = models_view(history, provenance, live.version)
        return self.pages.page(request, "models", models=models, card=model_card(live), metrics=METRICS)
