"""``churn store``: the tables of the operational store."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say

app = typer.Typer(help="Make the tables of the store, bring them up to date, and look at them.", no_args_is_help=True)


@app.command()
def migrate(
    context: typer.Context,
    to: Annotated[
        str | None, typer.Option(help="Revision to bring the tables to, such as 0012; the newest, if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Bring the tables of the store to the newest revision, or to an earlier one; make them where there are none.

    Run it before the new version starts. Servers and jobs of the version before go on meanwhile. An earlier revision
    drops what later ones added: make a backup first, and run it with the newer version.

    Example: `churn store migrate`
    """
    from churn_mlops.database_urls import shown
    from churn_mlops.store import migrate_store
    from churn_mlops.store.database.schema import HEAD

    address = settings_of(context).store.url
    before, after = migrate_store(address, to or HEAD)
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        say(f"The tables of {shown(address)} are of revision {after} already.")
    elif before is None:
        say(f"The tables of {shown(address)} are made, of revision {after}.")
    else:
        say(f"The tables of {shown(address)} were of revision {before}, and are of {after} now.")


@app.command()
def status(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Say whether the store can be reached and written, and whether its tables fit this version; change nothing.

    Ends with 1 if this version cannot work on the store.

    Example: `churn store status`
    """
    from churn_mlops.pipelines.doctor.daily import store_found

    findings = list(store_found(settings_of(context)))
    if as_json:
        print_json([asdict(one) for one in findings])
    else:
        for one in findings:
            say(str(one))
    if any(one.status == "failed" for one in findings):
        raise typer.Exit(1)
