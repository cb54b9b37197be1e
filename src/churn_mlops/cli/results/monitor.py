"""``churn monitor``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say, table
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

_OF_CAMPAIGN = ("success", "roi", "stayed_treated", "stayed_control")


def monitor(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
) -> None:
    """Measure whether the model is right and whether offers work, and keep the figures of the dashboard.

    Example: `churn monitor`
    """
    from churn_mlops.pipelines.monitoring.measure import measure

    measured = measure(settings_of(context))
    if as_json:
        figures = [asdict(one) for one in measured.figures]
        print_json({"measured_on": measured.measured_on.isoformat(), "figures": figures})
        return
    show(measured)


def show(measured: MeasuredDay) -> None:
    """Print which figures ask for something, the most urgent first, on 80 columns.

    Args:
        measured: all figures of a date.
    """
    say(f"Measured {len(measured.figures):,} figures on {measured.measured_on}. Open /dashboard, or add --json.")
    rows = [
        (one.status, "\n".join(_lines(one)), one.next_step)
        for one in sorted(measured.figures, key=lambda one: one.status != "act")
        if one.status in ("watch", "act") and one.is_final
    ]
    if not rows:
        say("No figure asks for anything.")
        return
    table(None, ("status", "figure", "what to do next"), rows, whole=("status",))


def _lines(one: StoredMeasurement) -> Iterator[str]:
    """The figure, what it is about, and its value: below each other, so that 80 columns hold them."""
    yield one.name.replace("_", " ")
    if one.part:
        yield f"campaign {one.part}" if one.name in _OF_CAMPAIGN else one.part.replace("_", " ").replace("=", ": ")
    yield _value(one)


def _value(one: StoredMeasurement) -> str:
    if one.value is None:
        return "too little data"
    interval = "" if one.low is None or one.high is None else f" ({one.low:,.4g} to {one.high:,.4g})"
    return f"{one.value:,.4g}{interval}"
