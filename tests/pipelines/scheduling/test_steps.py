"""The next step of a schedule, as a table of cases; it depends on its state and the time alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.pipelines.scheduling.steps import (
    Abandon,
    FailedDay,
    Retries,
    Run,
    ScheduleState,
    Success,
    Wait,
    next_step,
)
from churn_mlops.pipelines.scheduling.timetable import Timetable

TIMETABLE = Timetable(time(6), ZoneInfo("UTC"))
RETRIES = Retries(2, 60.0)
NOW = datetime(2026, 11, 23, 7, tzinfo=UTC)
TODAY = date(2026, 11, 23)
DAY = timedelta(days=1)


def succeeded(day: date) -> ScheduleState:
    return ScheduleState(last=Success(day, NOW))


def failed(due: date, day: date | None, failures: int) -> ScheduleState:
    return ScheduleState(failed=FailedDay(due, day, failures, "no"))


@pytest.mark.parametrize(
    ("state", "backfill", "step"),
    [
        (ScheduleState(), False, Run(TODAY)),
        (ScheduleState(), True, Run(TODAY)),
        (succeeded(TODAY - DAY), False, Run(TODAY)),
        (succeeded(TODAY), False, Wait(TIMETABLE.next(NOW))),
        (succeeded(TODAY + DAY), False, Wait(TIMETABLE.next(NOW))),
        (succeeded(TODAY - 3 * DAY), False, Run(TODAY)),
        (succeeded(TODAY - 3 * DAY), True, Run(TODAY - 2 * DAY)),
        (ScheduleState(handled=TODAY), False, Wait(TIMETABLE.next(NOW))),
        (ScheduleState(handled=TODAY - DAY), True, Run(TODAY)),
        (failed(TODAY, TODAY, 2), False, Run(TODAY)),
        (failed(TODAY, TODAY, 3), False, Abandon(TODAY)),
        (failed(TODAY, None, 0), False, Run(TODAY)),
        (failed(TODAY, None, 3), False, Abandon(TODAY)),
        (failed(TODAY - DAY, TODAY - DAY, 1), False, Abandon(TODAY - DAY)),
        (failed(TODAY - DAY, None, 0), False, Abandon(TODAY - DAY)),
        (failed(TODAY, TODAY - 2 * DAY, 1), True, Run(TODAY - 2 * DAY)),
    ],
)
def test_the_next_step_follows_from_what_is_known(
    state: ScheduleState, backfill: bool, step: Run | Wait | Abandon
) -> None:
    assert next_step(TIMETABLE, RETRIES, state, NOW, backfill=backfill) == step


@pytest.mark.parametrize(("now", "day"), [("05:59", TODAY - DAY), ("06:00", TODAY)])
def test_a_day_is_due_from_its_time_on(now: str, day: date) -> None:
    at = datetime.combine(TODAY, time.fromisoformat(now), UTC)
    assert next_step(TIMETABLE, RETRIES, ScheduleState(), at, backfill=False) == Run(day)


def test_only_a_day_that_no_run_has_started_depends_on_the_last_success() -> None:
    due = TIMETABLE.last(NOW)
    assert ScheduleState().needs_last_success(due)
    assert failed(TODAY, None, 1).needs_last_success(due)
    assert not failed(TODAY, TODAY, 1).needs_last_success(due)
    assert not ScheduleState(handled=TODAY).needs_last_success(due)


@given(days=st.lists(st.integers(-5, 5), min_size=1, max_size=6))
def test_a_handled_day_is_never_run_again(days: list[int]) -> None:
    state = ScheduleState()
    for offset in days:
        state = state.with_handled(TODAY + offset * DAY)
    step = next_step(TIMETABLE, RETRIES, state, NOW, backfill=True)
    assert isinstance(step, Wait if max(days) >= 0 else Run)
    if isinstance(step, Run):
        assert step.day == TODAY + (max(days) + 1) * DAY


def test_failures_add_up_and_a_wait_for_another_run_is_none() -> None:
    due = TIMETABLE.last(NOW)
    state = ScheduleState().with_failure(due, "busy", failures=0).with_failure(due, "no", day=TODAY)
    assert state.with_failure(due, "again").failed == FailedDay(TODAY, TODAY, 2, "again")
    assert [RETRIES.wait_after(count).total_seconds() for count in (1, 2, 3)] == [60, 120, 240]
