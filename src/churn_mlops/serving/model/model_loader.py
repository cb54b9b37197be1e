"""From a deployment to a model that serves: tried out before any request reaches it, within limits of time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from churn_mlops.config import Settings
from churn_mlops.deployment import Deployment, StoredBundle
from churn_mlops.errors import BundleError
from churn_mlops.models.bundle_cache import LiveModel, read_model
from churn_mlops.models.inference import Bands, ChurnPredictor
from churn_mlops.serving.model.served_model import ServedModel

Answer = TypeVar("Answer")
_TIMED_ROUNDS = 3


class SlowBundleError(BundleError):
    """A bundle takes too long to load or to score."""


def served_model_of(model: LiveModel, settings: Settings) -> ServedModel:
    """``model`` ready to serve.

    Raises:
        BundleError: it does not give its own recorded scores.
    """
    decision = settings.decision
    bands = Bands(medium_from=decision.medium_from, high_from=decision.high_from)
    return ServedModel(
        predictor=ChurnPredictor(model.bundle, threshold=decision.threshold, bands=bands),
        version=model.version,
        live_from=model.live_from,
        model_type=model.bundle.model_type,
        provenance=model.provenance,
        max_batch_rows=settings.serving.max_batch_rows,
        sha256=model.bundle.sha256,
    )


def try_out(deployment: Deployment, stored: StoredBundle, settings: Settings) -> ServedModel:
    """The model of ``deployment``, after it loaded and scored in time; no caller waits longer than the limit.

    Raises:
        SlowBundleError: loading takes more than ``serving.champion_load_seconds``, or scoring a customer more than
            ``serving.champion_score_ms``.
        BundleError: the bundle cannot be trusted, or does not give its own recorded scores.
    """
    limit = settings.serving.champion_load_seconds
    try:
        return within(limit, lambda: _tried_out(deployment, stored, settings))
    except TimeoutError:
        raise SlowBundleError(
            f"the model bundle of version {deployment.version} was not ready in {limit:g} seconds "
            "(serving.champion_load_seconds)"
        ) from None


def within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """Run ``work`` on a thread and give its result; after ``seconds`` it is abandoned, and its result is ignored.

    Raises:
        TimeoutError: it has not ended by then.
    """
    outcome: Future[Answer] = Future()

    def run() -> None:
        try:
            outcome.set_result(work())
        except Exception as error:  # raised again on the thread that waits
            outcome.set_exception(error)

    until = time.monotonic() + seconds
    threading.Thread(target=run, daemon=True).start()
    wait([outcome], timeout=seconds)
    if not outcome.done() or time.monotonic() > until:
        raise TimeoutError(f"not done in {seconds:g} seconds")
    return outcome.result()


def _tried_out(deployment: Deployment, stored: StoredBundle, settings: Settings) -> ServedModel:
    where = f"the bundle of version {deployment.version}"
    served = served_model_of(read_model(deployment, stored, where), settings)
    customers = [check["customer"] for check in served.predictor.bundle.checks]
    # The first use builds caches: it happens now, so that the first requests find them.
    served.predictor.score(customers)
    served.predictor.explain_one(customers[0])
    milliseconds = min(_seconds_a_customer(served, customers) for _ in range(_TIMED_ROUNDS)) * 1e3
    if milliseconds > settings.serving.champion_score_ms:
        raise SlowBundleError(
            f"{where} takes {milliseconds:.1f} ms to score a customer; serving.champion_score_ms is "
            f"{settings.serving.champion_score_ms:g}"
        )
    return served


def _seconds_a_customer(served: ServedModel, customers: list[dict[str, object]]) -> float:
    start = time.perf_counter()
    for customer in customers:
        served.predictor.score_one(customer)
    return (time.perf_counter() - start) / len(customers)
