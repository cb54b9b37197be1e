"""The training job: read, validate, fit, judge on the customers set aside, record, and promote if it is better."""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from importlib.metadata import version as version_of
from typing import Any

import structlog

from churn_mlops import __version__
from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract, load_contract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.sources.open import read_whole
from churn_mlops.data.sources.spark import spark_running
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.errors import BundleError, ConfigError, StoreError
from churn_mlops.models import MODEL_TYPES
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.evaluate import Estimate, curves, evaluate
from churn_mlops.models.fitting.inputs import Progress
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.registry import CHALLENGER
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.models.tracking import PROVENANCE_FILE, Run, amend, log_run, reach
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.deployment.deploy import Deployer
from churn_mlops.pipelines.deployment.deploy import champion as champion_of
from churn_mlops.pipelines.deployment.mlflow_aliases import align_champion, name_version, tracking
from churn_mlops.pipelines.erasure.suppression import away, known_here, table_without, tables_without
from churn_mlops.pipelines.inputs.as_of import as_of_date, loaded_until, not_loaded
from churn_mlops.pipelines.inputs.open_source import check, open_history, open_source
from churn_mlops.pipelines.inputs.snapshot_archive import snapshot_archive
from churn_mlops.pipelines.training.backtest import OutOfTime, fit_settings, out_of_time, untested
from churn_mlops.pipelines.training.label_collapse import collapses
from churn_mlops.pipelines.training.leakage import LeakCheck, check_periods, check_table
from churn_mlops.pipelines.training.promotion_gate import PromotionDecision, decide_promotion
from churn_mlops.pipelines.training.report import CARD_FILE, REPORT_FILE, card_of, facts, judged_again
from churn_mlops.pipelines.training.snapshots import Periods, read_periods
from churn_mlops.pipelines.training.test_set import TrainingData, split
from churn_mlops.reporting import Report
from churn_mlops.reporting.report_data import Counts
from churn_mlops.store.deployments import ANY, ChampionChangedError
from churn_mlops.store.suppression.tombstones import Tombstones

log = structlog.get_logger("churn_mlops.pipelines")
PACKAGES = ("numpy", "lightgbm", "scikit-learn", "pyarrow", "duckdb", "ibis-framework", "mlflow-skinny")


@dataclass(frozen=True)
class Trained:
    """What a training run did."""

    version: int
    run_id: str
    bundle: Bundle
    report: ValidationReport
    counts: Counts
    metrics: Mapping[str, Estimate]
    verdict: PromotionDecision
    leaks: LeakCheck
    out_of_time: OutOfTime | None = None
    untested: str | None = None


def train(
    settings: Settings,
    *,
    today: date | None = None,
    force: str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> Trained:
    """Train a model on the configured source, record it, and make it the champion if it is better beyond noise.

    Args:
        settings: what to read, how to fit, where to record.
        today: until when labels of a history may have matured; the present day when left out.
        force: a reason to promote whatever the comparison says; recorded with the promotion.
        strict: whether to set features aside that leak for all that can be told, instead of naming them only.
        progress: called with (fits done, fits in all).

    Raises:
        ChurnError: nothing was promoted; the message says what to do.
    """
    model_type = settings.training.model_type
    if model_type not in MODEL_TYPES:
        raise ConfigError(f"training.model_type is {model_type!r}: one of {', '.join(MODEL_TYPES)}")
    deployer = Deployer(settings)
    _champion(settings)  # before hours of work: a broken one cannot be compared with
    forgotten = _forgotten(settings)
    with read_whole(settings.source.url):
        learnt_from = _read(settings, today or date.today(), forgotten, strict=strict)
    contract = learnt_from.contract
    deployer.sync()
    reach(tracking(settings))
    champion = _champion(settings)
    align_champion(settings)
    data = learnt_from.data
    bundle = fit_bundle(
        data.train,
        data.train_y,
        contract,
        model_type,
        groups=data.train_groups,
        history=learnt_from.history,
        seed=settings.training.seed,
        threshold=settings.decision.threshold,
        settings=fit_settings(settings),
        progress=progress,
    )
    scores = ChurnPredictor(bundle).score(data.aside)
    metrics = evaluate(data.aside_y, scores, clusters=data.aside_groups)
    later = learnt_from.later(settings, bundle)
    verdict = decide_promotion(bundle, scores, data, champion, force, later, learnt_from.leaks.sure)
    provenance = _provenance(settings, data, metrics, verdict) | learnt_from.provenance
    if later is not None:
        provenance |= {"out_of_time": later.to_dict()}
    else:
        provenance |= {"untested": learnt_from.untested}
    report = facts(bundle, data, scores, metrics, verdict, provenance, learnt_from.customers)
    run = _run(bundle, data, scores, metrics, provenance, report, card_of(report, settings), later)
    run_id, version = log_run(tracking(settings), run)
    if learnt_from.leaks.frozen is not None and _forgotten(settings) == forgotten:  # else it may hold who is gone
        snapshot_archive(settings).keep(learnt_from.leaks.frozen)
    while verdict.promote:
        compared_with = None if champion is None else champion.bundle.sha256
        reason = force or verdict.sentence
        try:
            deployer.deploy(
                bundle,
                version=str(version),
                provenance=provenance,
                reason=reason,
                expected_champion=ANY if force is not None else compared_with,
            )
            break
        except ChampionChangedError:  # another run was quicker: what was found holds against its model, or does not
            champion = _champion(settings)
            verdict = decide_promotion(bundle, scores, data, champion, force, later, learnt_from.leaks.sure)
            provenance |= {"verdict": verdict.sentence}
            report = judged_again(report, verdict)
            documents = {PROVENANCE_FILE: provenance, REPORT_FILE: report.to_dict()}
            amend(tracking(settings), run_id, {"verdict": verdict.sentence}, documents)
    align_champion(settings)
    if verdict.signal and not verdict.promote:
        name_version(settings, CHALLENGER, version)
    return Trained(
        version=version,
        run_id=run_id,
        bundle=bundle,
        report=learnt_from.report,
        counts=report.counts,
        metrics=metrics,
        verdict=verdict,
        leaks=learnt_from.leaks,
        out_of_time=later,
        untested=learnt_from.untested,
    )


@dataclass(frozen=True)
class _LearntFrom:
    """What a run learns from, of either shape; ``customers`` are the active ones of the source."""

    leaks: LeakCheck
    data: TrainingData
    report: ValidationReport
    customers: int
    periods: Periods | None = None

    @property
    def contract(self) -> DataContract:
        return self.leaks.contract

    @property
    def history(self) -> HistoryContract | None:
        return self.leaks.history

    @property
    def provenance(self) -> dict[str, Any]:
        leaks = {"leaks": self.leaks.to_dict()}
        if self.periods is None:
            return leaks
        return leaks | {
            "as_of_dates": [day.isoformat() for day in self.periods.dates],
            "rows_without_label": self.periods.unlabelled,
        }

    @property
    def untested(self) -> str | None:
        """Why there is no test on later dates; None where there is one, and of a flat table."""
        return None if self.history is None or self.periods is None else untested(self.periods, self.history)

    def later(self, settings: Settings, bundle: Bundle) -> OutOfTime | None:
        """The test on later dates, None where there are none."""
        if self.history is None or self.periods is None:
            return None
        return out_of_time(self.periods, self.history, settings, bundle.model_type, bundle.training["setting"])


def _forgotten(settings: Settings) -> Tombstones:
    """Who is left out; where the store is away, those whom the file beside it knows."""
    try:
        return away(settings)
    except StoreError as error:
        log.warning(
            "who was forgotten could not be asked of the store: the file of tombstones is taken", reason=str(error)
        )
        known = known_here(settings)
        return Tombstones(settings.store.customer_hash_key, frozenset(one.hash for one in known))


def _read(settings: Settings, today: date, forgotten: Tombstones, *, strict: bool) -> _LearntFrom:
    contract = load_contract(settings.contract.path)
    if isinstance(contract, DataContract):
        checked = check(table_without(open_source(settings), contract, forgotten), contract, need_label=True)
        snapshot = read_snapshot(checked.table, contract, label="known")
        leaks = check_table(checked.table, snapshot, contract, strict=strict, seed=settings.training.seed)
        return _LearntFrom(leaks, split(snapshot, leaks.contract, settings), checked.report, checked.report.rows)
    with spark_running(settings.source.url):
        tables = tables_without(open_history(settings, contract), contract, forgotten)
        last = loaded_until(settings, tables, contract, today)
        periods = read_periods(settings, tables, contract, last)
        missing = not_loaded(tables, contract, as_of_date(settings, tables, contract, today), today)
        frozen = snapshot_archive(settings)
        leaks = check_periods(periods, tables, contract, last, frozen, strict=strict, seed=settings.training.seed)
    data = split(periods.rows, leaks.contract, settings, periods.as_of)
    customers = int((periods.as_of == periods.as_of.max()).sum())
    report = replace(periods.report, problems=(*periods.report.problems, *missing, *collapses(periods, contract)))
    return _LearntFrom(leaks, data, report, customers, periods)


def _champion(settings: Settings) -> LiveModel | None:
    try:
        return champion_of(settings)
    except BundleError as error:
        raise BundleError(
            f"{error}; the champion is needed for comparison, so make a registered version live again first: "
            "`churn models promote VERSION --reason REASON`"
        ) from None


def _run(
    bundle: Bundle,
    data: TrainingData,
    scores: Floats,
    metrics: Mapping[str, Estimate],
    provenance: Mapping[str, Any],
    report: Report,
    card: str,
    later: OutOfTime | None,
) -> Run:
    flat: dict[str, float] = {}
    if later is not None:
        metrics = {**metrics, **{f"out_of_time_{name}": estimate for name, estimate in later.metrics.items()}}
    for name, estimate in metrics.items():
        flat |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    chosen = {f"chosen.{name}": str(value)[:500] for name, value in bundle.training["chosen"].items()}
    return Run(
        bundle=bundle,
        parameters={
            "model_type": bundle.model_type,
            "seed": bundle.training["seed"],
            "customers": len(data.train_y),
            "customers_set_aside": len(data.aside_y),
            "features": len(bundle.contract.features),
            **chosen,
        },
        metrics=flat,
        tags={
            "data_fingerprint": data.fingerprint,
            "git_revision": str(provenance["git_revision"]),
            "bundle_sha256": bundle.sha256,
            "verdict": str(provenance["verdict"]),
        },
        documents={
            "curves.json": curves(data.aside_y, scores),
            "contract.json": bundle.contract.to_dict(),
            PROVENANCE_FILE: dict(provenance),
            REPORT_FILE: report.to_dict(),
            CARD_FILE: card,
        },
        description=card,
    )


def _provenance(
    settings: Settings, data: TrainingData, metrics: Mapping[str, Estimate], verdict: PromotionDecision
) -> dict[str, Any]:
    return {
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_revision": _git_revision(),
        "data_fingerprint": data.fingerprint,
        "seed": settings.training.seed,
        "set_aside": data.mark,
        "versions": {"churn-mlops": __version__, "python": platform.python_version()}
        | {name: version_of(name) for name in PACKAGES},
        "metrics": {name: asdict(estimate) for name, estimate in metrics.items()},
        "verdict": verdict.sentence,
    }


def _git_revision() -> str | None:
    """Revision of the working directory, None where it is not under git."""
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run([git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603 fixed arguments
    return found.stdout.strip() or None
