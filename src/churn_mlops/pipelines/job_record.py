"""Each job leaves a record in the store: when it last ran, how long it took, and whether it succeeded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, TypeVar

import structlog

from churn_mlops.config import Settings
from churn_mlops.errors import NoSuchJobError, StoreBusyError, StoreError
from churn_mlops.store import open_store
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.job_records import record_job

JobName = Literal["score", "send", "mature", "monitor", "review", "train", "backup"]
Given = ParamSpec("Given")
Result = TypeVar("Result")
Work = Callable[Concatenate[Settings, Given], Result]
WAIT_MS = 30_000
"""Longest wait for another writer: the job is done, and its end must not hang on its record."""
log = structlog.get_logger("churn_mlops.pipelines")


def recorded(name: JobName) -> Callable[[Work[Given, Result]], Work[Given, Result]]:
    """Decorates the function that does the job ``name``: each call leaves a record.

    A call that finds another run in progress was no try, and leaves none; nor does a job that the data has no use for.
    A record that cannot be written is logged, and changes nothing else: the job did what it did.
    """

    def decorate(work: Work[Given, Result]) -> Work[Given, Result]:
        @wraps(work)
        def run(settings: Settings, /, *args: Given.args, **named: Given.kwargs) -> Result:
            began_at = datetime.now(UTC)
            try:
                result = work(settings, *args, **named)
            except (StoreBusyError, NoSuchJobError):
                raise
            except BaseException:
                _record(settings, name, began_at, has_succeeded=False)
                raise
            _record(settings, name, began_at, has_succeeded=True)
            return result

        return run

    return decorate


def _record(settings: Settings, name: JobName, began_at: datetime, *, has_succeeded: bool) -> None:
    try:
        # A job that failed before there was a store makes none, nor tables in a file that was emptied.
        if inspect_store(settings.store.url).tables.revision is not None:
            with open_store(settings.store.url, lock_wait_ms=WAIT_MS) as store:
                record_job(store, name, began_at, datetime.now(UTC), has_succeeded=has_succeeded)
    except (StoreError, OSError) as error:
        log.warning("job_not_recorded", job=name, reason=str(error))
