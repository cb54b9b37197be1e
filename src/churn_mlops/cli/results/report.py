"""``churn report``."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say
from churn_mlops.config import Settings


def report(
    context: typer.Context,
    version: Annotated[int | None, typer.Argument(help="Number of the version; the live one when left out.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="HTML file to write, instead of report-VERSION.html in this folder; --weekly takes a .pdf, too."
        ),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write every picture into this folder too, as SVG and PNG.")
    ] = None,
    customers: Annotated[
        int | None, typer.Option(min=1, help="Customers to count the money for, instead of those of the source.")
    ] = None,
    weekly: Annotated[
        bool, typer.Option("--weekly", help="Write the figures of the dashboard instead, to weekly-DATE.html.")
    ] = False,
    send: Annotated[bool, typer.Option("--send", help="Send the weekly report to the webhook, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON, and write nothing.")] = False,
) -> None:
    """Write a report in plain words: how good a model is, what drives it, what it is worth, what it misses.

    Example: `churn report 3 --out report.html`
    """
    from churn_mlops.pipelines.training import report as job

    if send and not weekly:
        raise typer.BadParameter("only the weekly report is sent: add --weekly", param_hint="--send")
    if weekly:
        if version is not None or pictures is not None or customers is not None or as_json:
            raise typer.BadParameter(
                "takes --out and --send alone; for JSON: churn monitor --json", param_hint="--weekly"
            )
        _weekly(settings_of(context), out, send=send)
        return
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


def _weekly(settings: Settings, out: Path | None, *, send: bool) -> None:
    from churn_mlops.pipelines.delivery.webhook import RetryClock
    from churn_mlops.pipelines.monitoring.weekly_report import PDF, weekly_report

    found = weekly_report(settings)
    path = out or Path(f"weekly-{found.measured_on}.html")
    found.write(path)
    hint = "" if path.suffix.lower() == PDF else " Open it in a browser; it needs no network."
    say(f"Wrote the weekly report of {found.measured_on} to {path}.{hint}")
    if send:
        found.send(settings, RetryClock(Event().wait))
        say("Sent it to the webhook.")
