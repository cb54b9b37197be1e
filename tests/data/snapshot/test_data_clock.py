"""The newest day of the data, and ends that are none: sentinels, and days to come."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from churn_mlops.data.contract import CHURNED, HistoryContract
from churn_mlops.data.snapshot.date_range import last_day, rows_between
from churn_mlops.data.snapshot.snapshot import read_history
from tests.data.proposal.databases import tables

TODAY = date(2026, 11, 24)
PEOPLE = {"people": {"start": "since", "end": "until"}}
WITH_VISITS = PEOPLE | {"visits": {"event_time": "at"}, "bills": {"event_time": "at"}}


def _contract(declared: Any) -> HistoryContract:
    return HistoryContract.from_dict(
        {
            "name": "club",
            "customer": "id",
            "tables": declared,
            "features": {"tenure": {"age_of": "people.start", "unit": "days"}},
            "label": {"event": "people.end", "horizon_days": 30},
        }
    )


def _people(until: list[str | None], since: str = "2024-01-01") -> pd.DataFrame:
    return pd.DataFrame({"id": [f"c{place}" for place in range(len(until))], "since": since, "until": until})


def _daily(first: str, last: str) -> pd.DataFrame:
    days = pd.date_range(first, last).strftime("%Y-%m-%d")
    return pd.DataFrame({"id": "c0", "at": days})


def _last(frames: dict[str, pd.DataFrame], declared: Any) -> date:
    return last_day(tables(frames), _contract(declared), TODAY)


def test_ends_make_the_newest_day_where_sign_ups_have_stopped() -> None:
    ends = [day.strftime("%Y-%m-%d") for day in pd.date_range("2024-02-01", "2026-03-01", freq="7D")]
    people = _people([*ends, *[None] * 40])
    assert _last({"people": people}, PEOPLE) == date.fromisoformat(ends[-1]) - pd.Timedelta(days=1)


def test_a_few_ends_that_are_announced_do_not_move_the_newest_day() -> None:
    people = _people([*["2025-03-01"] * 20, "2026-09-30", None], since="2024-01-01")
    frames = {
        "people": people,
        "visits": _daily("2024-01-01", "2026-06-30"),
        "bills": _daily("2024-01-01", "2026-06-28"),
    }
    assert _last(frames, WITH_VISITS) == date(2026, 6, 29)


def test_the_ends_of_running_terms_do_not_move_the_newest_day() -> None:
    past = [day.strftime("%Y-%m-%d") for day in pd.date_range("2024-02-01", "2026-06-30", freq="21D")]
    ahead = [day.strftime("%Y-%m-%d") for day in pd.date_range("2026-07-01", "2026-07-30")]
    frames = {
        "people": _people([*past, *ahead * 2]),
        "visits": _daily("2024-01-01", "2026-06-30"),
        "bills": _daily("2024-01-01", "2026-06-28"),
    }
    assert _last(frames, WITH_VISITS) == date(2026, 6, 29)


def test_ends_that_go_on_as_often_after_a_log_has_stopped_make_the_newest_day() -> None:
    ends = [day.strftime("%Y-%m-%d") for day in pd.date_range("2024-02-01", "2026-06-30", freq="7D")]
    frames = {
        "people": _people([*ends, None]),
        "visits": _daily("2024-01-01", "2025-06-30"),
        "bills": _daily("2024-01-01", "2025-06-28"),
    }
    assert _last(frames, WITH_VISITS) == date.fromisoformat(ends[-1]) - pd.Timedelta(days=1)


@pytest.mark.parametrize("none", ["9999-12-31", "2099-12-31", "1900-01-01", "1970-01-01", "0000-00-00", "0001-01-01"])
def test_a_day_that_stands_for_none_is_no_end(none: str) -> None:
    frames = {"people": _people(["2026-04-10", none, none]), "visits": _daily("2024-01-01", "2026-06-30")}
    contract = _contract(PEOPLE | {"visits": {"event_time": "at"}})
    assert last_day(tables(frames), contract, TODAY) == date(2026, 6, 29)
    found = read_history(tables(frames), contract, [date(2026, 4, 1)], label=True).to_pydict()
    assert dict(zip(found["id"], found[CHURNED], strict=True)) == {"c0": "yes", "c1": "no", "c2": "no"}


def test_rows_that_are_planned_do_not_move_the_newest_day_and_are_counted() -> None:
    people = pd.DataFrame({"id": ["c0", "c1"], "since": ["2024-01-01", "2026-06-27"], "until": [None, "2026-06-28"]})
    for planned in (_daily("2024-01-01", "2026-08-29"), _daily("2026-01-01", "2026-08-29")):
        frames = {"people": people, "visits": planned, "bills": _daily("2024-01-01", "2026-06-30")}
        assert _last(frames, WITH_VISITS) == date(2026, 6, 29)
        found = rows_between(tables(frames), _contract(WITH_VISITS), date(2026, 6, 30), TODAY)
        assert found == {"visits": 60}


def test_a_table_and_the_ends_of_customers_that_end_together_tell_what_is_planned() -> None:
    ends = [day.strftime("%Y-%m-%d") for day in pd.date_range("2025-02-01", "2026-06-28", freq="7D")]
    frames = {
        "people": _people([*ends, *[None] * 90]),
        "visits": _daily("2024-01-01", "2026-08-29"),
        "bills": _daily("2024-01-01", "2026-06-30"),
    }
    assert _last(frames, WITH_VISITS) == date(2026, 6, 29)


def test_sign_ups_that_stop_make_nothing_planned() -> None:
    people = _people([None, "2025-01-01"], since="2024-06-01")
    declared = PEOPLE | {"visits": {"event_time": "at"}}
    assert _last({"people": people, "visits": _daily("2024-01-01", "2026-06-30")}, declared) == date(2026, 6, 29)


def test_rows_that_only_run_out_are_planned_where_a_single_other_table_tells() -> None:
    people = _people([None, "2026-06-28"], since="2026-06-28")
    visits = _daily("2024-01-01", "2026-06-30")
    seldom = visits.assign(at=pd.date_range("2026-07-01", periods=len(visits), freq="9D").strftime("%Y-%m-%d")).head(5)
    declared = PEOPLE | {"visits": {"event_time": "at"}}
    assert _last({"people": people, "visits": pd.concat([visits, seldom])}, declared) == date(2026, 6, 27)
    assert _last({"people": people, "visits": _daily("2024-01-01", "2026-08-06")}, declared) == date(2026, 8, 5)
