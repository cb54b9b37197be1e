"""``churn report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say


def report(
    context: typer.Context,
    version: Annotated[int | None, typer.Argument(help="Number of the version; the live one when left out.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="HTML file to write, instead of report-VERSION.html in this folder.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write every picture into this folder too, as SVG and PNG.")
    ] = None,
    customers: Annotated[
        int | None, typer.Option(min=1, help="Customers to count the money for, instead of those of the source.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON, and write nothing.")] = False,
) -> None:
    """Write a report in plain words: how good a model is, what drives it, what it is worth, what it misses.

    Example: `churn report 3 --out report.html`
    """
    from churn_mlops.pipelines.training import report as job

    if as_json and (out is not None or pictures is not None):
        raise typer.BadParameter(
            "prints the facts and writes nothing: leave --out and --pictures out", param_hint="--json"
        )
    found = job.recorded(settings_of(context), version, customers)
    if as_json:
        print_json(found.to_dict())
        return
    path = out or Path(f"report-{found.version}.html")
    drawn = job.write_report(found, path, pictures)
    say(f"Wrote the report of version {found.version} to {path}. Open it in a browser; it needs no network.")
    if pictures is not None:
        say(f"Wrote its {drawn} pictures to {pictures}/, each as SVG and PNG.")
