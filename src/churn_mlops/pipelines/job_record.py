"""Each job leaves a record in the store: when it last ran, how long it took, and whether it succeeded.

Its beginning is recorded too: a process that is killed records no end, and its job would seem never to have been tried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, TypeVar

import structlog

from churn_mlops.config import Settings
from churn_mlops.errors import NoSuchJobError, StoreBusyError, StoreError
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.job_records import JobRecord, begin_job, record_job, withdraw_job

JobName = Literal["score", "send", "mature", "monitor", "review", "train", "backup"]
Given = ParamSpec("Given")
Result = TypeVar("Result")
Work = Callable[Concatenate[Settings, Given], Result]
UNBEGUN = ("backup",)
"""A copy of the store would hold its own open try; where no backup is made any more, an alert asks for its success."""
NoTry = Callable[[], None]
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
            withdraw = _begin(settings, name, began_at) if name not in UNBEGUN else lambda: None
            try:
                result = work(settings, *args, **named)
            except (StoreBusyError, NoSuchJobError):
                withdraw()
                raise
            except BaseException:
                _end(settings, name, began_at, has_succeeded=False)
                raise
            _end(settings, name, began_at, has_succeeded=True)
            return result

        return run

    return decorate


def _begin(settings: Settings, name: JobName, began_at: datetime) -> NoTry:
    """Record the beginning; returns what takes it back. If it cannot be written, the end says why."""
    with suppress(StoreError, OSError), _store(settings) as store:
        if store is not None:
            before = begin_job(store, name, began_at)
            return lambda: _withdraw(settings, name, began_at, before)
    return lambda: None


def _withdraw(settings: Settings, name: JobName, began_at: datetime, before: JobRecord | None) -> None:
    with _said(name), _store(settings) as store:
        if store is not None:
            withdraw_job(store, name, began_at, before)


def _end(settings: Settings, name: JobName, began_at: datetime, *, has_succeeded: bool) -> None:
    with _said(name), _store(settings) as store:
        if store is not None:
            record_job(store, name, began_at, datetime.now(UTC), has_succeeded=has_succeeded)


@contextmanager
def _said(name: JobName) -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        log.warning("job_not_recorded", job=name, reason=str(error))


@contextmanager
def _store(settings: Settings) -> Iterator[Store | None]:
    """The store, None where it has no tables: a job that failed before makes none, nor in a file that was emptied."""
    if inspect_store(settings.store.url).tables.revision is None:
        yield None
        return
    with open_store(settings.store.url, lock_wait_ms=WAIT_MS) as store:
        yield store
