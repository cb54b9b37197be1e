"""Whether a training is due: by the calendar, or because the lists lose money."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from churn_mlops.config import Settings
from churn_mlops.store import open_store
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.job_records import job_records
from churn_mlops.store.measurements import MeasuredDay, latest_measurements
from churn_mlops.store.trials import running_trial

DECAY_DAYS = 7
"""Fewest days between two trainings because of lost money: of many candidates one would look better by chance."""


@dataclass(frozen=True)
class Due:
    """Whether a training is due, and why, in a sentence without its full stop."""

    is_due: bool
    sentence: str


def is_training_due(settings: Settings, now: datetime) -> Due:
    """Whether a training is due.

    Args:
        settings: of the sections ``training`` and ``store``.
        now: the present, with a time zone.

    Raises:
        StoreError: the store fails.
    """
    if inspect_store(settings.store.url).tables.revision is None:
        return Due(True, "nothing was trained yet")
    with open_store(settings.store.url) as store:
        trained = next((job.succeeded_at for job in job_records(store) if job.name == "train"), None)
        measured, trial = latest_measurements(store), running_trial(store)
    if trained is None:
        return Due(True, "nothing was trained yet")
    days = (now.astimezone(UTC).date() - trained.date()).days  # the job of a night may begin earlier than the last one
    if days < -1:  # the clock was ahead: by it, none would be due for as long
        return Due(True, f"the last training is dated {-days} days ahead")
    if trial is not None:
        return Due(False, f"version {trial.version} is on trial; its result comes first")
    if days >= settings.training.due_days:
        return Due(True, f"the last training was {days} days ago")
    if days >= DECAY_DAYS and (lost := _money_lost(measured)) is not None:
        return Due(True, f"the lists lose {lost:,.0f} a month against those of the model when it was new")
    due = trained + timedelta(days=settings.training.due_days)
    return Due(False, f"the last training was {days} days ago, and the next is due on {due:%Y-%m-%d}")


def _money_lost(measured: MeasuredDay | None) -> float | None:
    """The money that the lists lose beyond chance, by final labels; None where they do not."""
    figures = () if measured is None else measured.figures
    lost = (one.value for one in figures if one.name == "money_lost" and one.is_final and one.status == "act")
    return next(lost, None)
