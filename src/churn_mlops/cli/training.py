"""``churn train``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import TAKEN_UP, print_json, progress_bar, say, table

if TYPE_CHECKING:
    from churn_mlops.config import Settings
    from churn_mlops.models.evaluate import Estimate
    from churn_mlops.pipelines.training.backtest import Backtest
    from churn_mlops.pipelines.training.leakage import LeakCheck
    from churn_mlops.pipelines.training.train import Trained

ABOUT_LABELS = ("ends_behind", "leavers_collapse")
BACKTEST_METRICS = ("auc", "lift_top_decile", "calibration_slope", "observed_over_expected")


def train(
    context: typer.Context,
    model_type: Annotated[str | None, typer.Option(help="Type of the model, instead of training.model_type.")] = None,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Make the new model champion whatever the comparison says.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Drop features that know what was not known at the time.")
    ] = False,
    if_due: Annotated[
        bool,
        typer.Option("--if-due", help="Train only after training.due_days, or sooner where the lists lose money."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Train a model, evaluate it on the test set, and make it champion if it is better.

    Example: `churn train`
    """
    # Imported here, like the job of every command: `churn --help` need not wait for LightGBM and MLflow.
    from churn_mlops.pipelines.training import train as job

    settings = settings_of(context)
    if model_type is not None:
        changed = settings.training.model_copy(update={"model_type": model_type})
        settings = settings.model_copy(update={"training": changed})
    if if_due and not _is_due(settings, as_json):
        return
    with progress_bar("Training") as progress:
        trained = job.train(settings, force=force, strict=strict, progress=progress)
    if as_json:
        print_json(_document(trained))
    else:
        show(trained, context.obj)


def _is_due(settings: Settings, as_json: bool) -> bool:
    from churn_mlops.pipelines.training.due import is_training_due

    due = is_training_due(settings, datetime.now(UTC))
    if not as_json:
        say(f"A training is due: {due.sentence}." if due.is_due else f"No training is due: {due.sentence}.")
    elif not due.is_due:
        print_json({"is_due": False, "reason": due.sentence})
    return due.is_due


def show(trained: Trained, config: Path | None) -> None:
    """Print what a training run did.

    Args:
        trained: the run.
        config: the settings file to name in the next commands, None for the default one.
    """
    command = "churn" if config is None else f"churn --config {shlex.quote(str(config))}"
    _show_model(trained)
    show_leaks(trained.leaks, command)
    if trained.backtest is not None:
        show_backtest(trained.backtest)
    if trained.no_backtest is not None:
        say(trained.no_backtest)
    for problem in trained.report.problems:
        if problem.rule in ABOUT_LABELS:
            say(f"About its labels, {problem}.")
    decision = trained.decision
    outcome = (
        "is live now" if decision.promote else "is on trial" if decision.on_trial else "was recorded, not promoted"
    )
    say(f"Version {trained.version} {outcome}: {decision.sentence}.")
    if decision.promote:
        say(TAKEN_UP)
    say(f"What it learnt and what it is worth, in pictures: {command} report {trained.version}")


def _show_model(trained: Trained) -> None:
    auto = _auto(trained)
    if auto is not None:
        say(f"Of all types, {auto['sentence']}")
    counts = trained.counts
    say(
        f"Trained {trained.bundle.model_type} on {_rows(counts.trained_on, counts.trained_on_customers)}; tested on "
        f"{_rows(counts.set_aside, counts.set_aside_customers)} that no version is ever trained on:"
    )
    show_metrics(trained.metrics)


def show_leaks(leaks: LeakCheck, command: str) -> None:
    """Print which features seem to leak.

    Args:
        leaks: the findings.
        command: how the program is called.
    """
    for finding in leaks.report.findings:
        status = "Dropped" if finding.feature in leaks.dropped else "Leak" if finding.sure else "Worth a look"
        say(f"{status}: {finding.feature}: {finding.message}{'' if finding.message.endswith('?') else '.'}")
    if any(finding.sure for finding in leaks.in_use):
        say(
            "The figures above are not to be believed: the model was shown what was not known at the time. Drop these "
            f"features with `{command} train --strict`, or correct the contract."
        )
    for warning in leaks.report.warnings:
        say(warning)


def show_backtest(found: Backtest) -> None:
    """Print how a model of the past did on later dates."""
    say(
        f"Fitted on dates up to {found.trained_until} alone and tested on {found.rows:,} rows from "
        f"{found.tested_on[0]} to {found.tested_on[-1]}, {found.gap_days} days or more later:"
    )
    show_metrics(found.metrics, BACKTEST_METRICS)
    ratio = found.metrics.get("observed_over_expected")
    if ratio is not None and not ratio.low <= 1 <= ratio.high:
        say(
            f"The percentages are too {'low' if ratio.low > 1 else 'high'} on later dates: for every 100 churners that "
            f"they expected, {100 * ratio.value:.0f} were observed ({100 * ratio.low:.0f} to {100 * ratio.high:.0f})."
        )


def show_metrics(metrics: Mapping[str, Estimate], names: Iterable[str] | None = None) -> None:
    """Print metrics with their intervals, and a dash where there is no value; ``names`` picks some of them."""
    from churn_mlops.models.metrics import METRICS

    rows = [
        (METRICS[name].label, f"{e.value:.4f}", f"{e.low:.4f} to {e.high:.4f}")
        if (e := metrics.get(name)) is not None
        else (METRICS[name].label, "-", "cannot be computed")
        for name in names or METRICS
    ]
    table(None, ("metric", "value", "95 % interval"), rows, right=("value",))


def _rows(rows: int, customers: int) -> str:
    return f"{customers:,} customers" if rows == customers else f"{rows:,} rows of {customers:,} customers"


def _document(trained: Trained) -> dict[str, Any]:
    return {
        "version": trained.version,
        "run_id": trained.run_id,
        "model_type": trained.bundle.model_type,
        "auto": _auto(trained),
        "sha256": trained.bundle.sha256,
        "customers": trained.counts.trained_on_customers,
        "rows": trained.counts.trained_on,
        "customers_set_aside": trained.counts.set_aside_customers,
        "rows_set_aside": trained.counts.set_aside,
        "metrics": {name: asdict(estimate) for name, estimate in trained.metrics.items()},
        "promoted": trained.decision.promote,
        "on_trial": trained.decision.on_trial,
        "signal": trained.decision.signal,
        "verdict": trained.decision.sentence,
        "leaks": trained.leaks.to_dict(),
        "out_of_time": None if trained.backtest is None else trained.backtest.to_dict(),
        "untested": trained.no_backtest,
        "warnings": trained.report.to_dict()["problems"],
    }


def _auto(trained: Trained) -> dict[str, Any] | None:
    """The comparison of ``auto`` and its choice, None where the settings name a type."""
    found: dict[str, Any] | None = trained.bundle.training["chosen"].get("auto")
    return found
