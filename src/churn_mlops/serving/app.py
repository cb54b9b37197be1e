"""The HTTP interface: what a request asks, and what it is answered. A thin skin; all thinking is done elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from starlette.types import Scope

from churn_mlops.config import Settings
from churn_mlops.errors import DataError
from churn_mlops.retention import Economics
from churn_mlops.serving.access.credential_cache import Access
from churn_mlops.serving.access.principal import Caller, caller_of
from churn_mlops.serving.access_control import add_access
from churn_mlops.serving.api.audit import add_audit
from churn_mlops.serving.api.contacts import CONTACTS, add_contacts
from churn_mlops.serving.api.customers import ReadCustomer, Source, add_risk
from churn_mlops.serving.api.direct import Direct, JSONBytes
from churn_mlops.serving.api.openapi import add_documentation
from churn_mlops.serving.api.predictions import add_kept
from churn_mlops.serving.api.response_models import Alive, ModelCard, Readiness
from churn_mlops.serving.api.session import ACCESS
from churn_mlops.serving.fast_path.predict_protocol import AtOnce, Headers
from churn_mlops.serving.http.errors import (
    RequestError,
    error_response,
    http_sentence,
    no_model_error,
    refusal,
    sentence,
    shortened,
)
from churn_mlops.serving.http.request_limits import BODY_SECONDS, Limits
from churn_mlops.serving.model.request_models import (
    PREDICTION_HEADERS,
    BatchPredictions,
    ExplainedPrediction,
    Prediction,
)
from churn_mlops.serving.model.served_model import Live, LiveSource
from churn_mlops.serving.observability.metrics import Metrics
from churn_mlops.serving.observability.request_log import Journal, Observed
from churn_mlops.serving.prediction.parsing import read_batch, read_customer
from churn_mlops.serving.prediction.prediction_log import Keeper, Said, keeper_of, keeping, told_of
from churn_mlops.serving.prediction.responses import (
    as_json,
    batch_body,
    explanation,
    model_card,
    plain_body,
    prediction,
)
from churn_mlops.serving.prediction.suppression import Forgotten
from churn_mlops.serving.resilience.background_tasks import during, repeating
from churn_mlops.serving.resilience.batch_queue import Batches
from churn_mlops.serving.resilience.store_client import StoreLink

TAKE_OVER_SECONDS = 1.0
_JSON = "application/json"
_PREDICTIONS, _STATE = "Predictions", "Server"
_EXPLAIN = {"name": "explain", "in": "query", "schema": {"type": "boolean", "default": False}, "required": False}
_EXPLAIN_HELP = "adds risk_band, reasons, action, model_version and as_of"


def today() -> date:
    """Today in UTC: the as-of date of a customer whose values come with the request."""
    return datetime.now(UTC).date()


def create_app(
    source: LiveSource,
    settings: Settings,
    clock: Callable[[], date] = today,
    *,
    store: StoreLink | None = None,
    access: Access | None = None,
    local_only: bool = True,
    body_seconds: float = BODY_SECONDS,
    read_of_source: ReadCustomer | None = None,
) -> FastAPI:
    """The application.

    Args:
        source: holds the model that is live, and may be given another while requests are answered.
        settings: of the sections ``serving`` and ``decision``.
        clock: gives the as-of date.
        store: what is kept goes there; None keeps nothing.
        access: the keys and sessions that let in; None, for tests and an application within another, asks nobody.
        local_only: the server listens on the loopback address alone: answer only requests whose header ``Host`` names
            this machine (localhost or a loopback address), or one of ``serving.allowed_hosts`` where there are keys.
        body_seconds: how long the body of a request may take to come.
        read_of_source: reads one customer by his name; None tells published scores only.
    """
    app = FastAPI(
        title="churn-mlops",
        description="Who is about to leave, and why.",
        docs_url=None,
        redoc_url=None,
        openapi_tags=[
            {"name": _PREDICTIONS, "description": "Who is about to leave"},
            {"name": CONTACTS, "description": "What customers were offered, and what they said"},
            {"name": ACCESS, "description": "Who may ask, and who did"},
            {"name": _STATE, "description": "What is served, and whether it can be asked"},
        ],
        redirect_slashes=False,  # the redirect would lead wherever the header Host says
        telemetry={"tracing": False, "metrics": False, "logs": False},  # nothing leaves this process unasked
    )
    metrics = Metrics(source)
    if metrics.folder is not None:
        during(app, partial(repeating, metrics.take_over, TAKE_OVER_SECONDS))
    keeper = keeper_of(store, settings.serving.answers_waiting, settings.store.customer_hash_key)
    economics = Economics(**settings.decision.economics())
    app.add_middleware(Direct, routes=app.routes, paths={"/predict"})
    admission = add_access(app, access, store, settings, local_only=local_only)
    app.add_middleware(
        Observed,
        metrics=metrics,
        source=source,
        limits=Limits(
            body_bytes=settings.serving.max_body_bytes,
            body_seconds=body_seconds,
            request_seconds=settings.serving.request_seconds,
            at_once=settings.serving.requests_at_once,
        ),
        local_only=local_only and access is None,  # the gate looks at it itself
    )
    _add_refusals(app)

    @app.post(
        "/predict",
        summary="Is this customer about to leave?",
        tags=[_PREDICTIONS],
        response_model=Prediction | ExplainedPrediction,
        responses=PREDICTION_HEADERS,
        openapi_extra={"parameters": [_EXPLAIN | {"description": _EXPLAIN_HELP}]},
    )
    async def predict(request: Request) -> Response:
        """Whether one customer is about to leave."""
        explain = _asks_why(request)
        id = request.scope["state"]["request_id"]
        return JSONBytes(*said(await request.body(), id, caller_of(request), explain=explain))

    def said(body: bytes, id: str, caller: Caller, *, explain: bool = False) -> tuple[bytes, Headers]:
        live = _live(source)
        row = read_customer(body, live)
        probability = live.predictor.score_one(row)
        as_of = clock().isoformat()
        if explain:
            answer = prediction(probability, live.predictor.threshold)
            answer |= explanation(live, row, probability, economics)
            told = as_json(answer | {"model_version": live.version, "as_of": as_of})
        else:
            told = plain_body(probability, live.predictor.threshold)
        metrics.scored_one(live, probability)
        if keeper is not None:
            keeper.keep(Said(id, time.time(), live, as_of, caller.name, (row,), (told,)))
        return told, _headers(id, live, as_of)

    app.state.at_once = AtOnce(said, admission, Journal(metrics), source, settings.serving.max_body_bytes, local_only)

    batches = Batches()

    @app.post(
        "/predict/batch",
        summary="The same of many customers",
        tags=[_PREDICTIONS],
        response_model=BatchPredictions,
        responses=PREDICTION_HEADERS,
    )
    async def predict_batch(request: Request) -> Response:
        """Whether each of several customers is about to leave; all are answered or none."""
        live, as_of = _live(source), clock().isoformat()
        body = await request.body()
        # A thread: thousands of customers would hold up everyone who asks about one.
        rows, told = await batches.do(partial(_predict_batch, body, live, metrics))
        _keep(keeper, request, live, as_of, rows, told, batch=True)
        return JSONBytes(batch_body(told), _headers(request.scope["state"]["request_id"], live, as_of))

    _add_state(app, source, metrics, keeper)
    if keeper is not None:
        forgotten = Forgotten(keeper.store, settings.store.customer_hash_key, settings.store.tombstones)
        during(app, forgotten.running)
        _add_kept(app, keeper, metrics, forgotten)
        add_audit(app, keeper.store, settings.store.customer_hash_key)
        customers = Source(read_of_source, settings.serving.source_seconds)
        add_risk(app, partial(_live, source), customers, keeper.store, economics, partial(_keep, keeper), forgotten)
    add_documentation(app, source)  # last: a request is held against the routes in their order
    return app


def _add_state(app: FastAPI, source: LiveSource, metrics: Metrics, keeper: Keeper | None) -> None:
    """Add the routes that tell of the server."""

    @app.get("/model", summary="The model that is live", tags=[_STATE], response_model=ModelCard)
    async def model() -> Response:
        """The model that is live: its version, what it takes, and what was noted at its promotion."""
        return Response(as_json(model_card(_live(source))), media_type=_JSON)

    @app.get("/health", summary="Alive", tags=[_STATE], response_model=Alive)
    async def health() -> dict[str, str]:
        """Whether the process is alive."""
        return {"status": "alive"}

    @app.get(
        "/ready",
        summary="Ready for requests",
        tags=[_STATE],
        response_model=Readiness,
    )
    async def ready() -> Response:
        """Whether requests should be sent here: not without a model, nor while shutting down.

        A store that is away is told, but is no reason: scores are answered without it.
        """
        if source.draining:
            raise RequestError(503, "the server is shutting down")
        told = {"status": "ready", "model_version": _live(source).version} | source.remarks | told_of(keeper)
        return Response(as_json(told), media_type=_JSON)

    for path, answers in [("/health", health), ("/ready", ready)]:  # load balancers ask with HEAD
        app.head(path, include_in_schema=False)(answers)

    @app.get("/metrics", summary="Counters for Prometheus", tags=[_STATE], response_class=PlainTextResponse)
    async def prometheus() -> Response:
        """What was asked, answered and kept, and how long it took."""
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_kept(app: FastAPI, keeper: Keeper, metrics: Metrics, forgotten: Forgotten) -> None:
    metrics.follow_count("churn_answers_kept", "Answers that are in the store", lambda: keeper.kept)
    metrics.follow_count("churn_answers_dropped", "Answers that were not kept", lambda: keeper.dropped)
    metrics.follow_level("churn_answers_waiting", "Answers that wait for the store", lambda: keeper.waiting)
    during(app, partial(keeping, keeper))
    add_kept(app, keeper.store)
    add_contacts(app, keeper.store, forgotten=forgotten)


def _keep(
    keeper: Keeper | None,
    request: Request,
    live: Live,
    as_of: str,
    rows: Sequence[Mapping[str, Any]],
    told: Sequence[bytes],
    batch: bool = False,
    customer: str | None = None,
) -> None:
    if keeper is not None:
        id = request.scope["state"]["request_id"]
        keeper.keep(Said(id, time.time(), live, as_of, caller_of(request).name, rows, told, batch, customer))


def _predict_batch(body: bytes, live: Live, metrics: Metrics) -> tuple[list[dict[str, Any]], list[bytes]]:
    """The customers, and what is said of each."""
    rows = read_batch(body, live)
    probabilities = live.predictor.score(rows).tolist()
    metrics.scored(live, probabilities)
    threshold = live.predictor.threshold
    return rows, [plain_body(probability, threshold) for probability in probabilities]


def _live(source: LiveSource) -> Live:
    live = source.current
    if live is None:
        raise no_model_error()
    return live


def _asks_why(request: Request) -> bool:
    """The value of ``explain``. Read by hand: a declared parameter would double the time of a plain request."""
    query = request.scope["query_string"]
    if not query:
        return False
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    problems = [
        (shortened(name), "is not a parameter; there is only explain") for name, _ in given if name != "explain"
    ]
    values = {value.lower() for name, value in given if name == "explain"}
    if len(values) > 1 or values - {"true", "false", "1", "0"}:
        problems.append(("explain", "must be true or false"))
    if problems:
        raise RequestError(422, sentence(problems), problems)
    return values <= {"true", "1"} and bool(values)


def _headers(id: str, live: Live, as_of: str) -> Headers:
    return (
        (b"x-model-version", live.version.encode("latin-1")),
        (b"x-prediction-id", id.encode()),
        (b"x-as-of", as_of.encode()),
    )


def _add_refusals(app: FastAPI) -> None:
    """Answer every refusal in the one shape; a fault that is none of these is answered by :class:`Observed`."""

    @app.exception_handler(RequestError)
    @app.exception_handler(DataError)
    async def refused(request: Request, error: RequestError | DataError) -> Response:
        return refusal(error, request.scope["state"]["request_id"])

    @app.exception_handler(RequestValidationError)
    async def bad_parameter(request: Request, error: RequestValidationError) -> Response:
        problems = [(str(item["loc"][-1]), str(item["msg"])) for item in error.errors()]
        return error_response(422, sentence(problems), request.scope["state"]["request_id"], problems)

    @app.exception_handler(HTTPException)
    async def http_refusal(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            # The framework tells the methods of the first route of this address alone.
            headers["Allow"] = ", ".join(_methods_of(app, request.scope))
        told = http_sentence(error.status_code, headers.get("Allow"))
        return error_response(error.status_code, told, request.scope["state"]["request_id"], headers=headers)


def _methods_of(app: FastAPI, scope: Scope) -> list[str]:
    here = [route for route in app.routes if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE]
    return sorted({method for route in here for method in route.methods or ()})
