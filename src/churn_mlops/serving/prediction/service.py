"""The one way to predict: the standard path, the fast path, batches and ``/risk`` ask the same service."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import to_json
from starlette.requests import Request

from churn_mlops.retention import Economics
from churn_mlops.serving.access.principal import principal_of
from churn_mlops.serving.http.errors import no_model_error
from churn_mlops.serving.model.served_model import ModelSlot, ServedModel
from churn_mlops.serving.observability.prometheus_metrics import Metrics
from churn_mlops.serving.prediction.parsing import read_batch, read_customer
from churn_mlops.serving.prediction.prediction_logger import PredictionLogger
from churn_mlops.serving.prediction.responses import as_json, batch_body, explanation, plain_body, prediction
from churn_mlops.store.prediction_log import PredictionRecord

Headers = Sequence[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """The answer of a prediction: its ``body``, JSON, and its ``headers``, names in small letters."""

    body: bytes
    headers: Headers


class Asked(NamedTuple):
    """The facts of a request that a prediction record keeps.

    Args:
        id: becomes the prediction ID.
        caller: the principal that asks.
        trace_id: of the trace that the request belongs to.
    """

    id: str
    caller: str
    trace_id: str | None = None


class PredictionService:
    """Predicts with the model that is live, counts, and logs.

    Args:
        slot: holds the model that is live; another one may take its place between two requests.
        economics: decides about an offer.
        metrics: counts scores.
        logger: takes the records; None keeps none.
        today: gives the as-of date of customers whose values come with the request.
    """

    def __init__(
        self,
        slot: ModelSlot,
        economics: Economics,
        metrics: Metrics,
        logger: PredictionLogger | None,
        today: Callable[[], date],
    ) -> None:
        self._slot, self._metrics, self._logger, self._today = slot, metrics, logger, today
        self.economics = economics

    @property
    def model(self) -> ServedModel:
        """The model that is live.

        Raises:
            RequestError: there is none.
        """
        model = self._slot.current
        if model is None:
            raise no_model_error()
        return model

    def predict_one(self, body: bytes, asked: Asked, *, explain: bool = False) -> Answer:
        """Predict for the customer in ``body``.

        Args:
            body: of the request, JSON.
            asked: what is recorded of the request.
            explain: add the risk band, the reasons and the action.

        Raises:
            RequestError: no model is live, or the body is not a customer.
        """
        model, as_of = self.model, self._today()
        customer = read_customer(body, model)
        probability = model.predictor.score_one(customer)
        threshold = model.predictor.threshold
        if explain:
            answer = prediction(probability, threshold) | explanation(model, customer, probability, self.economics)
            answer_body = as_json(answer | {"model_version": model.version, "as_of": as_of.isoformat()})
        else:
            answer_body = plain_body(probability, threshold)
        self._metrics.scored_one(model, probability)
        self.log(model, as_of, asked, {asked.id: (customer, answer_body)})
        return Answer(answer_body, headers_of(asked.id, model, as_of))

    def predict_batch(self, body: bytes, asked: Asked) -> Answer:
        """Predict for each customer in ``body``: all or none. Takes long, and may run on any thread.

        Raises:
            RequestError: no model is live, or the body is not a batch of customers.
        """
        model, as_of = self.model, self._today()
        customers = read_batch(body, model)
        probabilities = model.predictor.score(customers).tolist()
        self._metrics.scored(model, probabilities)
        bodies = [plain_body(probability, model.predictor.threshold) for probability in probabilities]
        parts = enumerate(zip(customers, bodies, strict=True))
        self.log(model, as_of, asked, {f"{asked.id}-{place}": part for place, part in parts})
        return Answer(batch_body(bodies), headers_of(asked.id, model, as_of))

    def log(
        self,
        model: ServedModel,
        as_of: date,
        asked: Asked,
        predictions: Mapping[str, tuple[Mapping[str, Any], bytes]],
        customer_id: str | None = None,
    ) -> None:
        """Log the predictions of one request.

        Args:
            model: the model that predicted.
            as_of: the as-of date in the answer.
            asked: what is recorded of the request.
            predictions: by prediction ID, the fields of the customer and the answer about them, JSON.
            customer_id: the customer, where the ID is known.
        """
        if self._logger is None:
            return
        at, version, sha256 = datetime.now(UTC), model.version, model.sha256
        records = []
        for id, (fields, answer) in predictions.items():
            inputs = to_json(fields, inf_nan_mode="null").decode()
            records.append(
                PredictionRecord(
                    id, at, as_of, version, sha256, asked.caller, customer_id, inputs, answer.decode(), asked.trace_id
                )
            )
        self._logger.log(records)


def asked_by(request: Request) -> Asked:
    """The facts of ``request`` that a prediction record keeps."""
    state = request.scope["state"]
    return Asked(state["prediction_id"], principal_of(request).name, state["trace_id"])


def headers_of(prediction_id: str, model: ServedModel, as_of: date) -> Headers:
    """The headers of an answer that was predicted now."""
    version, day = _encoded(model.version, as_of)
    return (b"x-model-version", version), (b"x-prediction-id", prediction_id.encode()), (b"x-as-of", day)


@lru_cache(maxsize=8)  # the same for thousands of answers
def _encoded(version: str, as_of: date) -> tuple[bytes, bytes]:
    return version.encode("latin-1"), as_of.isoformat().encode()
