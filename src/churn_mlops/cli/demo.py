"""``churn demo``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from churn_mlops.cli import scoring, serving, training
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import progress_bar, say
from churn_mlops.config import Settings
from churn_mlops.config.environment import from_environment
from churn_mlops.config.exposure import check_hash_key
from churn_mlops.database_urls import shown

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
    half_year: Annotated[
        bool | None,
        typer.Option(
            "--half-year/--no-half-year",
            help="Let the company work with lists for half a year first; done where the demo serves.",
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, instead of serving.port.")] = None,
) -> None:
    """Make a company of made-up customers in ./demo, train on it, publish who is likely to churn, and serve.

    Example: `churn demo --no-serve`
    """
    from churn_mlops.pipelines.monitoring.measure import measure
    from churn_mlops.pipelines.onboarding.demo import is_kept, make_company, note_trained
    from churn_mlops.pipelines.onboarding.demo_places import check_places, demo_settings
    from churn_mlops.pipelines.scoring.publish import run_day

    given = from_environment(os.environ).values
    settings = demo_settings(settings_of(context), FOLDER, given)
    if serve:
        check_hash_key(settings)
    until = None if last_day is None else last_day.date()
    check_places(settings, given, is_kept=is_kept(FOLDER, customers, months, seed, until))
    with progress_bar("Making the company"):
        made = make_company(FOLDER, customers, months, seed, until)
    if made:
        say(f"Made a company of {customers:,} customers, with a history of {months} months, in {FOLDER}/.")
        if serve if half_year is None else half_year:
            _live_half_year(settings, seed)
        from churn_mlops.pipelines.training import train as training_job

        with progress_bar("Training") as progress:
            trained = training_job.train(settings, progress=progress)
        note_trained(FOLDER)
        training.show(trained, FOLDER / "config.yaml")
    else:
        say(f"The company in {FOLDER}/ has its model already.")
    scoring.show(run_day(settings).scored, settings)
    measure(settings)
    place = _place_of(settings.store.url)
    say(f"Published in {place}. Go on with it: churn --config {FOLDER}/config.yaml score --out list.csv")
    if serve:
        from churn_mlops.serving.server import serve as run

        if port is not None:
            settings = settings.model_copy(update={"serving": settings.serving.model_copy(update={"port": port})})
        run(settings, announce=serving.announce, read_customer=serving.reader(settings))


def _live_half_year(settings: Settings, seed: int) -> None:
    from churn_mlops.pipelines.onboarding.demo import last_day_in
    from churn_mlops.pipelines.onboarding.half_year import live_half_year

    with progress_bar("Half a year of lists") as progress:
        found = live_half_year(settings, FOLDER, last_day_in(FOLDER), seed, progress)
    say(
        f"Half a year: {found.lists} lists, {found.contacts:,} contacts in two campaigns; an offer kept "
        f"{found.kept:,} customers, and drove {found.driven_away:,} away."
    )


def _place_of(address: str) -> str:
    """The file of a store, or the address of its server without the password."""
    return shown(address).removeprefix("sqlite:///")
