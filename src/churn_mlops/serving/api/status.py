"""The routes about the server: ``/model``, ``/health``, ``/ready``, ``/metrics``, ``/api/status``."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response

from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.api.response_models import Alive, ModelCard, Readiness, Standing
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.observability.status_reader import StatusReader
from churn_mlops.serving.prediction.prediction_logger import PredictionLogger, readiness_of
from churn_mlops.serving.prediction.responses import as_json, model_card
from churn_mlops.serving.prediction.service import PredictionService

STATUS = "Server"
_JSON = "application/json"


def add_status(
    app: FastAPI,
    service: PredictionService,
    slot: ModelSlot,
    metrics: Metrics,
    logger: PredictionLogger | None,
    access: CredentialCache | None,
) -> None:
    """Add the routes.

    Args:
        app: the application.
        service: has the model that is live.
        slot: says whether the server is draining, and gives the remarks of ``/ready``.
        metrics: the text of ``/metrics``.
        logger: the prediction log, whose state ``/ready`` shows; None where there is no store.
        access: the keys and sessions, without which no request is let in; None asks for none.
    """

    @app.get("/model", summary="The model that is live", tags=[STATUS], response_model=ModelCard)
    async def model() -> Response:
        """The model that is live: its version, its features, and the facts recorded at its promotion."""
        return Response(as_json(model_card(service.model)), media_type=_JSON)

    @app.get("/health", summary="Alive", tags=[STATUS], response_model=Alive)
    async def health() -> dict[str, str]:
        """Whether the process is alive."""
        return {"status": "alive"}

    @app.get("/ready", summary="Ready for requests", tags=[STATUS], response_model=Readiness)
    async def ready() -> Response:
        """Whether requests should be sent here: not without a model or valid keys, nor while shutting down.

        A store that becomes unavailable is shown, but the server stays ready while it knows the keys: predictions are
        answered without the store. A server that never read them, or not for 10 minutes, would refuse every request.
        """
        if slot.draining:
            raise RequestError(503, "the server is shutting down")
        if access is not None and not await access.can_let_in():
            raise RequestError(503, "the store did not say which keys are valid: no request is let in")
        body = {"status": "ready", "model_version": service.model.version} | slot.remarks | readiness_of(logger)
        return Response(as_json(body), media_type=_JSON)

    for path, answers in [("/health", health), ("/ready", ready)]:  # load balancers ask with HEAD
        app.head(path, include_in_schema=False)(answers)

    @app.get("/metrics", summary="Counters for Prometheus", tags=[STATUS], response_class=PlainTextResponse)
    async def prometheus(request: Request) -> Response:
        """Requests, scores and logged predictions of this server; runs, jobs and figures as the store knows them."""
        page, media_type = metrics.page(request.headers.get("accept", ""))
        return Response(page, media_type=media_type)


def add_on_call(app: FastAPI, reader: StatusReader) -> None:
    """Add the route for the person on call.

    Args:
        app: the application.
        reader: reads how things stand.
    """

    @app.get("/api/status", summary="What is late, what it costs, what to do", tags=[STATUS], response_model=Standing)
    async def standing() -> Response:
        """The lines of `churn status`, the most urgent first. It answers while the store is unavailable, too.

        `ok` is false then, a line says why the store gave no answer, and the others are those of its last reading.
        """
        found = await reader.status()
        body = {
            "ok": not found.pages,
            "lines": [asdict(line) for line in found.lines],
            "read_at": None if found.read_at is None else found.read_at.isoformat(),
            "is_store_there": found.is_store_there,
            "model_version": found.model_version,
            "serves_champion": found.serves_champion,
            "processes": found.processes,
            "processes_wanted": found.processes_wanted,
            "package_version": found.package_version,
        }
        return Response(as_json(body), media_type=_JSON)
