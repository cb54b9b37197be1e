"""The logged requests of the last days, answered once more by the version in the shadow.

No request waits for it, and none can fail because of it: the answers are made afterwards, from the prediction log.
"""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta

from pydantic import ValidationError

from churn_mlops.data.contract.customer_body import customer_body
from churn_mlops.errors import BundleError, DataError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.monitoring import Measurement
from churn_mlops.monitoring.shadow_requests import Replay, shadow_requests
from churn_mlops.pipelines.deployment.shadow import Shadow
from churn_mlops.store import Store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.prediction_log import answered_since

DAYS = 7
MOST = 5_000
"""Most requests that are answered once more, the newest: some seconds of work."""


def requests_in_shadow(
    store: Store, shadow: Shadow, champion_sha256: str, threshold: float, now: datetime
) -> list[Measurement]:
    """The figures of the requests that a version in the shadow would have answered.

    Args:
        store: holds its bundle, and the prediction log.
        shadow: the version.
        champion_sha256: hash of the bundle that answered.
        threshold: score from which a customer counts as leaving.
        now: the present, with a time zone.

    Raises:
        StoreError: the store fails.
    """
    try:
        content = Deployments(store).bundle(shadow.sha256).content
        predictor = ChurnPredictor(Bundle.from_bytes(content, f"the bundle of version {shadow.version}"))
    except BundleError:  # the run said so: shadow_not_scored
        return []
    body, began = customer_body(predictor.contract), time.perf_counter()
    requests = refused = changed = 0
    for inputs, answer in answered_since(store, champion_sha256, now - timedelta(days=DAYS), MOST):
        requests += 1
        try:
            fields = json.loads(inputs)
            # A field that a caller left out was logged as null, and they may leave it out again.
            sent = {name: value for name, value in fields.items() if value is not None or name in body.features}
            score = predictor.score_one(body.model_validate_json(json.dumps(sent)).row())
        except (ValidationError, DataError):
            refused += 1
        else:
            # Not the verdict that was logged: the threshold may have been another then.
            changed += (score >= threshold) != (json.loads(answer)["churn_probability"] >= threshold)
    return shadow_requests(shadow.version, Replay(requests, refused, changed, time.perf_counter() - began))
