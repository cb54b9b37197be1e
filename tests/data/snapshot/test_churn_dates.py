"""Ends that stand in a table of their own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from churn_mlops.data.contract import CHURNED, END, END_KNOWN_AT, HistoryContract
from churn_mlops.data.snapshot.churn_dates import with_churn_dates
from churn_mlops.data.snapshot.known_rows import PointInTimeTables
from churn_mlops.data.snapshot.snapshot import read_history
from tests.data.proposal.databases import tables


def test_the_first_churn_date_that_is_not_before_the_start_counts_with_its_recorded_time() -> None:
    people = pd.DataFrame({"id": ["a", "b", "c"], "since": ["2024-01-01", "2024-02-01", "2024-03-01"]})
    gone = pd.DataFrame(
        {
            "id": ["a", "a", "b", "b", "x"],
            "at": ["05/06/2024", "04/05/2024", "01/01/2024", "01/02/2024", "01/02/2024"],
            "recorded": ["2024-06-06", "2024-05-09", "2024-01-01", "2024-02-03", "2024-02-03"],
            "kind": ["end", "end", "end", "end", "end"],
        }
    )
    contract = HistoryContract.from_dict(
        {
            "name": "x",
            "customer": "id",
            "tables": {
                "people": {"start": "since", "ends": "gone"},
                "gone": {
                    "event_time": "at",
                    "known_at": "recorded",
                    "formats": {"at": "%d/%m/%Y"},
                    "where": {"kind": "end"},
                },
            },
            "features": {"tenure": {"age_of": "people.start", "unit": "days"}},
        }
    )
    found = with_churn_dates(PointInTimeTables(tables({"people": people, "gone": gone}), contract)).order_by("id")
    rows = found.to_pyarrow().to_pylist()
    assert [row[END] for row in rows] == [dt.datetime(2024, 5, 4), dt.datetime(2024, 2, 1), None]
    assert [row[END_KNOWN_AT] for row in rows] == [dt.datetime(2024, 5, 9), dt.datetime(2024, 2, 3), None]
    assert [row["since"] for row in rows] == list(people["since"])


CONTRACT = HistoryContract.from_dict(
    {
        "name": "late",
        "customer": "id",
        "tables": {
            "people": {"start": "since", "start_known_at": "recorded", "ends": "gone"},
            "gone": {"event_time": "at", "known_at": "recorded"},
        },
        "features": {"tenure": {"age_of": "people.start", "unit": "days"}},
        "label": {"event": "people.end", "horizon_days": 30},
    }
)
PERSON = ("a", "2024-01-15", "2024-01-15")
DAY = dt.date(2024, 2, 1)


def _labels(people: list[tuple[str, ...]], gone: list[tuple[str | None, ...]]) -> dict[str, Any]:
    """Each active customer with their label."""
    frames = {
        "people": pd.DataFrame(people, columns=["id", "since", "recorded"]),
        "gone": pd.DataFrame(gone, columns=["id", "at", "recorded"]).astype("string"),
    }
    rows = read_history(tables(frames), CONTRACT, [DAY], label=True).to_pylist()
    return {row["id"]: row[CHURNED] for row in rows}


@pytest.mark.parametrize("recorded", ["2024-03-01", None])
def test_an_earlier_churn_date_that_comes_late_does_not_hide_the_one_that_was_known(recorded: str | None) -> None:
    known = ("a", "2024-01-20", "2024-01-21")
    assert _labels([PERSON], [known, ("a", "2024-01-18", recorded)]) == {}


def test_a_start_that_comes_late_does_not_make_a_churn_date_of_an_end_before_it() -> None:
    early = ("a", "2024-01-10", "2024-01-10")
    assert set(_labels([PERSON, ("a", "2024-01-05", "2024-03-01")], [early])) == {"a"}


def test_a_churn_date_that_was_recorded_late_counts_for_the_label_and_one_without_a_recorded_time_never() -> None:
    assert _labels([PERSON], [("a", "2024-02-10", "2024-06-01")]) == {"a": "yes"}
    assert _labels([PERSON], [("a", "2024-02-10", None)]) == {"a": "no"}
