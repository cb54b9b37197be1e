"""Whether the daily run is on time."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from churn_mlops.pipelines.scheduling.lateness import punctuality
from churn_mlops.pipelines.scheduling.steps import Success
from churn_mlops.pipelines.scheduling.timetable import Timetable

BERLIN = ZoneInfo("Europe/Berlin")
TIMETABLE = Timetable(time(6), BERLIN)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


def success(day: int) -> Success:
    return Success(date(2026, 11, day), at(f"2026-11-{day} 06:01"))


@pytest.mark.parametrize(
    ("day", "now", "overdue_since", "late"),
    [
        (23, "2026-11-23 12:00", None, False),
        (23, "2026-11-24 05:59", None, False),
        (23, "2026-11-24 06:00", "2026-11-24 06:00", False),
        (23, "2026-11-25 06:00", "2026-11-24 06:00", False),
        (23, "2026-11-25 06:01", "2026-11-24 06:00", True),
        (20, "2026-11-25 06:01", "2026-11-21 06:00", True),
        (25, "2026-11-23 12:00", None, False),  # a day ahead, run by hand
    ],
)
def test_a_run_is_overdue_from_its_time_and_late_a_day_after(day, now, overdue_since, late) -> None:
    found = punctuality(TIMETABLE, success(day), at(now))
    assert found.overdue_since == (overdue_since and at(overdue_since))
    assert (found.overdue, found.late) == (overdue_since is not None, late)
    assert found.next_run == TIMETABLE.next(at(now))


def test_a_night_of_25_hours_is_no_delay() -> None:
    found = punctuality(TIMETABLE, Success(date(2026, 10, 24), at("2026-10-24 06:01")), at("2026-10-25 05:59"))
    assert not found.overdue


def test_what_never_succeeded_is_late() -> None:
    found = punctuality(TIMETABLE, None, at("2026-11-23 12:00"))
    assert (found.overdue, found.late, found.overdue_since) == (True, True, None)


def test_machines_read_it_as_json() -> None:
    document = punctuality(TIMETABLE, success(23), at("2026-11-24 06:00") + timedelta(minutes=5)).to_dict()
    assert json.loads(json.dumps(document)) == {
        "last_success": {"as_of": "2026-11-23", "finished_at": "2026-11-23T06:01:00+01:00", "list_as_of": "2026-11-23"},
        "next_run": {"as_of": "2026-11-25", "at": "2026-11-25T06:00:00+01:00"},
        "overdue": True,
        "overdue_since": "2026-11-24T06:00:00+01:00",
        "late": False,
    }
    assert punctuality(TIMETABLE, None, at("2026-11-24 06:00")).to_dict()["last_success"] is None
