"""``churn schedule``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from churn_mlops.cli.interrupts import Stopping
from churn_mlops.cli.settings import settings_of
from churn_mlops.cli.terminal import print_json, say
from churn_mlops.config.exposure import check_hash_key
from churn_mlops.errors import ChurnError
from churn_mlops.logs import is_json_only

if TYPE_CHECKING:
    from churn_mlops.config import Settings
    from churn_mlops.pipelines.scheduling.lateness import ScheduleStatus
    from churn_mlops.pipelines.scheduling.metrics import ScheduleMetrics
    from churn_mlops.pipelines.scheduling.scheduler import Schedule
    from churn_mlops.pipelines.scheduling.timetable import Timetable

log = structlog.get_logger("churn_mlops.cli.schedule")


def schedule(
    context: typer.Context,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Run every day since the last success, not only the last one.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Say when it last succeeded and is due next, and end; 1 if a day late.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --status: print JSON, for machines.")] = False,
) -> None:
    """Run the daily job at `schedule.at`, until stopped (Ctrl-C); missed days are caught up with immediately.

    Example: `churn schedule`
    """
    if as_json and not status:
        raise typer.BadParameter("goes with --status", param_hint="--json")
    if backfill and status:
        raise typer.BadParameter("does not go with --status", param_hint="--backfill")
    settings = settings_of(context)
    # With it comes what scores, which takes a second.
    from churn_mlops.pipelines.scheduling.daily_job import timetable_of, utc_now

    timetable = timetable_of(settings, utc_now())
    if status:
        _status(settings, timetable, as_json)
    else:
        _keep(settings, timetable, backfill)


def _keep(settings: Settings, timetable: Timetable, backfill: bool) -> None:
    from churn_mlops.pipelines.delivery.webhook import RetryClock
    from churn_mlops.pipelines.scheduling.daily_job import daily_job, utc_now
    from churn_mlops.pipelines.scheduling.metrics import ScheduleMetrics
    from churn_mlops.pipelines.scheduling.scheduler import Schedule
    from churn_mlops.pipelines.scheduling.steps import Retries
    from churn_mlops.store.database.network_volume import check_local

    check_hash_key(settings)
    check_local(settings.store.url)
    wanted = settings.schedule
    with Stopping() as stopping:
        metrics = ScheduleMetrics(utc_now)
        job = daily_job(settings, timetable, RetryClock(stopping.wait), backfill=backfill, metrics=metrics)
        following = timetable.next(utc_now()).at
        if not is_json_only():  # the event `next_run_scheduled` says it
            say(f"Runs daily at {wanted.at} ({timetable.zone.key}), next on {following:%Y-%m-%d}. Stop with Ctrl-C.")
        schedule = Schedule(
            timetable,
            job,
            Retries(wanted.retries, wanted.first_wait_seconds, wanted.again, wanted.again_seconds),
            clock=utc_now,
            wait=stopping.wait,
            backfill=backfill,
            metrics=metrics,
        )
        with _metrics_shown(settings, metrics, schedule):
            schedule.keep()


@contextmanager
def _metrics_shown(settings: Settings, metrics: ScheduleMetrics, schedule: Schedule) -> Iterator[None]:
    """Answer for the metrics and the health of ``schedule``, if the settings name a port."""
    from churn_mlops.pipelines.scheduling.metrics_server import metrics_server

    wanted = settings.schedule
    if wanted.metrics_port is None:
        yield
        return
    with metrics_server(wanted.metrics_host, wanted.metrics_port, metrics.registry, schedule.health) as address:
        log.info("metrics_server_started", metrics=f"{address}/metrics", health=f"{address}/health")
        yield


def _status(settings: Settings, timetable: Timetable, as_json: bool) -> None:
    from churn_mlops.pipelines.inputs.freshness import freshness
    from churn_mlops.pipelines.scheduling.daily_job import last_success, utc_now
    from churn_mlops.pipelines.scheduling.lateness import punctuality

    found = punctuality(timetable, last_success(settings, timetable), utc_now())
    try:
        source, remark = freshness(settings, utc_now()), None
    except ChurnError as error:  # the daily run stands as it stands, whatever the source does now
        source, remark = None, f"The source cannot be read: {error}"
    if as_json:
        print_json(found.to_dict() | {"newest_row": source and source.to_dict()})
    else:
        _show(found)
        if source is not None:
            remark = f"In the source, {source}{': has its loading stopped?' if source.is_old else '.'}"
        if remark is not None:
            say(remark)
    if found.late:
        raise typer.Exit(1)


def _show(found: ScheduleStatus) -> None:
    last, following = found.last_success, found.next_run
    if last is None:
        say("It has never succeeded.")
    else:
        listed = "" if last.list_as_of in (None, last.as_of) else f", with the list as of {last.list_as_of}"
        say(f"Last success: as of {last.as_of}, finished {last.finished_at:%Y-%m-%d %H:%M %Z}{listed}.")
    say(f"Next run: as of {following.as_of}, due {following.at:%Y-%m-%d %H:%M %Z}.")
    if found.overdue_since is not None:
        late = ", by more than a day: the log of `churn schedule` says why" if found.late else ""
        say(f"Overdue since {found.overdue_since:%Y-%m-%d %H:%M %Z}{late}.")
