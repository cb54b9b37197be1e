"""A day that was abandoned is tried again without a restart, a limited number of times, until the next day is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import pytest

from churn_mlops.errors import ChurnError
from churn_mlops.pipelines.scheduling.scheduler import Schedule
from churn_mlops.pipelines.scheduling.steps import Retries
from tests.pipelines.scheduling.test_scheduler import BusyError, World, utc_of, world

TODAY = date(2026, 11, 23)
RETRIES = Retries(1, 60.0, again=3, again_seconds=3600.0)


def failing(it: World, until: str) -> Callable[[date], None]:
    """A job that fails before a time."""

    def run(day: date) -> None:
        if it.now < utc_of(until):
            raise ChurnError("the database is unavailable")

    return run


def test_it_is_tried_each_hour_until_it_succeeds_and_the_log_says_it() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 05:00", date(2026, 11, 22))
    it.on_run = failing(it, "2026-11-23 08:00")
    logs = it.keep(retries=RETRIES)
    assert [when for when, _ in it.runs] == ["23 06:00", "23 06:01", "23 07:01", "23 08:01"]
    assert it.last == TODAY
    assert [alert.as_of for alert in it.alerts] == [TODAY]
    events = [log["event"] for log in logs if log["event"] != "daily_run_started"]
    assert events == [
        "next_run_scheduled",
        "daily_run_failed",
        "daily_run_failed",
        "daily_run_abandoned",
        "next_run_scheduled",
        "abandoned_day_failed",
        "daily_run_succeeded",
        "next_run_scheduled",
        "schedule_stopped",
    ]
    again = [log["again_at"][:16] for log in logs if "again_at" in log]
    assert again == ["2026-11-23T06:01"]


@pytest.mark.parametrize("again", [0, 1, 3])
def test_after_so_many_tries_it_stays_abandoned_and_the_next_day_runs(again: int) -> None:
    it = world("2026-11-23 05:59", "2026-11-24 06:30", date(2026, 11, 22))
    it.on_run = failing(it, "2026-11-24 00:00")
    it.keep(retries=Retries(1, 60.0, again, 3600.0))
    assert it.days == [TODAY] * (2 + again) + [date(2026, 11, 24)]
    assert len(it.alerts) == 1


def test_no_try_is_made_of_an_old_day_once_the_next_day_is_due() -> None:
    it = world("2026-11-23 05:59", "2026-11-25 05:00", date(2026, 11, 22))
    it.on_run = failing(it, "2026-11-24 07:30")
    it.keep(retries=Retries(1, 60.0, again=100, again_seconds=7200.0))
    of_old_day = [when for when, day in it.runs if day == TODAY]
    assert max(of_old_day) < "24 06:00"
    assert it.runs[-1] == ("24 08:01", date(2026, 11, 24))
    assert [alert.as_of for alert in it.alerts] == [TODAY, date(2026, 11, 24)]


def test_what_a_person_has_run_meanwhile_is_not_run_again() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 05:00", date(2026, 11, 22))
    it.on_run = failing(it, "2026-11-24 00:00")

    def made_by_hand() -> None:
        if it.now >= utc_of("2026-11-23 06:30"):
            it.last = TODAY

    it.on_ask = made_by_hand
    it.keep(retries=RETRIES)
    assert [when for when, _ in it.runs] == ["23 06:00", "23 06:01"]


@pytest.mark.parametrize("again", [0, 3])
def test_a_store_that_is_away_is_asked_as_often_as_a_day_is_tried_and_alerts_once(again: int) -> None:
    it = world("2026-11-23 05:59", "2026-11-24 05:00", date(2026, 11, 22))
    asked: list[datetime] = []

    def away() -> None:
        if it.now >= utc_of("2026-11-23 06:00"):
            asked.append(it.now)
            raise ChurnError("the store is unavailable")

    it.on_ask = away
    it.keep(retries=Retries(1, 60.0, again, 3600.0))
    assert it.runs == []
    assert [alert.as_of for alert in it.alerts] == [TODAY]
    assert len(asked) == 2 + again


def test_while_another_run_is_in_progress_it_waits_and_takes_its_success() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 05:00", date(2026, 11, 22))

    def run(day: date) -> None:
        if it.now < utc_of("2026-11-23 07:00"):
            raise ChurnError("the database is unavailable")
        if it.now >= utc_of("2026-11-23 07:05"):
            it.last = day  # the other run has ended
        raise BusyError("the lock is held by process 7")

    it.on_run = run
    it.keep(retries=RETRIES)
    assert it.runs[-1][0] == "23 07:05"
    assert len(it.alerts) == 1


def test_health_names_the_day_until_it_is_made_up_for() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 05:00", date(2026, 11, 22))
    seen: list[tuple[str, str | None, str | None]] = []

    def run(day: date) -> None:
        look()
        failing(it, "2026-11-23 07:00")(day)

    def look() -> None:
        found = it.schedule.health()
        seen.append((it.now.strftime("%H:%M"), found["abandoned"], found["last_success"]["as_of"]))

    it.on_run = run
    it.keep(retries=RETRIES)
    look()
    assert seen == [
        ("05:00", None, "2026-11-22"),
        ("05:01", None, "2026-11-22"),
        ("06:01", "2026-11-23", "2026-11-22"),
        ("04:00", None, "2026-11-23"),
    ]
    assert isinstance(it.schedule, Schedule)
