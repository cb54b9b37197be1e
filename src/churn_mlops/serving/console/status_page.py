"""``/status``: the first look of the person on call, with what is late, what that costs, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.responses import Response

from churn_mlops.on_call import ago
from churn_mlops.serving.console.frame.pages import Pages
from churn_mlops.serving.observability.status_reader import StatusReader


@dataclass(frozen=True)
class StatusPage:
    """The route.

    Args:
        pages: makes pages.
        reader: reads how things stand.
    """

    pages: Pages
    reader: StatusReader

    def add_to(self, app: FastAPI) -> None:
        """Add the route."""
        app.get("/status", include_in_schema=False)(self.page)

    async def page(self, request: Request) -> Response:
        """The lines, the most urgent first; while the store is unavailable, those of its last reading."""
        found = await self.reader.status()
        age = None if found.read_at is None else ago(found.asked_at - found.read_at)
        asking = [line for line in found.lines if line.urgency != "ok"]
        fine = [line for line in found.lines if line.urgency == "ok"]
        return self.pages.page(request, "status", found=found, age=age, asking=asking, fine=fine)
