"""``churn monitor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say, table
from churn_mlops.store.measurements import StoredMeasurement


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
    say(f"Measured {len(measured.figures):,} figures on {measured.measured_on}. Open /dashboard, or add --json.")
    rows = [
        (one.name, one.part, _value(one), one.status.replace("_", " "), one.next_step)
        for one in measured.figures
        if one.status in ("watch", "act") and one.is_final
    ]
    if not rows:
        say("No figure asks for anything.")
        return
    table("Figures that ask for something", ("figure", "of", "value", "status", "what to do next"), rows)


def _value(one: StoredMeasurement) -> str:
    if one.value is None:
        return "too little data"
    interval = "" if one.low is None or one.high is None else f" ({one.low:,.4g} to {one.high:,.4g})"
    return f"{one.value:,.4g}{interval}"
