"""``churn train``."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import TAKEN_UP, print_json, progress_bar, say, table

if TYPE_CHECKING:
    from churn_mlops.models.evaluate import Estimate
    from churn_mlops.pipelines.training.backtest import OutOfTime
    from churn_mlops.pipelines.training.leakage import LeakCheck
    from churn_mlops.pipelines.training.train import Trained

ON_LABELS = ("ends_behind", "leavers_collapse")
OUT_OF_TIME = ("auc", "lift_top_decile", "calibration_slope", "observed_over_expected")


def train(
    context: typer.Context,
    model_type: Annotated[str | None, typer.Option(help="Type of the model, instead of training.model_type.")] = None,
    force: Annotated[
        str | None, typer.Option(metavar="REASON", help="Make the new model champion whatever the comparison says.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Set features aside that know what was not known at the time.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Train a model, judge it on customers set aside, and make it champion if it is better beyond noise.

    Example: `churn train`
    """
    # Imported here, like the job of every command: `churn --help` need not wait for LightGBM and MLflow.
    from churn_mlops.pipelines.training import train as job

    settings = settings_of(context)
    if model_type is not None:
        changed = settings.training.model_copy(update={"model_type": model_type})
        settings = settings.model_copy(update={"training": changed})
    with progress_bar("Training") as progress:
        trained = job.train(settings, force=force, strict=strict, progress=progress)
    if as_json:
        print_json(_document(trained))
    else:
        show(trained, context.obj)


def show(trained: Trained, config: Path | None) -> None:
    """Print what a training run did; ``config`` is the settings file to name in what to do next, None for the usual."""
    auto = _auto(trained)
    if auto is not None:
        say(f"Of all types, {auto['sentence']}")
    counts = trained.counts
    say(
        f"Trained {trained.bundle.model_type} on {_rows(counts.trained_on, counts.trained_on_customers)}; judged on "
        f"{_rows(counts.set_aside, counts.set_aside_customers)}, whom no version ever trains on:"
    )
    show_metrics(trained.metrics)
    command = "churn" if config is None else f"churn --config {shlex.quote(str(config))}"
    show_leaks(trained.leaks, command)
    if trained.out_of_time is not None:
        show_out_of_time(trained.out_of_time)
    if trained.untested is not None:
        say(trained.untested)
    for problem in trained.report.problems:
        if problem.rule in ON_LABELS:
            say(f"About its labels, {problem}.")
    verdict = trained.verdict
    live = "is live now" if verdict.promote else "was recorded, not promoted"
    say(f"Version {trained.version} {live}: {verdict.sentence}.")
    if verdict.promote:
        say(TAKEN_UP)
    say(f"What it learnt and what it is worth, in pictures: {command} report {trained.version}")


def show_leaks(leaks: LeakCheck, command: str) -> None:
    """Print what seems to know what was not known at the time; ``command`` is how the program is called."""
    for finding in leaks.firewall.findings:
        verdict = "Set aside" if finding.feature in leaks.set_aside else "Leak" if finding.sure else "Worth a look"
        say(f"{verdict}: {finding.feature}: {finding.message}{'' if finding.message.endswith('?') else '.'}")
    if any(finding.sure for finding in leaks.in_use):
        say(
            "The figures above are not to be believed: the model was shown what was not known at the time. Leave it "
            f"out with `{command} train --strict`, or correct the contract."
        )
    for canary in leaks.firewall.blind:
        say(f"The look for leaks is not to be relied on: a made-up column ({canary.name}) {canary.message}.")


def show_out_of_time(found: OutOfTime) -> None:
    """Print how a model of the past did on later dates."""
    say(
        f"Fitted on dates up to {found.trained_until} alone and tested on {found.customers:,} rows from "
        f"{found.tested_on[0]} to {found.tested_on[-1]}, {found.gap_days} days or more later:"
    )
    show_metrics(found.metrics, OUT_OF_TIME)


def show_metrics(metrics: Mapping[str, Estimate], names: Iterable[str] | None = None) -> None:
    """Print metrics with their intervals, and a dash where there is no value; ``names`` picks some of them."""
    from churn_mlops.models.metrics import METRICS

    rows = [
        (METRICS[name].label, f"{e.value:.4f}", f"{e.low:.4f} to {e.high:.4f}")
        if (e := metrics.get(name)) is not None
        else (METRICS[name].label, "-", "unknown")
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
        "promoted": trained.verdict.promote,
        "signal": trained.verdict.signal,
        "verdict": trained.verdict.sentence,
        "leaks": trained.leaks.to_dict(),
        "out_of_time": None if trained.out_of_time is None else trained.out_of_time.to_dict(),
        "untested": trained.untested,
        "warnings": trained.report.to_dict()["problems"],
    }


def _auto(trained: Trained) -> dict[str, Any] | None:
    """What ``auto`` compared and chose, None where a type was configured."""
    found: dict[str, Any] | None = trained.bundle.training["chosen"].get("auto")
    return found
