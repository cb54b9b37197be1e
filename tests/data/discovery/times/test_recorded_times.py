"""A time of recording lies close behind what it records, for those who left and for those who stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.discovery.foreign_keys import find_links
from churn_mlops.data.discovery.profiled_table import look_at
from churn_mlops.data.discovery.table_roles import find_table_roles
from churn_mlops.data.discovery.times.evaluate import EvaluatedTimes, evaluate_times
from tests.data.discovery.accounts import DAY, NEWEST, NONE, Accounts, accounts, company
from tests.data.proposal.databases import Frames, tables


@pytest.fixture(scope="module")
def made() -> Accounts:
    return accounts()


def _evaluated(frames: Frames) -> EvaluatedTimes:
    looks = look_at(tables(frames))
    return evaluate_times(find_table_roles(looks, find_links(looks)))


def _of_payments(made: Accounts, column: str, days: Any) -> EvaluatedTimes:
    """The company with a time of recording so many days after each payment."""
    frames = company(made, ended_at=made.end)
    paid = frames["payments"]
    paid[column] = paid["paid_at"] + pd.to_timedelta(days(paid), "D")
    return _evaluated(frames)


def _refused(evaluated: EvaluatedTimes, table: str) -> dict[str, str]:
    return {one.column: str(one.refused) for one in evaluated.refused.get(table, ())}


def test_a_time_that_lies_close_behind_its_event_is_when_it_was_recorded(made: Accounts) -> None:
    evaluated = _of_payments(made, "loaded_at", lambda paid: made.draw.integers(0, 8, len(paid)))
    assert evaluated.table_roles.roles["payments"].times.known_at == "loaded_at"
    assert _refused(evaluated, "payments") == {}


def test_a_time_that_a_load_of_all_rows_rewrote_is_none(made: Accounts) -> None:
    loaded = NEWEST + DAY
    evaluated = _of_payments(made, "_fivetran_synced", lambda paid: (loaded - paid["paid_at"]).dt.days)
    assert evaluated.table_roles.roles["payments"].times.known_at is None
    assert "lies more than 31 days after paid_at" in _refused(evaluated, "payments")["_fivetran_synced"]


def test_a_time_that_the_leaving_rewrites_is_none_though_it_is_close_for_most(made: Accounts) -> None:
    gone = set(made.names[made.left])

    def days(paid: pd.DataFrame) -> Any:
        again = paid["account_id"].isin(gone) & (made.draw.random(len(paid)) < 0.25)
        return np.where(again, 20, 0)

    said = _refused(_of_payments(made, "updated_at", days), "payments")["updated_at"]
    assert "of the rows of customers who left, and in 0.0% of the others" in said


def test_a_time_that_is_often_blank_is_none(made: Accounts) -> None:
    frames = company(made, ended_at=made.end)
    paid = frames["payments"]
    paid["updated_at"] = paid["paid_at"].where(np.arange(len(paid)) % 3 == 0)
    evaluated = _evaluated(frames)
    assert evaluated.table_roles.roles["payments"].times.known_at is None
    assert "is blank in" in _refused(evaluated, "payments")["updated_at"]


def test_the_last_change_of_a_customer_is_not_when_their_start_was_recorded(made: Accounts) -> None:
    touched = np.where(made.left, made.end, made.later(made.start, 0, 400))
    evaluated = _evaluated(company(made, ended_at=made.end, updated_at=touched))
    assert evaluated.table_roles.customers.times.known_at is None
    assert list(_refused(evaluated, "accounts")) == ["updated_at"]


def test_start_and_end_have_each_their_time_of_recording(made: Accounts) -> None:
    recorded = np.where(made.left, made.later(made.end, 0, 5), NONE)
    columns = {"ended_at": made.end, "inserted_at": made.later(made.start, 0, 2), "end_recorded_at": recorded}
    times = _evaluated(company(made, **columns)).table_roles.customers.times
    assert (times.known_at, times.end_known_at) == ("inserted_at", "end_recorded_at")


def test_what_is_planned_is_recorded_before_it_happens(made: Accounts) -> None:
    def frames(ahead: int) -> Frames:
        found = company(made, ended_at=made.end)
        paid = found["payments"]
        paid["recorded_at"] = paid["paid_at"] + pd.to_timedelta(1, "D")
        planned = paid.iloc[: len(paid) // 8].assign(paid_at=NEWEST + ahead * DAY, recorded_at=NEWEST)
        visits = paid[["account_id"]].assign(seen_at=paid["paid_at"])
        logins = paid[["account_id"]].assign(login_at=paid["paid_at"])
        return found | {"payments": pd.concat([paid, planned], ignore_index=True), "visits": visits, "logins": logins}

    assert _evaluated(frames(60)).table_roles.roles["payments"].times.known_at == "recorded_at"
