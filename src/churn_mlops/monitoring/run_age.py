"""The age of the newest run."""

from __future__ import annotations

from datetime import datetime

from churn_mlops.monitoring.measurement import Measurement, Status, too_little

WATCH_HOURS, ACT_HOURS = 26.0, 50.0
"""A daily run is a little late after 26 hours; after 50 hours two are missing."""


def run_age(finished_at: datetime | None, now: datetime) -> Measurement:
    """Hours since the newest run was published.

    Args:
        finished_at: when, with its time zone; None where nothing was published.
        now: the present time, with its time zone.
    """
    if finished_at is None:
        return too_little("last_run", "", "Publish a run: there is none.")
    hours = max(0.0, (now - finished_at).total_seconds() / 3600)
    status: Status = "act" if hours > ACT_HOURS else "watch" if hours > WATCH_HOURS else "good"
    step = {
        "good": "Nothing to do: the newest list is of today.",
        "watch": "See whether today's run is under way.",
        "act": "Start the daily run, and read its log: agents work an old list.",
    }[status]
    return Measurement("last_run", "", hours, None, None, None, None, status, step)
