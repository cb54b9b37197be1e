"""``churn init`` and ``churn validate``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import in_lines, print_json, say, table, waiting
from churn_mlops.errors import ConfigError

if TYPE_CHECKING:
    from churn_mlops.data.proposal.flat_proposal import Proposal
    from churn_mlops.data.proposal.history_proposal import HistoryProposal
    from churn_mlops.data.validation.validate import ValidationReport
    from churn_mlops.pipelines.onboarding.init import InitResult

NAMES = ("table", "column", "time", "customer")
"""The columns of an overview that hold names, which are never broken inside a word."""


def init(
    context: typer.Context,
    from_address: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="FILE",
            help="CSV, Excel, Parquet, JSON or other file of tables, a folder of files, or a database address.",
        ),
    ],
    customer: Annotated[str | None, typer.Option(metavar="COL", help="Column of the customer ID.")] = None,
    label: Annotated[str | None, typer.Option(metavar="COL", help="Column that says which customers churned.")] = None,
    positive: Annotated[
        str | None, typer.Option(metavar="VALUE", help="Value of the label for customers who churned.")
    ] = None,
    table_name: Annotated[
        str | None, typer.Option("--table", help="Table of the database, or sheet; all if left out.")
    ] = None,
    inactive_days: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Days without an event after which a customer of a history has churned."),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day on which the rows of a flat table were taken."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the contract that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Read the data and write a commented data contract, for you to read and edit.

    A folder or a database of several tables, or one table of events or subscriptions, gets the contract of a history.

    Example: `churn init --from customers.csv --customer customer_id --label churned`
    """
    from churn_mlops.pipelines.onboarding import init as job

    settings = settings_of(context)
    if settings.contract.path.exists() and not overwrite:
        raise ConfigError(f"{settings.contract.path} is there already: edit it, or replace it with --overwrite")
    day = None if as_of is None else as_of.date()
    request = job.InitRequest(from_address, table_name, customer, label, positive, inactive_days, day)
    with waiting("Reading the data"):
        result = job.initialize(request, settings.contract.path, settings.source, context.obj)
    if as_json:
        print_json(_document(result, settings.contract.path))
    else:
        _show(result, settings.contract.path)


def validate(
    context: typer.Context,
    from_address: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Check this file instead of the source.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Check whether the data keeps its contract: stop (exit code 1) or go, and name every problem.

    The tables of a history are checked against each other first, then the snapshot of the as-of date.

    Example: `churn validate --from today.csv`
    """
    from churn_mlops.pipelines.inputs import validate_source as job

    with waiting("Checking the data"):
        report = job.validate_source(settings_of(context), from_address)
    if as_json:
        print_json(report.to_dict())
    else:
        _show_report(report)
    if report.stop:
        raise typer.Exit(1)


def _document(result: InitResult, contract: Path) -> dict[str, Any]:
    return {
        "contract": str(contract),
        "settings": str(result.settings) if result.settings is not None else None,
        "findings": [
            {"column": finding.column, "kind": finding.kind, "message": finding.message}
            for finding in result.proposal.findings
        ],
        "advice": result.advice,
    }


def _show(result: InitResult, contract: Path) -> None:
    _show_proposal(result.proposal)
    if result.settings is not None:
        say(f"Wrote {result.settings}, which names the source for the other commands.")
    if result.newest is not None:
        whole = result.as_of == result.newest
        day = "" if whole else f", a day that may not be complete: the day before, {result.as_of}, counts"
        say(f"The newest row is of {result.newest}{day}. Runs are as of the last complete day (source.as_of: latest).")
    say(f"Wrote {contract}. Read it, change what is wrong, then: churn validate, churn train")
    if result.proposal.contract.label is None:
        say(_no_label(result.proposal))
    if result.advice is not None:
        say(f"But {result.advice}.")


def _no_label(proposal: Proposal | HistoryProposal) -> str:
    how = "name the column that says which customers churned with --label"
    if "tables" in type(proposal.contract).model_fields:
        how = "declare churn dates in the contract, or the days of inactivity that count as churn (--inactive-days)"
    return f"It has no label, so nothing can be trained yet: {how}."


def _show_proposal(proposal: Proposal | HistoryProposal) -> None:
    from churn_mlops.data.proposal.summary import group_left_out, group_missing  # with it comes what reads tables

    overview = proposal.overview()
    count = len(proposal.contract.features)
    table(
        f"{count} feature{'' if count == 1 else 's'}",
        [name.replace("_", " ") for name in overview[0]],
        [tuple(in_lines(cell) if name in NAMES else cell for name, cell in row.items()) for row in overview],
        right=("missing", "rows"),
        whole=(*NAMES, "rows"),
    )
    if proposal.findings:
        say("What to know about this data:")
    for finding in group_missing(group_left_out(proposal.findings)):
        say(f"  - {finding.column}: {finding.message}" if finding.column else f"  - {finding.message}")


def _show_report(report: ValidationReport) -> None:
    for problem in report.problems:
        say(str(problem))
    verdict = "Stop" if report.stop else "Go"
    stops = sum(problem.severity == "stop" for problem in report.problems)
    warnings = len(report.problems) - stops
    say(f"{verdict}: {report.rows:,} rows, {stops} that stop, {warnings} warning{'' if warnings == 1 else 's'}.")
