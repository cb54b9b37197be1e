"""A short form of the quiet year: some days without an alert, and a planted fault that raises its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.outages.replicas import clock_library
from bench.quiet_year.plan import Plan
from bench.quiet_year.year import lived, summary

needs_programs = pytest.mark.skipif(
    clock_library() is None or shutil.which("promtool") is None, reason="`make test` installs libfaketime and promtool"
)


@needs_programs
def test_days_without_a_fault_are_quiet_and_a_day_without_a_run_is_not(tmp_path: Path) -> None:
    plan = Plan(customers=500, days=3, lead_days=0, fault_day=2)
    alerts, counts = lived(plan, tmp_path)
    assert (counts["restarts"], counts["lists_sent"]) == (2, 3)  # the list of the day before the first is made up for
    assert set(alerts.firing) == {("ChampionChanged", "note", 0), ("JobFails", "ticket", 2), ("ListMissing", "page", 2)}
    assert {name for name, _, day in alerts.pending if day < 2} == {"ServerGone", "ScheduleGone"}
    found = summary(plan, alerts, counts)
    assert (found["pages"], found["tickets"]) == ({"ListMissing": 1}, {"JobFails": 1})
    assert found["bars"] == {"pages": False, "tickets": True}
