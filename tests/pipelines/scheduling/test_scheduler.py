"""The schedule runs each day once, catches up, tries again, and says what happened; no test waits for a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.errors import ChurnError, DataError
from churn_mlops.pipelines.scheduling.scheduler import LONGEST_WAIT_SECONDS, Alert, DailyJob, Schedule
from churn_mlops.pipelines.scheduling.steps import Retries, Success
from churn_mlops.pipelines.scheduling.timetable import Timetable

BERLIN = ZoneInfo("Europe/Berlin")
DAY = timedelta(days=1)


class BusyError(ChurnError):
    """Another run is in progress."""


def utc_of(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@dataclass
class World:
    """A clock that goes on while the schedule waits, and a job that keeps what it did; it stops at ``until``."""

    now: datetime
    until: datetime
    last: date | None = None
    runs: list[tuple[str, date]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    asleep: dict[datetime, timedelta] = field(default_factory=dict)
    on_run: Callable[[date], None] = lambda day: None
    on_ask: Callable[[], None] = lambda: None
    stopped: bool = False
    woken: datetime | None = None
    schedule: Schedule = field(init=False)

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)
        for start in [start for start in self.asleep if start <= self.now]:
            self.now += self.asleep.pop(start)
            self.woken = self.now
        return self.stopped or self.now >= self.until

    def run(self, day: date) -> None:
        self.runs.append((self.now.astimezone(BERLIN).strftime("%d %H:%M"), day))
        self.on_run(day)
        self.last = day if self.last is None else max(day, self.last)

    def last_success(self) -> Success | None:
        self.on_ask()
        return None if self.last is None else Success(self.last, self.now)

    def keep(self, at: str = "06:00", *, retries: int | Retries = 3, backfill: bool = False) -> list[dict[str, Any]]:
        """Run the schedule, and give back what it logged."""
        self.schedule = Schedule(
            Timetable(time.fromisoformat(at), BERLIN),
            DailyJob(self.run, self.last_success, BusyError, self.alerts.append),
            Retries(retries, 60.0) if isinstance(retries, int) else retries,
            clock=lambda: self.now,
            wait=self.wait,
            backfill=backfill,
        )
        with structlog.testing.capture_logs() as logs:
            self.schedule.keep()
        return [dict(entry) for entry in logs]

    @property
    def days(self) -> list[date]:
        return [day for _, day in self.runs]


def world(now: str, until: str, last: date | None) -> World:
    return World(utc_of(now), utc_of(until), last)


def test_it_runs_at_its_time_each_day() -> None:
    it = world("2026-11-23 12:00", "2026-11-26 12:00", date(2026, 11, 23))
    it.keep()
    assert it.runs == [
        ("24 06:00", date(2026, 11, 24)),
        ("25 06:00", date(2026, 11, 25)),
        ("26 06:00", date(2026, 11, 26)),
    ]


@settings(max_examples=25, deadline=None)
@given(
    start=st.sampled_from(["2026-03-27", "2026-10-23", "2026-11-23"]),
    at=st.sampled_from(["06:00", "02:30", "00:00", "23:59"]),
    naps=st.dictionaries(st.integers(0, 96), st.integers(1, 50), max_size=3),
    failing=st.sets(st.integers(0, 12)),
    backfill=st.booleans(),
)
def test_despite_failures_and_sleep_no_day_succeeds_twice_and_the_last_one_is_done_or_reported(
    start: str, at: str, naps: dict[int, int], failing: set[int], backfill: bool
) -> None:
    begin = utc_of(f"{start} 12:00")
    it = World(begin, begin + timedelta(days=4), date.fromisoformat(start) - 2 * DAY)
    it.asleep = {begin + timedelta(hours=hour): timedelta(hours=length) for hour, length in naps.items()}
    done: list[date] = []

    def fails_sometimes(day: date) -> None:
        if len(it.runs) - 1 in failing:
            raise ChurnError("no")
        done.append(day)

    it.on_run = fails_sometimes
    it.keep(at, retries=1, backfill=backfill)
    assert done == sorted(set(done))
    reported = {alert.as_of for alert in it.alerts}
    assert not reported & set(done)
    late = it.until - timedelta(minutes=10)
    due = Timetable(time.fromisoformat(at), BERLIN).last(late).as_of
    if it.woken is None or it.woken <= late:
        assert due in reported | set(done)
    if backfill:
        missed = [
            date.fromisoformat(start) + n * DAY for n in range(-1, (max(it.days) - date.fromisoformat(start)).days)
        ]
        assert set(missed) <= reported | set(done)


@pytest.mark.parametrize(("start", "end"), [("2026-03-27", "2026-03-31"), ("2026-10-23", "2026-10-27")])
@pytest.mark.parametrize("at", ["06:00", "02:30"])
def test_when_clocks_change_each_day_still_has_one_run(start: str, end: str, at: str) -> None:
    first = date.fromisoformat(start)
    it = world(f"{start} 12:00", f"{end} 12:00", first)
    it.keep(at)
    assert it.days == [first + n * DAY for n in range(1, 5)]
    skipped = at == "02:30" and first.month == 3
    assert [when[3:] for when, _ in it.runs] == [at, "03:30" if skipped else at, at, at]


def test_a_day_that_has_its_success_is_not_run_again() -> None:
    it = world("2026-11-23 06:01", "2026-11-24 05:59", date(2026, 11, 23))
    it.keep()
    assert it.runs == []


@pytest.mark.parametrize("last", [None, date(2026, 11, 10), date(2026, 11, 22)])
def test_at_its_start_it_catches_up_with_one_run_of_the_last_day_that_is_due(last: date | None) -> None:
    it = world("2026-11-23 09:00", "2026-11-24 05:00", last)
    it.keep()
    assert it.runs == [("23 09:00", date(2026, 11, 23))]


def test_before_the_time_of_day_the_last_day_that_is_due_is_yesterday() -> None:
    it = world("2026-11-23 03:00", "2026-11-23 07:00", date(2026, 11, 20))
    it.keep()
    assert it.runs == [("23 03:00", date(2026, 11, 22)), ("23 06:00", date(2026, 11, 23))]


@pytest.mark.parametrize(("slept", "woken", "day"), [(10, "24 09:00", 24), (58, "26 09:00", 26)])
def test_after_a_sleep_it_catches_up_with_one_run_within_a_minute(slept: int, woken: str, day: int) -> None:
    it = world("2026-11-23 22:00", "2026-11-27 05:00", date(2026, 11, 23))
    it.asleep = {utc_of("2026-11-23 23:00"): timedelta(hours=slept)}
    it.keep()
    assert it.runs[0] == (woken, date(2026, 11, day))
    assert max(it.waits) <= LONGEST_WAIT_SECONDS
    assert it.days == sorted(set(it.days))


def test_with_backfill_every_missed_day_is_run_in_its_order() -> None:
    it = world("2026-11-23 09:00", "2026-11-24 07:00", date(2026, 11, 19))
    it.keep(backfill=True)
    assert it.days == [date(2026, 11, day) for day in (20, 21, 22, 23, 24)]


def test_with_backfill_a_day_that_cannot_be_done_keeps_none_of_the_others_from_being_done() -> None:
    def fails_on_21(day: date) -> None:
        if day.day == 21:
            raise ChurnError("the source has no such day")

    it = world("2026-11-23 09:00", "2026-11-24 05:00", date(2026, 11, 19))
    it.on_run = fails_on_21
    it.keep(backfill=True, retries=1)
    assert it.days == [date(2026, 11, day) for day in (20, 21, 21, 22, 23)]
    assert it.alerts == [Alert(date(2026, 11, 21), 2, "the source has no such day")]


def test_with_backfill_and_no_success_ever_one_day_is_run() -> None:
    it = world("2026-11-23 09:00", "2026-11-24 05:00", None)
    it.keep(backfill=True)
    assert it.days == [date(2026, 11, 23)]


def test_a_run_that_fails_is_tried_again_after_waits_that_double() -> None:
    it = world("2026-11-23 05:59", "2026-11-23 12:00", date(2026, 11, 22))

    def fails_twice(day: date) -> None:
        if len(it.runs) < 3:
            raise ChurnError("the database is unavailable")

    it.on_run = fails_twice
    logs = it.keep()
    assert [when for when, _ in it.runs] == ["23 06:00", "23 06:01", "23 06:03"]
    assert it.alerts == []
    assert [log["failures"] for log in logs if log["event"] == "daily_run_failed"] == [1, 2]
    assert it.last == date(2026, 11, 23)


@pytest.mark.parametrize("error", [ChurnError("the database is unavailable"), OSError("disk"), ZeroDivisionError()])
def test_it_stops_after_the_last_try_sends_an_alert_and_runs_on_the_next_day(error: Exception) -> None:
    it = world("2026-11-23 05:59", "2026-11-24 06:30", date(2026, 11, 22))

    def fails_on_23(day: date) -> None:
        if day.day == 23:
            raise error

    it.on_run = fails_on_23
    logs = it.keep()
    assert [when for when, _ in it.runs] == ["23 06:00", "23 06:01", "23 06:03", "23 06:07", "24 06:00"]
    (alert,) = it.alerts
    assert (alert.as_of, alert.failures) == (date(2026, 11, 23), 4)
    (abandoned,) = [log for log in logs if log["event"] == "daily_run_abandoned"]
    assert (abandoned["log_level"], abandoned["last_success"]) == ("error", "2026-11-22")


def test_tries_end_when_the_next_day_is_due_and_an_alert_is_sent() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 07:00", date(2026, 11, 22))

    def fails_on_23(day: date) -> None:
        if day.day == 23:
            raise ChurnError("no")

    it.on_run = fails_on_23
    it.keep(retries=20)
    assert it.runs[-1] == ("24 06:00", date(2026, 11, 24))
    assert [alert.as_of for alert in it.alerts] == [date(2026, 11, 23)]


def test_an_error_that_quotes_customers_is_neither_logged_nor_in_the_alert() -> None:
    for error in (DataError("first: C0000002, 'pigeon'"), ValueError("C0000002")):
        it = world("2026-11-23 05:59", "2026-11-23 07:00", date(2026, 11, 22))

        def fails(day: date, error: Exception = error) -> None:
            raise error

        it.on_run = fails
        logs = it.keep(retries=0)
        assert "C0000002" not in repr(logs) + repr(it.alerts)
        assert type(error).__name__ in repr(logs)


def test_a_store_that_does_not_return_the_last_success_is_asked_again() -> None:
    it = world("2026-11-23 05:59", "2026-11-23 07:00", date(2026, 11, 22))
    answers = iter([ChurnError("the store is unavailable"), ChurnError("the store is unavailable")])

    def away() -> None:
        if it.now >= utc_of("2026-11-23 06:00") and (error := next(answers, None)):
            raise error

    it.on_ask = away
    it.keep()
    assert it.runs == [("23 06:03", date(2026, 11, 23))]
    assert it.alerts == []


def test_while_another_run_is_in_progress_it_waits_and_logs_it_once() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 05:00", date(2026, 11, 22))

    def held(day: date) -> None:
        if it.now < utc_of("2026-11-23 06:30"):
            raise BusyError("the lock is held by process 7")

    it.on_run = held
    logs = it.keep()
    assert it.runs[-1] == ("23 06:30", date(2026, 11, 23))
    assert [log["reason"] for log in logs if log["log_level"] == "warning"] == ["the lock is held by process 7"]
    assert it.alerts == []


def test_what_another_run_has_done_meanwhile_is_not_done_again() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 07:00", date(2026, 11, 22))

    def other_run_at_work(day: date) -> None:
        if day.day == 23:
            it.last = day  # the other one ends while this one waits
            raise BusyError("the lock is held by process 7")

    it.on_run = other_run_at_work
    it.keep()
    assert it.runs == [("23 06:00", date(2026, 11, 23)), ("24 06:00", date(2026, 11, 24))]
    assert it.alerts == []


def test_a_lock_that_is_held_until_the_next_day_sends_an_alert() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 06:30", date(2026, 11, 22))

    def held(day: date) -> None:
        if it.now < utc_of("2026-11-24 06:10"):
            raise BusyError("held")

    it.on_run = held
    it.keep()
    assert it.alerts == [Alert(date(2026, 11, 23), 0, "held")]
    assert it.runs[-1] == ("24 06:10", date(2026, 11, 24))


def test_two_schedules_of_one_store_run_each_day_once() -> None:
    first = world("2026-11-23 12:00", "2026-11-24 06:30", date(2026, 11, 23))
    first.keep()
    second = world("2026-11-24 06:00", "2026-11-24 06:30", first.last)
    second.keep()
    assert (first.days, second.days) == ([date(2026, 11, 24)], [])


def test_stopped_during_a_run_it_ends_the_run_and_begins_no_other() -> None:
    it = world("2026-11-23 09:00", "2026-12-01 00:00", date(2026, 11, 19))

    def stops(day: date) -> None:
        it.stopped = True

    it.on_run = stops
    logs = it.keep(backfill=True)
    assert it.days == [date(2026, 11, 20)]
    assert [log["event"] for log in logs][-2:] == ["daily_run_succeeded", "schedule_stopped"]


def test_a_run_that_broke_off_since_it_was_stopped_is_no_failure() -> None:
    it = world("2026-11-23 09:00", "2026-12-01 00:00", date(2026, 11, 19))

    def stops(day: date) -> None:
        it.stopped = True
        raise ChurnError("stopped while waiting")

    it.on_run = stops
    logs = it.keep(retries=0)
    assert it.alerts == []
    assert [log for log in logs if log["log_level"] != "info"] == []


def test_it_says_when_it_last_succeeded_at_its_start_and_after_each_run() -> None:
    it = world("2026-11-23 05:00", "2026-11-23 12:00", date(2026, 11, 22))
    logs = it.keep()
    reported = [(log["event"], log["last_success"]) for log in logs if "last_success" in log]
    assert reported == [
        ("next_run_scheduled", "2026-11-22"),
        ("daily_run_started", "2026-11-22"),
        ("next_run_scheduled", "2026-11-23"),
    ]


def test_an_alert_that_cannot_be_sent_stops_nothing() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 06:30", date(2026, 11, 22))

    class Unheard(list[Alert]):
        def append(self, alert: Alert) -> None:
            raise ChurnError("no one answers")

    def fails_on_23(day: date) -> None:
        if day.day == 23:
            raise ChurnError("no")

    it.alerts, it.on_run = Unheard(), fails_on_23
    logs = it.keep(retries=0)
    assert it.days == [date(2026, 11, 23), date(2026, 11, 24)]
    assert "alert_not_sent" in [log["event"] for log in logs]
