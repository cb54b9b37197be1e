"""The application: the routes of ``/predict``, and the wiring of all other parts. All thinking is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated

from fastapi import FastAPI, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from churn_mlops.config import Settings
from churn_mlops.retention import Economics
from churn_mlops.serving.access.authentication import Authenticator
from churn_mlops.serving.access.credential_cache import CredentialCache
from churn_mlops.serving.access.principal import LOCAL
from churn_mlops.serving.access_control import Access, add_access
from churn_mlops.serving.api.audit import add_audit
from churn_mlops.serving.api.campaigns import CAMPAIGNS, CampaignBook, add_campaigns
from churn_mlops.serving.api.contact_import import add_contact_import
from churn_mlops.serving.api.contacts import CONTACTS, ContactRecorder, add_contacts
from churn_mlops.serving.api.customers import CustomerRisks, ReadCustomer, Source, add_risk
from churn_mlops.serving.api.dashboard import DASHBOARD, add_dashboard
from churn_mlops.serving.api.figure_rows import FigureRowsReader, add_figure_rows
from churn_mlops.serving.api.models import MODELS, add_models
from churn_mlops.serving.api.openapi import add_documentation
from churn_mlops.serving.api.predictions import add_kept
from churn_mlops.serving.api.session import ACCESS
from churn_mlops.serving.api.status import STATUS, add_on_call, add_status
from churn_mlops.serving.api.timeline import TIMELINE, add_timeline
from churn_mlops.serving.api.work_list.list_desk import ListDesk
from churn_mlops.serving.api.work_list.work_list import WORK, add_work_list
from churn_mlops.serving.console.routes import ConsoleParts, add_console
from churn_mlops.serving.fast_path.predict_protocol import FastPath
from churn_mlops.serving.http.error_handlers import ONE_EACH, add_error_handlers
from churn_mlops.serving.http.request_limits import BODY_SECONDS, Limits
from churn_mlops.serving.model.model_book import ModelBook
from churn_mlops.serving.model.request_models import (
    PREDICTION_HEADERS,
    BatchPredictions,
    ExplainedPrediction,
    Prediction,
)
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.observability.request_log import UNKNOWN_CALLER, RequestLog, RequestMiddleware
from churn_mlops.serving.observability.span_export import SpanExport, exporting
from churn_mlops.serving.observability.status_reader import StatusReader
from churn_mlops.serving.observability.store_metrics import StoreMetrics
from churn_mlops.serving.observability.store_reader import EVERY_SECONDS, StoreReader
from churn_mlops.serving.prediction.offers import Offers
from churn_mlops.serving.prediction.prediction_logger import PredictionLogger, prediction_logging
from churn_mlops.serving.prediction.service import Answer, PredictionService, asked_by
from churn_mlops.serving.prediction.suppression import SuppressionCheck
from churn_mlops.serving.resilience.background_tasks import refreshing, repeating, run_during_lifespan
from churn_mlops.serving.resilience.batch_queue import BatchQueue
from churn_mlops.serving.resilience.store_client import StoreClient

TAKE_OVER_SECONDS = 1.0
_PREDICTIONS = "Predictions"
_TAGS = [
    {"name": _PREDICTIONS, "description": "Who is about to leave"},
    {"name": CONTACTS, "description": "What customers were offered, and what they said"},
    {"name": TIMELINE, "description": "What happened with a customer, notes, and who must not be contacted"},
    {"name": WORK, "description": "Today's contact list, and the work on it"},
    {"name": CAMPAIGNS, "description": "Offers to some customers over some time, with a control group"},
    {"name": DASHBOARD, "description": "Whether the model is right, and whether offers work"},
    {"name": MODELS, "description": "Which version is live, and how another one goes live"},
    {"name": ACCESS, "description": "Who may ask, and who did"},
    {"name": STATUS, "description": "What is served, and whether it can be asked"},
]


@dataclass(frozen=True)
class Application:
    """An application, and the fast path that answers plain predictions before they reach it."""

    app: FastAPI
    fast_path: FastPath


class PredictQuery(BaseModel):
    """The query of ``/predict``."""

    model_config = ConfigDict(extra="forbid")

    explain: bool = Field(False, description="adds risk_band, reasons, action, model_version and as_of")


def today() -> date:
    """Today in UTC: the as-of date of a customer whose values come with the request."""
    return datetime.now(UTC).date()


def create_app(
    source: ModelSlot,
    settings: Settings,
    clock: Callable[[], date] = today,
    *,
    store: StoreClient | None = None,
    access: CredentialCache | None = None,
    local_only: bool = True,
    body_seconds: float = BODY_SECONDS,
    read_of_source: ReadCustomer | None = None,
) -> FastAPI:
    """The application alone; :func:`create_application` describes the arguments."""
    return create_application(
        source,
        settings,
        clock,
        store=store,
        access=access,
        local_only=local_only,
        body_seconds=body_seconds,
        read_of_source=read_of_source,
    ).app


def create_application(
    source: ModelSlot,
    settings: Settings,
    clock: Callable[[], date] = today,
    *,
    store: StoreClient | None = None,
    access: CredentialCache | None = None,
    local_only: bool = True,
    body_seconds: float = BODY_SECONDS,
    read_of_source: ReadCustomer | None = None,
) -> Application:
    """The application with its fast path.

    Args:
        source: holds the model that is live; another model may take its place while requests are answered.
        settings: of the sections ``serving``, ``store`` and ``decision``.
        clock: gives the as-of date.
        store: the operational store; None logs no prediction and has no route that needs it.
        access: the valid keys and sessions; None, for tests and an application within another, asks for none.
        local_only: the server listens on the loopback address alone: answer only requests whose header ``Host`` names
            this machine (localhost or a loopback address), or one of ``serving.allowed_hosts`` where there are keys.
        body_seconds: longest time for the body of a request to arrive, in seconds.
        read_of_source: reads one customer by ID; None answers with published scores only.
    """
    app = _bare_app()
    metrics = Metrics(source, settings.serving.workers)
    if metrics.folder is not None:
        run_during_lifespan(app, partial(repeating, metrics.take_over, TAKE_OVER_SECONDS))
    request_log = RequestLog(metrics, _spans(app, settings))
    logger = _prediction_logger(store, settings)
    service = PredictionService(source, Economics(**settings.decision.economics()), metrics, logger, clock)
    controlled = add_access(app, access, store, settings, local_only=local_only)
    authenticator = None if controlled is None else controlled.authenticator
    app.add_middleware(
        RequestMiddleware,
        request_log=request_log,
        source=source,
        limits=Limits(
            body_bytes=settings.serving.max_body_bytes,
            body_seconds=body_seconds,
            request_seconds=settings.serving.request_seconds,
            most_requests=settings.serving.requests_at_once,
        ),
        local_only=local_only and access is None,  # the access middleware checks it itself
        routes=app.routes,
        caller=LOCAL.name if access is None else UNKNOWN_CALLER,
    )
    add_error_handlers(app)
    _add_predict(app, service)
    add_status(app, service, source, metrics, logger, access)
    if logger is not None:
        store_reader = StoreReader(logger.store)
        metrics.add(StoreMetrics(store_reader))
        run_during_lifespan(app, partial(refreshing, store_reader.refresh, EVERY_SECONDS))
        reader = Source(read_of_source, settings.serving.source_seconds)
        run_during_lifespan(app, partial(reader.preparing, source))
        status = StatusReader(store_reader, source, metrics, settings)
        _add_store_routes(app, service, logger, metrics, settings, reader, status, controlled)
    add_documentation(app, source)  # last: a request is matched against the routes in their order
    return Application(app, _fast_path(service, authenticator, request_log, source, settings, local_only))


def _bare_app() -> FastAPI:
    return FastAPI(
        title="churn-mlops",
        description="Customers who are about to leave, and why.",
        docs_url=None,
        redoc_url=None,
        openapi_tags=_TAGS,
        redirect_slashes=False,  # the redirect would lead wherever the header Host says
        telemetry={"tracing": False, "metrics": False, "logs": False},  # nothing leaves this process unasked
    )


def _spans(app: FastAPI, settings: Settings) -> SpanExport | None:
    """Sends spans as long as ``app`` runs; None where the settings name no collector."""
    if settings.serving.traces_url is None:
        return None
    spans = SpanExport(settings.serving.traces_url)
    run_during_lifespan(app, partial(exporting, spans))
    return spans


def _prediction_logger(store: StoreClient | None, settings: Settings) -> PredictionLogger | None:
    if store is None:
        return None
    return PredictionLogger(store, settings.serving.answers_waiting, hash_key=settings.store.customer_hash_key)


def _fast_path(
    service: PredictionService,
    authenticator: Authenticator | None,
    request_log: RequestLog,
    slot: ModelSlot,
    settings: Settings,
    local_only: bool,
) -> FastPath:
    limit = settings.serving.max_body_bytes
    return FastPath(service.predict_one, authenticator, request_log, slot, limit, local_only)


def _add_predict(app: FastAPI, service: PredictionService) -> None:
    batches = BatchQueue()

    @app.post(
        "/predict",
        summary="Is this customer about to leave?",
        tags=[_PREDICTIONS],
        response_model=Prediction | ExplainedPrediction,
        responses=PREDICTION_HEADERS,
        dependencies=ONE_EACH,
    )
    async def predict(request: Request, query: Annotated[PredictQuery, Query()]) -> Response:
        """Whether one customer is about to leave."""
        body = await request.body()
        return _response(service.predict_one(body, asked_by(request), explain=query.explain))

    @app.post(
        "/predict/batch",
        summary="The same of many customers",
        tags=[_PREDICTIONS],
        response_model=BatchPredictions,
        responses=PREDICTION_HEADERS,
    )
    async def predict_batch(request: Request) -> Response:
        """Whether each of several customers is about to leave; all are answered or none."""
        body = await request.body()
        # A thread: thousands of customers would hold up all other requests.
        return _response(await batches.do(partial(service.predict_batch, body, asked_by(request))))


def _add_store_routes(
    app: FastAPI,
    service: PredictionService,
    logger: PredictionLogger,
    metrics: Metrics,
    settings: Settings,
    source: Source,
    status: StatusReader,
    access: Access | None,
) -> None:
    metrics.follow_count("churn_answers_kept", "Predictions in the prediction log", lambda: logger.stats.kept)
    metrics.follow_count("churn_answers_dropped", "Predictions that were not logged", lambda: logger.stats.dropped)
    metrics.follow_level(
        "churn_answers_waiting", "Predictions that wait for the prediction log", lambda: logger.stats.waiting
    )
    suppression = SuppressionCheck(logger.store, settings.store.customer_hash_key, settings.store.tombstones)
    run_during_lifespan(app, suppression.running)
    run_during_lifespan(app, partial(prediction_logging, logger))
    offers = Offers(settings.decision)
    add_kept(app, logger.store, offers)
    recorder = ContactRecorder(logger.store, suppression=suppression, follow_days=settings.decision.follow_days)
    add_contacts(app, recorder)
    add_contact_import(app, logger.store, suppression, settings.decision.follow_days)
    add_timeline(app, logger.store, suppression)
    book = CampaignBook(logger.store)
    add_campaigns(app, book)
    add_dashboard(app, logger.store)
    figure_rows = FigureRowsReader(logger.store, settings)
    add_figure_rows(app, figure_rows)
    models = ModelBook(logger.store)
    add_models(app, models)
    desk = ListDesk(offers, suppression, service, has_proxy=settings.serving.proxy_user_header is not None)
    add_work_list(app, logger.store, desk)
    add_on_call(app, status)
    add_audit(app, logger.store, settings.store.customer_hash_key)
    risks = CustomerRisks(service, source, logger.store, suppression, offers)
    add_risk(app, risks)
    sign_in, administration = (None, None) if access is None else (access.sign_in, access.administration)
    parts = ConsoleParts(
        settings, service, risks, recorder, book, desk, models, figure_rows, status, sign_in, administration
    )
    add_console(app, parts)  # after the longer address of add_risk


def _response(answer: Answer) -> Response:
    response = Response(answer.body, media_type="application/json")
    response.raw_headers.extend(answer.headers)
    return response
