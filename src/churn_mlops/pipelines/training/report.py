"""The report of a model version: the facts that the training job records, and the page written from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config import Settings
from churn_mlops.data.leakage import LeakFinding
from churn_mlops.models.registry import document_of
from churn_mlops.pipelines.deployment.deploy import history
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.leakage import LeakCheck
from churn_mlops.pipelines.training.prepare import PreparedData
from churn_mlops.pipelines.training.promotion_gate import PromotionDecision
from churn_mlops.pipelines.training.provenance import Provenance
from churn_mlops.reporting import REPORT_FILE, Money, Report, build_report, money_of, read_report
from churn_mlops.reporting.model_card import CARD_FILE, model_card
from churn_mlops.reporting.report_data import BacktestScores, Counts, Made, Noticed, ReportError
from churn_mlops.retention.economics import Economics


@dataclass(frozen=True)
class Recorded:
    """The facts of a version, with the money of the settings of today."""

    version: int
    is_live: bool
    report: Report
    money: Money

    def to_dict(self) -> dict[str, Any]:
        """The facts as plain data."""
        return {"version": self.version, "live": self.is_live} | self.report.to_dict()


def facts(candidate: Candidate, decision: PromotionDecision, provenance: Provenance) -> Report:
    """The facts that the training job records with ``candidate``.

    Args:
        candidate: the model, what it was trained and tested on, and its metrics.
        decision: whether it becomes champion.
        provenance: how it was made.
    """
    data, leaks, backtest = candidate.prepared.data, candidate.prepared.leaks, candidate.backtest
    report = build_report(
        candidate.bundle,
        data.test,
        data.test_y,
        candidate.scores,
        metrics=candidate.metrics,
        counts=_counts(candidate.prepared),
        made=Made.model_validate(provenance.to_dict() | {"model_sha256": candidate.bundle.sha256} | _decided(decision)),
        seed=provenance.seed,
    )
    return report.model_copy(
        update={
            "noticed": tuple(_noticed(finding, leaks) for finding in leaks.report.findings),
            "blind": tuple(leaks.report.warnings),
            "later": None if backtest is None else BacktestScores.model_validate(backtest.to_dict()),
            "untested": candidate.no_backtest,
        }
    )


def with_decision(report: Report, decision: PromotionDecision) -> Report:
    """``report`` with another decision: that of a comparison with a champion which came in between."""
    return report.model_copy(update={"made": report.made.model_copy(update=_decided(decision))})


def card_of(report: Report, economics: Economics, capacity: int | None, defaults: Sequence[str]) -> str:
    """The model card, with the money of ``economics``, at most ``capacity`` contacts a run, and amounts no one set."""
    return model_card(report, money_of(report, economics, capacity=capacity, defaults=defaults))


def _decided(decision: PromotionDecision) -> dict[str, Any]:
    return {"verdict": decision.sentence, "signal": decision.signal, "promoted": decision.promote}


def _counts(prepared: PreparedData) -> Counts:
    data = prepared.data
    return Counts(
        source=prepared.customers,
        left=0 if prepared.snapshots is not None else int(data.train_y.sum() + data.test_y.sum()),
        trained_on=len(data.train_y),
        trained_on_left=int(data.train_y.sum()),
        trained_on_customers=data.train_customers,
        set_aside=len(data.test_y),
        set_aside_left=int(data.test_y.sum()),
        set_aside_customers=data.test_customers,
    )


def _noticed(finding: LeakFinding, leaks: LeakCheck) -> Noticed:
    return Noticed(
        feature=finding.feature,
        message=finding.message,
        sure=finding.sure,
        set_aside=finding.feature in leaks.dropped,
    )


def recorded(settings: Settings, version: int | None = None, customers: int | None = None) -> Recorded:
    """The facts of ``version``, or of the version that is live.

    Args:
        settings: where versions are recorded, and what customers and offers are worth today.
        version: its number; None takes the champion.
        customers: active customers to count for; None takes those of the source it was trained on.

    Raises:
        PromotionError: there is no such version.
        ReportError: no model is live, or the version was recorded without a report.
    """
    live = next(reversed(history(settings)), None)
    if version is None:
        if live is None:
            raise ReportError(
                f"no model is live in {settings.models.folder}: train one with `churn train`, or name a version of "
                "`churn models list`"
            )
        version = int(live.version)
    document = document_of(tracking(settings), version, REPORT_FILE)
    if document is None:
        raise ReportError(f"version {version} was recorded without a report: train again with `churn train`")
    report = read_report(document, f"version {version}")
    is_live = live is not None and live.version == str(version)
    decision = settings.decision
    economics = Economics(**decision.economics())
    money = money_of(
        report, economics, customers=customers, capacity=decision.capacity, defaults=decision.default_amounts
    )
    return Recorded(version, is_live, report, money)


def write_report(found: Recorded, out: Path, pictures: Path | None = None) -> int:
    """Write the page to ``out`` and, where a folder is given, every picture into it as SVG and PNG.

    Returns:
        How many pictures there are.

    Raises:
        ReportError: a place cannot be written.
    """
    # Imported here, because training and --json draw nothing, and Altair takes a second.
    from churn_mlops.reporting.page import Page

    for folder in (out.parent, pictures):
        _make(folder)  # before the work of drawing
    page = Page(found.report, found.money, found.version, found.is_live)
    _write(out, page.html().encode())
    if pictures is not None:
        for name, data in page.files().items():
            _write(pictures / name, data)
    return len(page.pictures)


def _make(folder: Path | None) -> None:
    try:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReportError(f"cannot write {folder}: {error.strerror or error}") from None


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomic(path, data)
    except OSError as error:
        raise ReportError(f"cannot write {path}: {error.strerror or error}") from None


__all__ = ["CARD_FILE", "REPORT_FILE", "Recorded", "card_of", "facts", "recorded", "with_decision", "write_report"]
