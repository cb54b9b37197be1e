"""``churn demo``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from churn_mlops.cli import scoring, serving, training
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import progress_bar, say

FOLDER = Path("demo")


def demo(
    context: typer.Context,
    customers: Annotated[int, typer.Option(min=2000, help="How many active customers the demo company has.")] = 20_000,
    months: Annotated[int, typer.Option(min=9, help="How many months its history has.")] = 24,
    seed: Annotated[int, typer.Option(min=0, help="Another seed makes another company.")] = 20261123,
    last_day: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="The last day of its history; without it yesterday, or that of the company in ./demo.",
        ),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve at the end, or end after the list.")] = True,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of serving.port.")] = None,
) -> None:
    """Make a company of made-up customers in ./demo, train on it, publish who is likely to churn, and serve.

    Example: `churn demo --no-serve`
    """
    from churn_mlops.pipelines.onboarding.demo import demo_settings, make_company
    from churn_mlops.pipelines.scoring.publish import run_day

    settings = demo_settings(settings_of(context), FOLDER)
    with progress_bar("Making the company"):
        made = make_company(FOLDER, customers, months, seed, None if last_day is None else last_day.date())
    if made:
        say(f"Made a company of {customers:,} customers, with a history of {months} months, in {FOLDER}/.")
        from churn_mlops.pipelines.training import train as training_job

        with progress_bar("Training") as progress:
            trained = training_job.train(settings, progress=progress)
        training.show(trained, FOLDER / "config.yaml")
    else:
        say(f"The company in {FOLDER}/ has its model already.")
    scoring.show(run_day(settings).scored, settings)
    say(f"Published in {FOLDER}/churn.db. Go on with it: churn --config {FOLDER}/config.yaml score --out list.csv")
    if serve:
        from churn_mlops.serving.server import serve as run

        if port is not None:
            settings = settings.model_copy(update={"serving": settings.serving.model_copy(update={"port": port})})
        run(settings, announce=serving.announce, read_customer=serving.reader(settings))
