"""Fourth phase: record the run, and register its model as a new version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from churn_mlops.models.evaluate import curves
from churn_mlops.models.tracking import PROVENANCE_FILE, Run, Tracking, amend, log_run
from churn_mlops.pipelines.training.context import TrainingContext
from churn_mlops.pipelines.training.curves import curves_of
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.promotion_gate import PromotionDecision
from churn_mlops.pipelines.training.provenance import Provenance, provenance_of
from churn_mlops.pipelines.training.report import CARD_FILE, REPORT_FILE, card_of, facts, with_decision
from churn_mlops.reporting import Report


@dataclass(frozen=True)
class RecordedRun:
    """A training run as it is recorded.

    Args:
        run_id: of MLflow.
        version: of the registered model, 1 or more.
        decision: whether the version becomes champion.
        provenance: how it was made.
        report: its facts.
    """

    run_id: str
    version: int
    decision: PromotionDecision
    provenance: Provenance
    report: Report


def record(context: TrainingContext, candidate: Candidate, decision: PromotionDecision, now: datetime) -> RecordedRun:
    """Record the run of ``candidate``.

    Args:
        context: of the run.
        candidate: the new model.
        decision: whether it becomes champion.
        now: the present time, in UTC.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    provenance = provenance_of(candidate, context.model.seed, decision, now)
    report = facts(candidate, decision, provenance)
    provenance = replace(provenance, curves=curves_of(report))
    card = card_of(report, context.promotion.economics, context.promotion.capacity, context.default_amounts)
    run_id, version = log_run(context.tracking, _run(candidate, provenance, report, card))
    return RecordedRun(run_id, version, decision, provenance, report)


def amend_decision(tracking: Tracking, run: RecordedRun, decision: PromotionDecision) -> RecordedRun:
    """Replace the decision of a recorded run.

    Raises:
        TrackingError: MLflow cannot be reached, or refuses.
    """
    changed = replace(
        run,
        decision=decision,
        provenance=replace(run.provenance, decision=decision.sentence),
        report=with_decision(run.report, decision),
    )
    documents = {PROVENANCE_FILE: changed.provenance.to_dict(), REPORT_FILE: changed.report.to_dict()}
    amend(tracking, run.run_id, {"verdict": decision.sentence}, documents)
    return changed


def _run(candidate: Candidate, provenance: Provenance, report: Report, card: str) -> Run:
    bundle, data = candidate.bundle, candidate.prepared.data
    return Run(
        bundle=bundle,
        parameters=_parameters(candidate),
        metrics=_metrics(candidate),
        tags={
            "data_fingerprint": data.fingerprint,
            "git_revision": str(provenance.git_revision),
            "bundle_sha256": bundle.sha256,
            "verdict": provenance.decision,
        },
        documents={
            "curves.json": curves(data.test_y, candidate.scores),
            "contract.json": bundle.contract.to_dict(),
            PROVENANCE_FILE: provenance.to_dict(),
            REPORT_FILE: report.to_dict(),
            CARD_FILE: card,
        },
        description=card,
    )


def _parameters(candidate: Candidate) -> dict[str, Any]:
    bundle, data = candidate.bundle, candidate.prepared.data
    return {
        "model_type": bundle.model_type,
        "seed": bundle.training["seed"],
        "customers": len(data.train_y),
        "customers_set_aside": len(data.test_y),
        "features": len(bundle.contract.features),
        **{f"chosen.{name}": str(value)[:500] for name, value in bundle.training["chosen"].items()},
    }


def _metrics(candidate: Candidate) -> Mapping[str, float]:
    """The metrics of the test set and of the backtest, each as three numbers: value, low and high end."""
    estimates = dict(candidate.metrics)
    if candidate.backtest is not None:
        estimates |= {f"out_of_time_{name}": found for name, found in candidate.backtest.metrics.items()}
    flat: dict[str, float] = {}
    for name, estimate in estimates.items():
        flat |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    return flat
