"""The daily run is due once a day, at its time of day, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.pipelines.scheduling.timetable import Timetable

DAY = timedelta(days=1)
ZONES = sorted(available_timezones() - {"localtime", "posixrules", "Factory"})
# Seconds do not matter, and the interesting ones are where clocks change: around midnight and early in the morning.
TIMES = st.one_of(
    st.sampled_from([time(6), time(0), time(0, 30), time(1, 30), time(2), time(2, 30), time(3), time(23, 30)]),
    st.builds(time, st.integers(0, 23), st.integers(0, 59)),
)
# Each zone's clocks change twice a year at most, and near these days for most of them.
INSTANTS = st.one_of(
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC)),
    st.builds(
        lambda year, day, minutes: datetime(year, *day, tzinfo=UTC) + timedelta(minutes=minutes),
        st.integers(1990, 2037),
        st.sampled_from([(3, 8), (3, 25), (4, 1), (9, 25), (10, 1), (10, 25), (11, 1)]),
        st.integers(0, 7 * 24 * 60),
    ),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")


def is_skipped(wall: datetime, zone: ZoneInfo) -> bool:
    """Whether no clock of the zone ever shows ``wall``."""
    times = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return all(instant.astimezone(zone).replace(tzinfo=None) != wall for instant in times)


@given(st.sampled_from(ZONES), TIMES, INSTANTS)
def test_the_next_run_is_later_than_now_and_the_last_is_not(name: str, at: time, now: datetime) -> None:
    timetable = Timetable(at, ZoneInfo(name))
    last, following = timetable.last(now), timetable.next(now)
    assert last.at.astimezone(UTC) <= now < following.at.astimezone(UTC)
    assert timetable.after(last.as_of) == following
    assert timetable.last(following.at) == following
    assert timetable.last(following.at.astimezone(UTC) - timedelta(microseconds=1)) == last


@given(st.sampled_from(ZONES), TIMES, INSTANTS)
def test_each_day_has_one_run_on_its_time_of_day_unless_the_clocks_skip_it(name: str, at: time, now: datetime) -> None:
    zone = ZoneInfo(name)
    timetable = Timetable(at, zone)
    due = timetable.last(now)
    for _ in range(4):
        wall = datetime.combine(due.as_of, at)
        if is_skipped(wall, zone):
            assert wall < due.at.replace(tzinfo=None) <= wall + DAY
        else:
            assert due.at.replace(tzinfo=None) == wall
        following = timetable.next(due.at)
        between = [due.as_of + n * DAY for n in range(1, (following.as_of - due.as_of).days)]
        # A day without a run is a day that did not exist.
        assert all(is_skipped(datetime.combine(day, time(hour)), zone) for day in between for hour in (0, 12, 23))
        due = following


@pytest.mark.parametrize(
    ("zone", "at", "day", "expected"),
    [
        ("Europe/Berlin", "06:00", date(2026, 3, 28), "2026-03-28T05:00:00"),
        ("Europe/Berlin", "06:00", date(2026, 3, 29), "2026-03-29T04:00:00"),
        ("Europe/Berlin", "06:00", date(2026, 10, 24), "2026-10-24T04:00:00"),
        ("Europe/Berlin", "06:00", date(2026, 10, 25), "2026-10-25T05:00:00"),
        ("Europe/Berlin", "02:30", date(2026, 3, 29), "2026-03-29T01:30:00"),  # is 03:30
        ("Europe/Berlin", "02:30", date(2026, 10, 25), "2026-10-25T00:30:00"),  # the first of two
        ("America/New_York", "06:00", date(2026, 3, 8), "2026-03-08T10:00:00"),
        ("America/New_York", "06:00", date(2026, 11, 1), "2026-11-01T11:00:00"),
        ("America/New_York", "02:30", date(2026, 3, 8), "2026-03-08T07:30:00"),
        ("America/New_York", "01:30", date(2026, 11, 1), "2026-11-01T05:30:00"),
        ("America/Nuuk", "23:30", date(2026, 3, 28), "2026-03-29T01:30:00"),  # the clocks skip midnight
        ("Asia/Kathmandu", "06:00", date(2026, 1, 1), "2026-01-01T00:15:00"),
    ],
)
def test_runs_on_the_days_when_clocks_change(zone: str, at: str, day: date, expected: str) -> None:
    due = Timetable(time.fromisoformat(at), ZoneInfo(zone)).on(day)
    assert due is not None
    assert due.at.astimezone(UTC) == utc(expected)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
@pytest.mark.parametrize("at", ["06:00", "02:30", "01:30"])
def test_a_whole_year_has_a_run_for_each_of_its_days(zone: str, at: str) -> None:
    timetable = Timetable(time.fromisoformat(at), ZoneInfo(zone))
    due = timetable.last(utc("2026-01-01T12:00:00"))
    runs = []
    while due.as_of.year == 2026:
        runs.append(due.as_of)
        due = timetable.next(due.at)
    assert runs == [date(2026, 1, 1) + n * DAY for n in range(365)]


def test_a_day_that_was_left_out_has_no_run() -> None:
    timetable = Timetable(time(6), ZoneInfo("Pacific/Apia"))
    assert timetable.on(date(2011, 12, 30)) is None
    assert timetable.after(date(2011, 12, 29)).as_of == date(2011, 12, 31)
    assert list(timetable.days(date(2011, 12, 28), date(2012, 1, 1))) == [
        date(2011, 12, 29),
        date(2011, 12, 31),
        date(2012, 1, 1),
    ]


def test_no_days_lie_between_a_day_and_itself_or_an_earlier_one() -> None:
    timetable = Timetable(time(6), ZoneInfo("UTC"))
    assert list(timetable.days(date(2026, 1, 2), date(2026, 1, 2))) == []
    assert list(timetable.days(date(2026, 1, 2), date(2026, 1, 1))) == []
