"""The report of a model version: its facts, recorded by the training job, and what is written from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config import Settings
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.evaluate import Estimate
from churn_mlops.models.registry import document_of
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.pipelines.deployment.deploy import history
from churn_mlops.pipelines.deployment.mlflow_aliases import tracking
from churn_mlops.pipelines.training.promotion_gate import Verdict
from churn_mlops.pipelines.training.test_set import TrainingData
from churn_mlops.reporting import REPORT_FILE, Money, Report, build_report, money_of, read_report
from churn_mlops.reporting.model_card import CARD_FILE, model_card
from churn_mlops.reporting.report_data import Counts, Later, Made, Noticed, ReportError
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


def facts(
    bundle: Bundle,
    data: TrainingData,
    scores: Floats,
    metrics: Mapping[str, Estimate],
    verdict: Verdict,
    provenance: Mapping[str, Any],
    customers: int,
) -> Report:
    """The facts that the training job records.

    Args:
        bundle: the model.
        data: the customers trained on and set aside.
        scores: of those set aside, shape (rows,).
        metrics: of these scores.
        verdict: whether the model goes live.
        provenance: how it was made.
        customers: active customers in the source, with and without a label.
    """
    made = Made(
        trained_at=provenance["trained_at"],
        seed=provenance["seed"],
        data_fingerprint=provenance["data_fingerprint"],
        model_sha256=bundle.sha256,
        git_revision=provenance["git_revision"],
        versions=provenance["versions"],
        verdict=verdict.sentence,
        signal=verdict.signal,
        promoted=verdict.promote,
    )
    report = build_report(
        bundle,
        data.aside,
        data.aside_y,
        scores,
        metrics=metrics,
        counts=Counts(
            source=customers,
            trained_on=len(data.train_y),
            trained_on_left=int(data.train_y.sum()),
            trained_on_customers=data.train_customers,
            set_aside=len(data.aside_y),
            set_aside_left=int(data.aside_y.sum()),
            set_aside_customers=data.aside_customers,
        ),
        made=made,
        seed=provenance["seed"],
    )
    leaks = provenance.get("leaks")
    later = provenance.get("out_of_time")
    return report.model_copy(
        update={
            "noticed": None if leaks is None else _noticed(leaks),
            "later": None if later is None else Later.model_validate(later),
            "untested": provenance.get("untested"),
        }
    )


def _noticed(leaks: Mapping[str, Any]) -> tuple[Noticed, ...]:
    return tuple(
        Noticed(
            feature=finding["feature"],
            message=finding["message"],
            sure=finding["sure"],
            set_aside=finding["feature"] in leaks["set_aside"],
        )
        for finding in leaks["findings"]
    )


def judged_again(report: Report, verdict: Verdict) -> Report:
    """``report`` with another verdict: that of a comparison with a champion which came in between."""
    made = report.made.model_copy(
        update={"verdict": verdict.sentence, "signal": verdict.signal, "promoted": verdict.promote}
    )
    return report.model_copy(update={"made": made})


def card_of(report: Report, settings: Settings) -> str:
    """The model card, with the money of ``settings``."""
    return model_card(report, _money(report, settings, None))


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
    return Recorded(version, is_live, report, _money(report, settings, customers))


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


def _money(report: Report, settings: Settings, customers: int | None) -> Money:
    decision = settings.decision
    economics = Economics(**decision.economics())
    return money_of(report, economics, customers=customers, capacity=decision.capacity)


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


__all__ = ["CARD_FILE", "REPORT_FILE", "Recorded", "card_of", "facts", "judged_again", "recorded", "write_report"]
