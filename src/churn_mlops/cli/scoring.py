"""``churn score``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, progress_bar, say, table

if TYPE_CHECKING:
    from churn_mlops.pipelines.score import Scored

TOP = 10


def score(
    context: typer.Context,
    from_address: Annotated[
        str | None, typer.Option("--from", metavar="FILE", help="Score all customers of this file, not of the source.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write all scored customers, best first, to this .csv, .parquet or .json.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Score the customers whose label is not known yet, and print who is likely to churn, best first.

    Example: `churn score --out list.csv`
    """
    from churn_mlops.pipelines import score as job
    from churn_mlops.pipelines.export import FORMATS, export

    if out is not None and out.suffix.lower() not in FORMATS:
        raise typer.BadParameter(f"{out}: the ending says the format, one of {', '.join(FORMATS)}", param_hint="--out")
    settings = settings_of(context)
    with progress_bar("Scoring") as progress:
        scored = job.score(settings, date.today(), from_address=from_address, progress=progress)
        if out is not None:
            export(scored.customers, out)
    if as_json:
        print_json(_document(scored))
    else:
        show(scored)
        if out is not None:
            say(f"Wrote {len(scored.customers):,} customers to {out}.")


def show(scored: Scored) -> None:
    """Print the list's two numbers and its top."""
    say(
        f"{scored.likely:,} of {len(scored.customers):,} customers are likely to churn; "
        f"{scored.worth_an_offer:,} are worth an offer. (model version {scored.version}, as of {scored.as_of})"
    )
    if scored.out_of_fold:
        say("Every customer has a label, so the scores are out of fold: each by a model fitted without that customer.")
    warnings = len(scored.report.problems)
    if warnings:
        say(f"The data raised {warnings} {'warning' if warnings == 1 else 'warnings'}: `churn validate` shows them.")
    name = scored.customers.column_names[1]
    rows = [
        (
            row["rank"],
            row[name],
            f"{row['risk_band'].capitalize()} ({100 * row['score']:.0f} %)",
            "\n".join(reason for reason in (row["reason_1"], row.get("reason_2")) if reason),
            row["action"].replace("_", " "),
        )
        for row in scored.customers.slice(0, TOP).to_pylist()
    ]
    table(None, ("", name.replace("_", " "), "risk", "linked with", "action"), rows, right=("",))


def _document(scored: Scored) -> dict[str, Any]:
    return {
        "as_of": scored.as_of.isoformat(),
        "model_version": scored.version,
        "customers": len(scored.customers),
        "likely_to_churn": scored.likely,
        "worth_an_offer": scored.worth_an_offer,
        "out_of_fold": scored.out_of_fold,
        "list": [row for row in scored.customers.to_pylist() if row["will_churn"]],
        "warnings": scored.report.to_dict()["problems"],
    }
