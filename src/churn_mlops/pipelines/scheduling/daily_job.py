"""The daily run: score and publish the day, send its list, record earlier outcomes, measure, review the models."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract, load_contract
from churn_mlops.errors import ConfigError, StoreBusyError
from churn_mlops.pipelines.delivery.send_list import send_list
from churn_mlops.pipelines.delivery.webhook import RetryClock
from churn_mlops.pipelines.deployment.review import review
from churn_mlops.pipelines.monitoring.measure import measure
from churn_mlops.pipelines.outcomes.record_outcomes import record_outcomes
from churn_mlops.pipelines.scheduling.metrics import ScheduleMetrics
from churn_mlops.pipelines.scheduling.scheduler import Alert, DailyJob
from churn_mlops.pipelines.scheduling.steps import Success
from churn_mlops.pipelines.scheduling.timetable import Timetable
from churn_mlops.pipelines.scoring.publish import NEVER, run_day
from churn_mlops.store import open_store
from churn_mlops.store.scoring.runs import Run, latest_run, run_of

log = structlog.get_logger("churn_mlops.pipelines")
TODAY = "today"


def timetable_of(settings: Settings, now: datetime) -> Timetable:
    """When the daily run is due, by the settings and the contract's time zone.

    Raises:
        ConfigError: in the contract's time zone, the day of a run has not begun when it is due.
        ContractError: there is no contract to be read.
    """
    contract = load_contract(settings.contract.path)
    counted_in = contract.time_zone if isinstance(contract, HistoryContract) else None
    zone = ZoneInfo(settings.schedule.time_zone or counted_in or "UTC")
    timetable = Timetable(time.fromisoformat(settings.schedule.at), zone)
    following = timetable.next(now)
    if counted_in is not None and following.at.astimezone(ZoneInfo(counted_in)).date() < following.as_of:
        raise ConfigError(
            f"at {settings.schedule.at} in {zone.key} (schedule.time_zone) the day has not begun in {counted_in}, by "
            f"which {settings.contract.path} counts days: leave schedule.time_zone out, or take a later schedule.at"
        )
    return timetable


def daily_job(
    settings: Settings,
    timetable: Timetable,
    patience: RetryClock,
    *,
    backfill: bool = False,
    alert: Callable[[Alert], None] | None = None,
    metrics: ScheduleMetrics | None = None,
) -> DailyJob:
    """The job that the schedule runs, as the settings say.

    Args:
        settings: source, store, decision and webhook.
        timetable: when runs are due.
        patience: how time passes while a list is sent.
        backfill: whether past days will be asked for.
        alert: informs people that a run was abandoned; the log says it in any case.
        metrics: count the tries of each part; None shows none.

    Raises:
        ConfigError: past days are asked for, and cannot be scored as they were.
    """
    if backfill:
        _check_past(settings, load_contract(settings.contract.path))
    day = _Day(settings, timetable, patience, metrics or ScheduleMetrics(utc_now))
    return DailyJob(day, day.last_success, StoreBusyError, alert)


def last_success(settings: Settings, timetable: Timetable) -> Success | None:
    """The latest day that was published, and sent where there is a webhook; None where none was.

    If ``source.as_of`` is another day than today, a list counts for the day on which it was made; one whose date was
    asked for, such as a past one, for none.

    Raises:
        StoreError: the store fails.
    """
    with open_store(settings.store.url) as store:
        unasked = settings.source.as_of != TODAY
        run = latest_run(store, delivered=settings.webhook.url is not None, unasked=unasked)
    if run is None:
        return None
    return Success(_made_for(run, settings, timetable), run.finished_at.astimezone(timetable.zone), run.as_of)


class _Day:
    """Runs a day; what is done already is not done again when the rest is tried again."""

    def __init__(
        self, settings: Settings, timetable: Timetable, patience: RetryClock, metrics: ScheduleMetrics
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._timetable = timetable
        self._patience = patience
        self._as_of: date | None = None
        self._run: Run | None = None
        self._last_published: datetime | None = None

    def last_success(self) -> Success | None:
        """The latest day that was done; the next run begins only if nothing else was published by then."""
        with open_store(self._settings.store.url) as store:
            latest = latest_run(store)
        self._last_published = NEVER if latest is None else latest.finished_at
        return last_success(self._settings, self._timetable)

    def __call__(self, as_of: date) -> None:
        if self._as_of != as_of:
            self._as_of, self._run = as_of, None
        if self._run is None:
            with self._metrics.try_of("score"):
                self._run = self._left_unsent(as_of) or self._published(as_of)
        with self._metrics.try_of("send"):
            send_list(self._settings, self._run.as_of, self._patience)
        contract = load_contract(self._settings.contract.path)
        if isinstance(contract, HistoryContract) and contract.label is not None:
            with self._metrics.try_of("mature"):
                record_outcomes(self._settings)
        with self._metrics.try_of("monitor"):
            measure(self._settings)
        with self._metrics.try_of("review"):
            review(self._settings)
        self._as_of = self._run = None

    def _published(self, as_of: date) -> Run:
        day = as_of if self._settings.source.as_of == TODAY else None
        # Once: what is asked for again, though another was quicker, is done.
        known, self._last_published = self._last_published, None
        run = run_day(self._settings, day, last_published=known).run
        log.info(
            "predictions_published",
            as_of=run.as_of,
            customers=run.customers,
            likely=run.likely,
            model=run.model_version,
        )
        return run

    def _left_unsent(self, as_of: date) -> Run | None:
        """The run of the day where it was published by one that ended before its list was sent."""
        if self._settings.webhook.url is None:
            return None
        with open_store(self._settings.store.url) as store:
            run = run_of(store, as_of) if self._settings.source.as_of == TODAY else latest_run(store, unasked=True)
        if run is None or run.is_delivered or _made_for(run, self._settings, self._timetable) != as_of:
            return None
        return run


def _made_for(run: Run, settings: Settings, timetable: Timetable) -> date:
    return run.as_of if settings.source.as_of == TODAY else timetable.last(run.finished_at).as_of


def _check_past(settings: Settings, contract: DataContract | HistoryContract) -> None:
    if not isinstance(contract, HistoryContract):
        raise ConfigError(
            f"{settings.contract.path} declares a flat table, which is what it is today: leave --backfill out"
        )
    if settings.source.as_of != TODAY:
        raise ConfigError(f"source.as_of is {settings.source.as_of}: --backfill needs `today`")


def utc_now() -> datetime:
    """The present time."""
    return datetime.now(UTC)
