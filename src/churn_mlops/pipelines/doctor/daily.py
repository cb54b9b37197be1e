"""The daily run: the store it publishes to, and whether it is on time."""

from __future__ import annotations

from collections.abc import Iterator

from churn_mlops.config import Settings
from churn_mlops.database_urls import shown
from churn_mlops.errors import StoreError, StoreVersionError
from churn_mlops.pipelines.doctor.findings import Finding
from churn_mlops.pipelines.doctor.reachability import check_reachable
from churn_mlops.store.database.inspect import LOCK_SECONDS, StoreStatus, inspect_store, is_locked
from churn_mlops.store.database.network_volume import check_local


def store_found(settings: Settings) -> Iterator[Finding]:
    """Whether the store can be reached and written, and its tables are those of this version."""
    where = shown(settings.store.url)
    try:
        check_reachable(settings.store.url)
    except OSError as error:
        yield Finding("store", "failed", f"{where} cannot be reached ({error})", "start it, or correct store.url")
        return
    try:
        check_local(settings.store.url)
    except StoreError as error:
        yield Finding("store", "failed", str(error))
        return
    look = inspect_store(settings.store.url)
    if look.obstacle is not None:
        yield Finding("store", "failed", f"{where}: {look.obstacle}", "change that, or set store.url to another place")
    elif look.file is not None and not look.file.exists():
        yield Finding("store", "ok", f"{where} is not there yet; the first list that is published makes it")
    elif look.is_ready and look.file is not None and is_locked(look.file):
        summary = f"{where}: another program has been writing to it for {LOCK_SECONDS:.0f} seconds and more, so that "
        advice = f"wait for it, or end it: `lsof {look.file}` names the programs that have it open"
        yield Finding("store", "warning", f"{summary}contacts are refused and jobs wait", advice)
    else:
        yield _tables_found(look, where)


def schedule_found(settings: Settings) -> Iterator[Finding]:
    """Whether the daily run is on time, once a list has been published."""
    look = inspect_store(settings.store.url)
    if not look.is_ready:
        return  # the store has its own check; nothing was ever published in it
    # Imported here: it brings what scores, which takes a second, and before the first run the checks need not wait.
    from churn_mlops.pipelines.scheduling.daily_job import last_success, timetable_of, utc_now
    from churn_mlops.pipelines.scheduling.lateness import punctuality

    now = utc_now()
    timetable = timetable_of(settings, now)
    success = last_success(settings, timetable)
    if success is None:
        return
    found = punctuality(timetable, success, now)
    summary = f"last success as of {success.as_of}, finished {success.finished_at:%Y-%m-%d %H:%M %Z}"
    if found.overdue_since is None:
        yield Finding("schedule", "ok", f"{summary}; the next run is due {found.next_run.at:%Y-%m-%d %H:%M %Z}")
        return
    advice = "is `churn schedule` running? Its log says why a run failed"
    yield Finding("schedule", "warning", f"{summary}; overdue since {found.overdue_since:%Y-%m-%d %H:%M %Z}", advice)


def _tables_found(look: StoreStatus, where: str) -> Finding:
    if look.tables.revision is None and look.file is not None:
        return Finding(
            "store", "ok", f"{where} is writable and empty; the first command that opens it makes its tables"
        )
    try:
        look.tables.check(where)
    except StoreVersionError as error:
        return Finding("store", "failed", str(error))
    return Finding("store", "ok", f"{where} is writable, its tables are of revision {look.tables.revision}")
