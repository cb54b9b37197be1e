"""The first model version of the demo company: trained half a year ago on fewer tables."""

from __future__ import annotations

import json
import tempfile
from datetime import date, datetime
from pathlib import Path

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.deployment import StoredBundle
from churn_mlops.models.promotion import promote
from churn_mlops.pipelines.onboarding.demo import FIRST_REASON
from churn_mlops.pipelines.training.context import training_context
from churn_mlops.pipelines.training.evaluate import evaluate
from churn_mlops.pipelines.training.fit import fit
from churn_mlops.pipelines.training.prepare import prepare
from churn_mlops.pipelines.training.promotion_gate import decide_promotion
from churn_mlops.pipelines.training.record import record
from churn_mlops.store import open_store
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.model_versions import ModelVersions

MODEL_TYPE = "logistic_regression"
"""The type that is fitted fastest."""
SNAPSHOTS = 1
UNREAD = ("usage", "tickets")
"""The tables that the company did not load yet."""


def deploy_past_model(settings: Settings, day: date, then: datetime) -> None:
    """Train a model on labels that were final on ``day``, record it as a version, and make it live from ``then`` on.

    Args:
        settings: of the demo; no model is live.
        day: the day on which it was trained.
        then: the time at which it went live, with a time zone.

    Raises:
        ChurnError: the source, MLflow or the store fails, or no label was final.
    """
    with tempfile.TemporaryDirectory() as folder:
        context = training_context(_as_then(settings, Path(folder)))
        prepared = prepare(context, day, strict=False)
        candidate = evaluate(context, prepared, fit(context, prepared))
    run = record(context, candidate, decide_promotion(candidate, None, context.promotion, then, FIRST_REASON), then)
    bundle, version, made = candidate.bundle, str(run.version), run.provenance.to_dict()
    stored = StoredBundle(bundle.sha256, bundle.to_bytes(), made)
    with open_store(settings.store.url) as store:
        ModelVersions(store, lambda: then).register(stored, version=version, model_type=bundle.model_type)
        promote(Deployments(store, lambda: then), stored, version=version, reason=FIRST_REASON)


def _as_then(settings: Settings, folder: Path) -> Settings:
    """The settings of that time, with a contract in ``folder``."""
    contract = load_contract(settings.contract.path)
    if not isinstance(contract, HistoryContract):
        raise TypeError("the demo company has a history")
    features = {name: one for name, one in contract.features.items() if one.reads[0] not in UNREAD}
    path = folder / "contract.yaml"
    write_atomic(path, json.dumps(contract.model_copy(update={"features": features}).to_dict()).encode())
    changed = {
        "contract": {"path": path},
        "source": {"as_of": "today"},
        "training": {"model_type": MODEL_TYPE, "snapshots": SNAPSHOTS},
    }
    return settings.model_copy(
        update={name: getattr(settings, name).model_copy(update=values) for name, values in changed.items()}
    )
