"""The training job: read, validate, fit, judge on the customers set aside, record, and promote if it is better."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version as version_of
from typing import Any

import numpy as np
import pyarrow as pa

from churn_mlops import __version__
from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.data.reading import LABEL, read_snapshot
from churn_mlops.data.splitting import set_aside
from churn_mlops.data.validation import ValidationReport
from churn_mlops.errors import BundleError, ConfigError, DataError
from churn_mlops.models import MODEL_TYPES
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.evaluate import Estimate, curves, evaluate
from churn_mlops.models.fitting import FitSettings, Progress
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.promotion import Comparison, LiveModel, LiveModels, compare
from churn_mlops.models.registry import CHALLENGER, CHAMPION, set_alias
from churn_mlops.models.tables import Floats
from churn_mlops.models.tracking import PROVENANCE_FILE, Run, log_run, reach
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.reading import check, open_source
from churn_mlops.pipelines.recording import tracking

MIN_LEAVERS_SET_ASIDE = 5
PACKAGES = ("numpy", "lightgbm", "scikit-learn", "pyarrow", "duckdb", "ibis-framework", "mlflow-skinny")


@dataclass(frozen=True)
class TrainingData:
    """Customers with a known label, split into those trained on and those set aside."""

    train: pa.Table
    train_y: Floats
    aside: pa.Table
    aside_y: Floats
    fingerprint: str


@dataclass(frozen=True)
class Verdict:
    """Whether the new model goes live, and why, in a sentence."""

    promote: bool
    signal: bool
    sentence: str
    against_base_rate: Comparison
    against_champion: Comparison | None


@dataclass(frozen=True)
class Trained:
    """What a training run did."""

    version: int
    run_id: str
    bundle: Bundle
    report: ValidationReport
    customers: int
    set_aside: int
    metrics: Mapping[str, Estimate]
    verdict: Verdict


def train(settings: Settings, *, force: str | None = None, progress: Progress | None = None) -> Trained:
    """Train a model on the configured source, record it, and make it the champion if it is better beyond noise.

    Args:
        settings: what to read, how to fit, where to record.
        force: a reason to promote whatever the comparison says; recorded with the promotion.
        progress: called with (fits done, fits in all).

    Raises:
        ChurnError: nothing was promoted; the message says what to do.
    """
    model_type = settings.training.model_type
    if model_type not in MODEL_TYPES:
        raise ConfigError(f"training.model_type is {model_type!r}: one of {', '.join(MODEL_TYPES)}")
    live = LiveModels(settings.models.folder)
    champion = _champion(live)
    contract = DataContract.load(settings.contract.path)
    checked = check(open_source(settings), contract, need_label=True)
    reach(tracking(settings))
    data = split(read_snapshot(checked.table, contract, label="known"), contract, settings)
    bundle = fit_bundle(
        data.train,
        data.train_y,
        contract,
        model_type,
        seed=settings.training.seed,
        threshold=settings.decision.threshold,
        settings=FitSettings(threads=settings.training.threads),
        progress=progress,
    )
    scores = ChurnPredictor(bundle).score(data.aside)
    metrics = evaluate(data.aside_y, scores)
    verdict = judge(bundle, scores, data, champion, settings, force)
    provenance = _provenance(settings, data, metrics, verdict)
    run_id, version = log_run(tracking(settings), _run(bundle, data, scores, metrics, verdict, provenance))
    if verdict.promote:
        live.publish(bundle, version=str(version), provenance=provenance, reason=force or verdict.sentence)
    set_alias(tracking(settings), CHAMPION if verdict.promote else CHALLENGER, version)
    return Trained(version, run_id, bundle, checked.report, len(data.train), len(data.aside), metrics, verdict)


def _champion(live: LiveModels) -> LiveModel | None:
    try:
        return live.champion()
    except BundleError as error:
        raise BundleError(
            f"{error}; the champion is needed for comparison, so make a registered version live again first: "
            "`churn models promote VERSION --reason REASON`"
        ) from None


def split(snapshot: pa.Table, contract: DataContract, settings: Settings) -> TrainingData:
    """Set a share of the customers aside, by a keyed hash of the customer (of the row, where rows have no name).

    Raises:
        DataError: fewer than 5 customers who left, or who stayed, are set aside.
    """
    names = (
        [str(row) for row in range(len(snapshot))]
        if contract.customer is None
        else snapshot.column(contract.customer).to_pylist()
    )
    aside = set_aside(names, settings.training.set_aside_key, settings.training.set_aside_share)
    y = snapshot.column(LABEL).to_numpy().astype(np.float64)
    left, stayed = int(y[aside].sum()), int((1 - y[aside]).sum())
    if min(left, stayed) < MIN_LEAVERS_SET_ASIDE:
        raise DataError(
            f"of the {int(aside.sum())} customers set aside to judge models, {left} left and {stayed} stayed: at least "
            f"{MIN_LEAVERS_SET_ASIDE} of each are needed; bring more customers, or raise training.set_aside_share"
        )
    features = snapshot.select(list(contract.features))
    return TrainingData(
        features.filter(pa.array(~aside)), y[~aside], features.filter(pa.array(aside)), y[aside], _fingerprint(snapshot)
    )


def judge(
    bundle: Bundle,
    scores: Floats,
    data: TrainingData,
    champion: LiveModel | None,
    settings: Settings,
    force: str | None,
) -> Verdict:
    """Compare the new model with the base rate and with the champion on the customers set aside."""
    base_rate = np.full(len(data.aside_y), data.train_y.mean())
    against_base = compare(data.aside_y, scores, base_rate)
    signal = against_base.beyond_noise
    against = None
    if not signal:
        promote = False
        sentence = (
            "no signal: on the customers set aside the model is not better than giving everybody the same score, "
            "beyond noise"
        )
    elif champion is None:
        promote, sentence = True, "the first model that finds a signal"
    elif champion.bundle.sha256 == bundle.sha256:
        promote, sentence = False, f"the same model as the champion, version {champion.version}"
    else:
        against, obstacle = _against(champion, scores, data, settings)
        promote = against is not None and against.beyond_noise
        sentence = obstacle or _compared(against, champion)
    if force is not None and not promote:
        promote, sentence = True, f"promoted by force ({force}), although: {sentence}"
    return Verdict(promote, signal, sentence, against_base, against)


def _against(
    champion: LiveModel, scores: Floats, data: TrainingData, settings: Settings
) -> tuple[Comparison | None, str | None]:
    """The comparison with the champion, or why there can be none."""
    unknown = [name for name in champion.bundle.contract.features if name not in data.aside.column_names]
    if unknown:
        return None, (
            f"champion {champion.version} needs columns that the contract no longer has ({', '.join(unknown)}), so the "
            "two cannot be compared: promote with --force REASON"
        )
    if champion.provenance.get("set_aside") not in (None, _set_aside_mark(settings)):
        return None, (
            f"champion {champion.version} was trained with other customers set aside, so comparing would flatter it: "
            "restore training.set_aside_key and set_aside_share, or promote with --force REASON"
        )
    try:
        rival = ChurnPredictor(champion.bundle).score(data.aside)
    except (DataError, BundleError) as error:
        return None, f"champion {champion.version} cannot score today's data ({error}): promote with --force REASON"
    return compare(data.aside_y, scores, rival), None


def _compared(comparison: Comparison | None, champion: LiveModel) -> str:
    if comparison is None:
        return "not compared"
    better = "better" if comparison.gain > 0 else "worse"
    figures = f"log loss {abs(comparison.gain):.5f} {better}, standard error {comparison.error:.5f}"
    verdict = "beats" if comparison.beyond_noise else "does not beat"
    return f"{verdict} champion {champion.version} beyond noise on {comparison.customers:,} customers ({figures})"


def _run(
    bundle: Bundle,
    data: TrainingData,
    scores: Floats,
    metrics: Mapping[str, Estimate],
    verdict: Verdict,
    provenance: Mapping[str, Any],
) -> Run:
    flat: dict[str, float] = {}
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
            "verdict": verdict.sentence,
        },
        documents={
            "curves.json": curves(data.aside_y, scores),
            "contract.json": bundle.contract.to_dict(),
            PROVENANCE_FILE: dict(provenance),
        },
    )


def _provenance(
    settings: Settings, data: TrainingData, metrics: Mapping[str, Estimate], verdict: Verdict
) -> dict[str, Any]:
    return {
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_revision": _git_revision(),
        "data_fingerprint": data.fingerprint,
        "seed": settings.training.seed,
        "set_aside": _set_aside_mark(settings),
        "versions": {"churn-mlops": __version__, "python": platform.python_version()}
        | {name: version_of(name) for name in PACKAGES},
        "metrics": {name: asdict(estimate) for name, estimate in metrics.items()},
        "verdict": verdict.sentence,
    }


def _set_aside_mark(settings: Settings) -> str:
    """Tells two ways of setting customers aside apart without telling the key."""
    text = f"{settings.training.set_aside_key}\n{settings.training.set_aside_share!r}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _fingerprint(snapshot: pa.Table) -> str:
    """SHA-256 of the snapshot's content, whatever the engine's chunks: each column as one run of plain values."""
    digest = hashlib.sha256()
    for name in snapshot.column_names:
        column = snapshot.column(name)
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        plain = pa.table({name: pa.concat_arrays(column.chunks)}) if column.num_chunks else pa.table({name: column})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, plain.schema) as writer:
            writer.write_table(plain)
        digest.update(sink.getvalue())
    return digest.hexdigest()


def _git_revision() -> str | None:
    """Revision of the working directory, None where it is not under git."""
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run([git, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S603 fixed arguments
    return found.stdout.strip() or None
