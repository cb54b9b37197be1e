"""Weeks of a company at its own clock: lists of earlier dates and of today, outcomes, figures.

python -m tests.infra.alerts.weeks CONFIG DATE ...
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from churn_mlops.config import load_settings
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scoring.publish import run_day


def live_through(config: str, *dates: str) -> None:
    """Do what the daily runs of these dates and of today do."""
    settings = load_settings(Path(config), {})
    for day in dates:
        run_day(settings, date.fromisoformat(day))
    run_day(settings)
    record_outcomes(settings)
    measure(settings)
