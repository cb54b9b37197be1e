"""The command's frame: global options, exit codes, and the list of commands.

Exit codes: 0 done, 1 failed (or: the data says stop), 2 wrong use.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from churn_mlops import __version__
from churn_mlops.cli import (
    audit,
    data,
    demo,
    doctor,
    keys,
    models,
    schedule,
    scoring,
    serving,
    status,
    training,
)
from churn_mlops.cli import users as people
from churn_mlops.cli.campaigns import campaign, contacts
from churn_mlops.cli.results import monitor, report
from churn_mlops.cli.storage import backup, store
from churn_mlops.cli.storage import forget as forgetting
from churn_mlops.cli.terminal import complain
from churn_mlops.config import DEFAULT_PATH
from churn_mlops.errors import ChurnError
from churn_mlops.logs import configure


class Frame(TyperGroup):
    """Runs a command; an error that a person can put right is one sentence, without a traceback."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that ``ctx`` holds."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except ChurnError as error:
            complain(str(error))
            raise typer.Exit(1) from None
        except ModuleNotFoundError as error:
            if str(error.name).partition(".")[0] == "churn_mlops":
                raise
            complain(
                f"this installation lacks `{error.name}`, which the command needs: it was made to serve only. "
                "Run the command where all of churn-mlops is installed, such as in the image churn-prediction-jobs"
            )
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            complain("stopped")
            raise typer.Exit(130) from None
        except BrokenPipeError:
            # The reader (`| head`) has seen enough; the rest goes nowhere, so that Python's exit does not complain.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None


app = typer.Typer(
    name="churn",
    cls=Frame,
    help="Predict who is about to leave, say why, and decide who is worth an offer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"churn-mlops {__version__}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help=f"Settings file; {DEFAULT_PATH} of the working directory, if it is there.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Predict who is about to leave, say why, and decide who is worth an offer."""
    context.obj = config
    if (
        "PGAPPNAME" not in os.environ
    ):  # PostgreSQL shows it beside each connection, also beside those of child processes
        os.environ["PGAPPNAME"] = f"churn {context.invoked_subcommand}"
        context.call_on_close(partial(os.environ.pop, "PGAPPNAME", None))


app.command("init")(data.init)
app.command("validate")(data.validate)
app.command("train")(training.train)
app.add_typer(models.app, name="models")
app.add_typer(keys.app, name="keys")
app.add_typer(people.app, name="people")
app.add_typer(store.app, name="store")
app.command("audit")(audit.audit)
app.command("report")(report.report)
app.command("score")(scoring.score)
app.command("mature")(scoring.mature)
app.command("monitor")(monitor.monitor)
app.command("forget")(forgetting.forget)
app.add_typer(campaign.app, name="campaign")
app.add_typer(contacts.app, name="contacts")
app.command("schedule")(schedule.schedule)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("serve")(serving.serve)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("status")(status.status)


def main() -> None:
    """Run the command that the arguments of the process name."""
    # Known before the settings are read: an error of theirs is a line of JSON too.
    configure(format="json" if os.environ.get("CHURN__LOGGING__FORMAT") == "json" else "auto")
    app()
