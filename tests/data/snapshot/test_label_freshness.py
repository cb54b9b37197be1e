"""Whether the table of churn dates is loaded as far as the others."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.snapshot.date_range import newest_row
from churn_mlops.data.snapshot.label_freshness import StaleLabels, stale_labels
from tests.data.proposal.databases import tables

FIRST, TODAY = date(2026, 1, 1), date(2026, 11, 24)
FEATURES = {"visits_60d": {"count": "visits", "days": 60}}
BY_TABLE = {"people": {"start": "since", "ends": "gone"}, "gone": {"event_time": "at"}, "visits": {"event_time": "at"}}
BY_COLUMN = {"people": {"start": "since", "end": "until"}, "visits": {"event_time": "at"}}
OF_END = {"event": "people.end", "horizon_days": 30}
OF_INACTIVITY = {"inactive": {"events": "visits", "days": 60}}


def every(days: int, until: str, column: str = "at", **others: Any) -> pd.DataFrame:
    """Rows that many days apart, from the first day on to ``until``."""
    times = pd.date_range(FIRST, until, freq=f"{days}D").strftime("%Y-%m-%d")
    return pd.DataFrame({"id": [f"c{place}" for place in range(len(times))], column: times, **others})


def lag(frames: dict[str, pd.DataFrame], declared: Any, label: Any, today: date = TODAY) -> StaleLabels | None:
    contract = {"name": "club", "customer": "id", "tables": declared, "features": FEATURES, "label": label}
    read = HistoryContract.from_dict(contract)
    opened = tables({name: frames[name] for name in read.tables})
    return stale_labels(opened, read, today, newest_row(opened, read, today))


@pytest.mark.parametrize("ends", ["2026-10-31", "2026-10-22", "2026-10-20", "2026-06-30"])
def test_a_table_of_churn_dates_is_behind_where_the_gap_is_half_as_long_again_as_any(ends: str) -> None:
    gone = every(6, ends)
    last = date.fromisoformat(gone["at"].iloc[-1])
    found = lag(
        {"people": every(3, "2026-10-31", "since"), "gone": gone, "visits": every(1, "2026-10-31")}, BY_TABLE, OF_END
    )
    gap = (date(2026, 10, 31) - last).days
    assert found == (StaleLabels("gone", last, date(2026, 10, 31), 6) if gap > 9 else None)


def test_a_long_gap_is_usual_where_one_as_long_lies_in_the_year_before_and_not_earlier() -> None:
    people, visits = every(3, "2027-12-31", "since"), every(1, "2027-12-31")
    today = date(2028, 1, 1)
    steady = every(5, "2027-11-20")
    paused = steady[(steady["at"] < "2027-05-01") | (steady["at"] > "2027-06-05")]
    assert lag({"people": people, "gone": steady, "visits": visits}, BY_TABLE, OF_END, today) is not None
    assert lag({"people": people, "gone": paused, "visits": visits}, BY_TABLE, OF_END, today) is None
    long_ago = steady[(steady["at"] < "2026-05-01") | (steady["at"] > "2026-06-05")]
    assert lag({"people": people, "gone": long_ago, "visits": visits}, BY_TABLE, OF_END, today) is not None


def test_churn_dates_in_the_table_of_customers_are_loaded_as_long_as_customers_come() -> None:
    people = every(3, "2026-10-31", "since")
    people["until"] = [str(FIRST + timedelta(days=4 * place)) if place < 30 else None for place in range(len(people))]
    visits = every(1, "2026-10-31")
    assert lag({"people": people, "visits": visits}, BY_COLUMN, OF_END) is None
    stopped = people[people["since"] <= "2026-06-30"]
    assert lag({"people": stopped, "visits": visits}, BY_COLUMN, OF_END) == StaleLabels(
        "people", date(2026, 6, 30), date(2026, 10, 31), 3
    )
    with_an_end = stopped.assign(until=["2026-10-30", *stopped["until"][1:]])
    assert lag({"people": with_an_end, "visits": visits}, BY_COLUMN, OF_END) is None


def test_inactivity_counts_up_to_where_the_events_are_loaded() -> None:
    frames = {"people": every(3, "2026-10-31", "since"), "visits": every(1, "2026-09-10")}
    declared = {"people": {"start": "since"}, "visits": {"event_time": "at"}}
    found = lag(frames, declared, OF_INACTIVITY)
    assert found == StaleLabels("visits", date(2026, 9, 10), date(2026, 10, 31), 1)
    assert lag(frames, declared, None) is None
    assert lag(frames, declared, OF_INACTIVITY, date(2026, 9, 11)) is None


def test_rows_that_are_no_ends_and_ends_that_lie_ahead_do_not_hide_that_the_others_stop() -> None:
    gone = pd.concat([every(5, "2026-06-30", kind="end"), every(5, "2026-10-31", kind="return")])
    gone.loc[len(gone)] = ["c1", "2027-03-01", "end"]
    frames = {"people": every(3, "2026-10-31", "since"), "gone": gone, "visits": every(1, "2026-10-31")}
    assert lag(frames, BY_TABLE, OF_END) is None
    some = BY_TABLE | {"gone": {"event_time": "at", "where": {"kind": "end"}}}
    found = lag(frames, some, OF_END)
    assert found is not None
    assert found.until == date(2026, 6, 30)


def test_a_table_with_churn_dates_on_a_single_day_is_never_behind() -> None:
    frames = {"people": every(3, "2026-10-31", "since"), "gone": every(1, str(FIRST)), "visits": every(1, "2026-10-31")}
    assert lag(frames, BY_TABLE, OF_END) is None
