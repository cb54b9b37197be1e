"""``churn models``: the registered versions, and which one is live."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from churn_mlops.cli.keys import who
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import TAKEN_UP, print_json, say, table

app = typer.Typer(help="List model versions, make one live, go back to the one before.", no_args_is_help=True)


@app.command("list")
def list_versions(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """List the registered versions, the newest first, and which was live when.

    Example: `churn models list`
    """
    from churn_mlops.pipelines.deployment import promote as job

    versions, deployments = job.overview(settings_of(context))
    live = [deployment.to_entry() for deployment in deployments]
    if as_json:
        print_json({"versions": [asdict(version) for version in versions], "live": live})
        return
    if not versions and not live:
        say("No model is registered yet: train one with `churn train`.")
        return
    if not versions:
        say("MLflow knows no version, as after a restore without its data. The store says what is live.")
    rows = [
        (v.number, ", ".join(v.aliases), v.model_type, _figure(v.log_loss), _figure(v.auc), _minute(v.created))
        for v in versions
    ]
    columns = ("version", "alias", "type", "log loss", "AUC", "registered")
    if rows:
        table("Versions", columns, rows, right=("version", "log loss", "AUC"), whole=("alias", "type"))
    if live:
        lived = [(p["version"], _minute(p["since"]), _minute(p["to"]) if p["to"] else "now", p["reason"]) for p in live]
        table("Live", ("version", "from", "to", "reason"), lived, right=("version",))


@app.command()
def promote(
    context: typer.Context,
    version: Annotated[int, typer.Argument(help="Number of the version, as `churn models list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the record of what was live when.")],
) -> None:
    """Make a registered version live, whatever the comparison says.

    Example: `churn models promote 3 --reason "approved by the board"`
    """
    from churn_mlops.pipelines.deployment import promote as job

    live = job.promote(settings_of(context), version, _given(reason), by=who())
    say(f"Version {live.version} ({live.model_type}) is live since {live.live_from}. {TAKEN_UP}")


@app.command()
def rollback(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; kept with the record of what was live when.")] = "rollback",
) -> None:
    """Make the version that was live before the champion live again.

    Example: `churn models rollback --reason "too many false alarms"`
    """
    from churn_mlops.pipelines.deployment import promote as job

    live = job.rollback(settings_of(context), _given(reason), by=who())
    say(f"Version {live.version} ({live.model_type}) is live again since {live.live_from}. {TAKEN_UP}")


@app.command()
def review(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Decide about the version on trial, and go back if the live version earns less; the daily run does it too.

    Example: `churn models review`
    """
    from churn_mlops.pipelines.deployment import review as job

    found = job.review(settings_of(context))
    live = found.deployment
    if as_json:
        entry = None if live is None else live.to_entry()
        print_json({"step": found.step, "reason": found.sentence, "live": entry})
        return
    say(f"{found.sentence[0].upper()}{found.sentence[1:]}.")
    if live is not None:
        again = " again" if live.rollback else ""
        say(f"Version {live.version} ({live.model_type}) is live{again} since {live.live_from}. {TAKEN_UP}")
    elif found.step == "refuse":
        say("It does not go live; the champion stays.")


def _given(reason: str) -> str:
    if not reason.strip():
        raise typer.BadParameter("the reason is empty: say why", param_hint="--reason")
    return reason.strip()


@app.command()
def sync(context: typer.Context) -> None:
    """Bring the models folder of this machine up to date, so that it can serve while the store is unavailable.

    Example: `churn models sync`
    """
    from churn_mlops.pipelines.deployment import promote as job

    live = job.sync(settings_of(context))
    if live is None:
        say("No model was ever live, neither in the models folder nor in the store.")
    else:
        say(f"Version {live.version} ({live.model_type}) is live since {live.live_from}, here and in the store.")


def _minute(time: str) -> str:
    return time[:16].replace("T", " ") + " UTC"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
