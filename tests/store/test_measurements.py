"""Measurements of a date are replaced as a whole, and the newest date comes back, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from churn_mlops.errors import StoreError
from churn_mlops.store import Store
from churn_mlops.store.measurements import (
    StoredMeasurement,
    drop_measurements_after,
    latest_measurements,
    record_measurements,
)
from tests.store.builders import DAY, NEXT, NOW

AUC = StoredMeasurement("auc", "2026-10-01", 0.81, 0.78, 0.84, 90, 1200, "good", "Nothing to do.", True, DAY)
WAIT = StoredMeasurement("success", "3", None, None, None, None, 12, "too_little", "Wait.", False)


def test_measurements_come_back_as_they_were_recorded(store: Store) -> None:
    assert latest_measurements(store) is None
    record_measurements(store, DAY, [WAIT, AUC], clock=lambda: NOW)
    found = latest_measurements(store)
    assert found is not None
    assert (found.measured_on, found.measured_at, found.figures) == (DAY, NOW, (AUC, WAIT))


def test_a_date_that_is_measured_again_is_replaced(store: Store) -> None:
    record_measurements(store, DAY, [AUC, WAIT])
    record_measurements(store, DAY, [replace(AUC, value=0.8)])
    found = latest_measurements(store)
    assert found is not None
    assert [one.value for one in found.figures] == [0.8]


def test_the_newest_date_counts_and_earlier_ones_stay(store: Store) -> None:
    record_measurements(store, NEXT, [AUC])
    record_measurements(store, DAY, [WAIT])
    newest, before = latest_measurements(store), latest_measurements(store, before=NEXT)
    assert newest is not None
    assert before is not None
    assert (newest.measured_on, before.measured_on) == (NEXT, DAY)
    assert latest_measurements(store, before=DAY) is None


@pytest.mark.parametrize("wrong", [[AUC, AUC], [replace(AUC, status="fine")], [replace(AUC, value=None)]])
def test_measurements_that_break_a_rule_leave_what_was_there(store: Store, wrong: list[StoredMeasurement]) -> None:
    record_measurements(store, DAY, [WAIT])
    with pytest.raises(StoreError):
        record_measurements(store, DAY, wrong)
    found = latest_measurements(store)
    assert found is not None
    assert found.figures == (WAIT,)


def test_a_date_without_measurements_is_emptied(store: Store) -> None:
    record_measurements(store, date(2026, 1, 1), [AUC])
    record_measurements(store, date(2026, 1, 1) + timedelta(days=1), [])
    found = latest_measurements(store)
    assert found is not None
    assert found.measured_on == date(2026, 1, 1)


def test_dates_that_lie_ahead_are_dropped(store: Store) -> None:
    record_measurements(store, DAY, [WAIT])
    record_measurements(store, NEXT, [AUC])
    drop_measurements_after(store, NEXT)
    newest = latest_measurements(store)
    assert newest is not None
    assert newest.measured_on == NEXT
    drop_measurements_after(store, DAY)
    rest = latest_measurements(store)
    assert rest is not None
    assert rest.figures == (WAIT,)
