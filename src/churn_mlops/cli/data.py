"""``churn init`` and ``churn validate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say, table
from churn_mlops.errors import ConfigError

if TYPE_CHECKING:
    from churn_mlops.data.proposal import Proposal
    from churn_mlops.data.validation import ValidationReport


def init(
    context: typer.Context,
    from_address: Annotated[
        str, typer.Option("--from", metavar="FILE", help="CSV, Parquet, DuckDB or SQLite file, or a database address.")
    ],
    customer: Annotated[str | None, typer.Option(metavar="COL", help="Column that names the customer.")] = None,
    label: Annotated[str | None, typer.Option(metavar="COL", help="Column that says who left.")] = None,
    positive: Annotated[str | None, typer.Option(metavar="VALUE", help="Value of the label of who left.")] = None,
    table_name: Annotated[str | None, typer.Option("--table", help="Table of the database.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the contract that is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Look at the data and write a commented data contract, for a person to read and edit.

    Example: `churn init --from customers.csv --customer customer_id --label churned`
    """
    from churn_mlops.pipelines import init as job

    settings = settings_of(context)
    if settings.contract.path.exists() and not overwrite:
        raise ConfigError(f"{settings.contract.path} is there already: edit it, or replace it with --overwrite")
    started = job.start(
        from_address, table_name, settings, context.obj, customer=customer, label=label, positive=positive
    )
    proposal = started.proposal
    if as_json:
        print_json(
            {
                "contract": str(settings.contract.path),
                "settings": str(started.settings) if started.settings is not None else None,
                "findings": [
                    {"column": finding.column, "kind": finding.kind, "message": finding.message}
                    for finding in proposal.findings
                ],
                "advice": started.advice,
            }
        )
        return
    _show_proposal(proposal)
    if started.settings is not None:
        say(f"Wrote {started.settings}, which names the source for the other commands.")
    say(f"Wrote {settings.contract.path}. Read it, change what is wrong, then: churn validate, churn train")
    if proposal.contract.label is None:
        say("It has no label, so nothing can be trained yet: name the column that says who left with --label.")
    if started.advice is not None:
        say(f"But {started.advice}.")


def validate(
    context: typer.Context,
    from_address: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Check this file instead of the source.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Say whether the data keeps its contract: stop (exit code 1) or go, with every problem at once.

    Example: `churn validate --from today.csv`
    """
    from churn_mlops.pipelines import init as job

    report = job.validate_source(settings_of(context), from_address)
    if as_json:
        print_json(report.to_dict())
    else:
        _show_report(report)
    if report.stop:
        raise typer.Exit(1)


def _show_proposal(proposal: Proposal) -> None:
    from churn_mlops.data.outline import outlined  # with it comes what reads tables

    contract = proposal.contract
    rows = [tuple(row.values()) for row in proposal.overview()]
    table(
        f"{len(contract.features)} features",
        ("column", "used as", "type", "missing", "values"),
        rows,
        right=("missing",),
    )
    if proposal.findings:
        say("What to know about this data:")
    for finding in outlined(proposal.findings):
        say(f"  - {finding.column}: {finding.message}" if finding.column else f"  - {finding.message}")


def _show_report(report: ValidationReport) -> None:
    for problem in report.problems:
        say(str(problem))
    verdict = "Stop" if report.stop else "Go"
    stops = sum(problem.severity == "stop" for problem in report.problems)
    warnings = len(report.problems) - stops
    say(f"{verdict}: {report.rows:,} rows, {stops} that stop, {warnings} warning{'' if warnings == 1 else 's'}.")
