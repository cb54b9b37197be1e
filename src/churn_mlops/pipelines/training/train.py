"""The training job: prepare, fit, evaluate, record, and promote the model if it is better than the champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from churn_mlops.config import Settings
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.evaluate import Estimate
from churn_mlops.models.fit_settings import Progress
from churn_mlops.models.tracking import reach
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.context import TrainingContext, training_context
from churn_mlops.pipelines.training.evaluate import Candidate, evaluate
from churn_mlops.pipelines.training.fit import fit
from churn_mlops.pipelines.training.leakage import LeakCheck
from churn_mlops.pipelines.training.prepare import PreparedData, prepare
from churn_mlops.pipelines.training.promote import ChampionSlot, promote_or_keep
from churn_mlops.pipelines.training.promotion_gate import PromotionDecision, decide_promotion
from churn_mlops.pipelines.training.record import RecordedRun, record
from churn_mlops.reporting.report_data import Counts


@dataclass(frozen=True)
class Trained:
    """The result of a training run.

    Args:
        version: number of the new model version.
        run_id: of MLflow.
        bundle: the model.
        report: of the validation.
        counts: customers and rows trained and tested on.
        metrics: on the test set.
        decision: whether the version is champion now.
        leaks: what the leakage checks found.
        backtest: of a history, None where there was none.
        no_backtest: why there was none, in a sentence; None of a flat table.
    """

    version: int
    run_id: str
    bundle: Bundle
    report: ValidationReport
    counts: Counts
    metrics: Mapping[str, Estimate]
    decision: PromotionDecision
    leaks: LeakCheck
    backtest: Backtest | None = None
    no_backtest: str | None = None


@recorded("train")
def train(
    settings: Settings,
    *,
    today: date | None = None,
    force: str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> Trained:
    """Train a model on the configured source, record it, and make it the champion if it is better.

    Args:
        settings: what to read, how to fit, where to record.
        today: the day until which labels may have become final; the present day when left out.
        force: a reason to promote whatever the comparison says; recorded with the promotion.
        strict: whether to drop the features that surely leak, instead of naming them only.
        progress: called with (fits done, fits in all).

    Raises:
        ChurnError: nothing was promoted; the message says what to do.
    """
    context, slot = training_context(settings), ChampionSlot(settings)
    slot.champion()  # before hours of work: a broken one cannot be compared with
    prepared = prepare(context, today or date.today(), strict=strict)
    slot.check_writable()
    reach(context.tracking)
    champion = slot.sync()
    candidate = evaluate(context, prepared, fit(context, prepared, progress))
    now = datetime.now(UTC)
    decision = decide_promotion(candidate, champion, context.promotion, now, force)
    run = record(context, candidate, decision, now)
    _archive_snapshot(context, prepared)
    return _trained(candidate, promote_or_keep(slot, context, candidate, run, now, force))


def _archive_snapshot(context: TrainingContext, prepared: PreparedData) -> None:
    """Keep the frozen snapshot, unless a customer was erased in the meantime: it may hold their row."""
    if prepared.leaks.frozen is not None and context.read_erased() == prepared.erased:
        context.archive.keep(prepared.leaks.frozen)


def _trained(candidate: Candidate, run: RecordedRun) -> Trained:
    return Trained(
        version=run.version,
        run_id=run.run_id,
        bundle=candidate.bundle,
        report=candidate.prepared.report,
        counts=run.report.counts,
        metrics=candidate.metrics,
        decision=run.decision,
        leaks=candidate.prepared.leaks,
        backtest=candidate.backtest,
        no_backtest=candidate.no_backtest,
    )
