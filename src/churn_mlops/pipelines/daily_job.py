"""What the schedule runs daily: score and publish the day, send its list, record what became of earlier ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pyarrow.compute as pc
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract
from churn_mlops.data.history import HistoryContract, load_contract
from churn_mlops.errors import ConfigError, DeliveryError, StoreBusyError
from churn_mlops.pipelines.daily import NEVER, Published, run_day
from churn_mlops.pipelines.lists import OFFER
from churn_mlops.pipelines.mature import mature
from churn_mlops.pipelines.schedule import Alarm, DailyJob, Success
from churn_mlops.pipelines.score import Scored
from churn_mlops.pipelines.timetable import Timetable
from churn_mlops.pipelines.webhook import Delivered, Patience, deliver
from churn_mlops.store import latest_run, open_store

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
    patience: Patience,
    *,
    backfill: bool = False,
    alarm: Callable[[Alarm], None] | None = None,
) -> DailyJob:
    """The job that the schedule runs, as the settings say.

    Args:
        settings: source, store, decision and webhook.
        timetable: when runs are due.
        patience: how time passes while a list is sent.
        backfill: whether past days will be asked for.
        alarm: tells people that a run was given up; the log says it in any case.

    Raises:
        ConfigError: past days are asked for, and cannot be scored as they were.
    """
    if backfill:
        _check_past(settings, load_contract(settings.contract.path))
    day = _Day(settings, timetable, patience)
    return DailyJob(day, day.last_success, StoreBusyError, alarm)


def last_success(settings: Settings, timetable: Timetable) -> Success | None:
    """The latest day that was published; None where none was.

    Where ``source.as_of`` is another day than today, a list counts for the day on which it was made.

    Raises:
        StoreError: the store fails.
    """
    with open_store(settings.store.url) as store:
        run = latest_run(store)
    if run is None:
        return None
    finished_at = run.finished_at.astimezone(timetable.zone)
    made_for = run.as_of if settings.source.as_of == TODAY else timetable.last(finished_at).as_of
    return Success(made_for, finished_at)


def send_list(settings: Settings, scored: Scored, patience: Patience) -> Delivered | None:
    """Send those who are likely to churn or worth an offer to the webhook; None where none is configured.

    Raises:
        DeliveryError: they were not accepted, or are more than Spark hands over at a time.
    """
    if settings.webhook.url is None:
        return None
    customers, long = scored.customers, max(scored.likely, scored.worth_an_offer)
    if long > len(customers):
        raise DeliveryError(
            f"the list of {scored.as_of} has {long:,} customers, and a run on Spark sends at most {len(customers):,}; "
            "it is published, so read it from the store; for the webhook, set a decision.capacity and a higher "
            "decision.threshold"
        )
    on_a_list = pc.or_(customers.column("will_churn"), pc.equal(customers.column("action"), OFFER))
    listed = customers.filter(on_a_list)
    return deliver(listed, settings.webhook, patience, as_of=scored.as_of, model_version=scored.version)


class _Day:
    """Runs a day; what is done already is not done again when the rest is tried again."""

    def __init__(self, settings: Settings, timetable: Timetable, patience: Patience) -> None:
        self._settings = settings
        self._timetable = timetable
        self._patience = patience
        self._as_of: date | None = None
        self._published: Published | None = None
        self._sent = False
        self._last_published: datetime | None = None

    def last_success(self) -> Success | None:
        """The latest day that was published; the next run begins only if that is so still."""
        found = last_success(self._settings, self._timetable)
        self._last_published = NEVER if found is None else found.finished_at
        return found

    def __call__(self, as_of: date) -> None:
        if self._as_of != as_of:
            self._as_of, self._published, self._sent = as_of, None, False
        if self._published is None:
            day = as_of if self._settings.source.as_of == TODAY else None
            # Once: what is asked for again, though another was quicker, is done.
            known, self._last_published = self._last_published, None
            self._published = run_day(self._settings, day, last_published=known)
            run = self._published.run
            log.info("published", as_of=run.as_of, customers=run.customers, likely=run.likely, model=run.model_version)
        if not self._sent:
            send_list(self._settings, self._published.scored, self._patience)
            self._sent = True
        contract = load_contract(self._settings.contract.path)
        if isinstance(contract, HistoryContract) and contract.label is not None:
            mature(self._settings)
        self._as_of = self._published = None  # a list of a million is not kept until tomorrow


def _check_past(settings: Settings, contract: DataContract | HistoryContract) -> None:
    if not isinstance(contract, HistoryContract):
        raise ConfigError(
            f"{settings.contract.path} declares a flat table, which is what it is today: leave --backfill out"
        )
    if settings.source.as_of != TODAY:
        raise ConfigError(f"source.as_of is {settings.source.as_of}: --backfill needs `today`")


def utc_now() -> datetime:
    """The moment it is."""
    return datetime.now(UTC)
