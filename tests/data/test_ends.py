"""Ends that stand in a table of their own."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from churn_mlops.data.ends import with_ends
from churn_mlops.data.history import END, END_KNOWN_AT, HistoryContract
from tests.data.databases import tables


def test_the_first_end_that_is_not_before_the_start_counts_with_the_time_when_it_was_known() -> None:
    people = pd.DataFrame({"id": ["a", "b", "c"], "since": ["2024-01-01", "2024-02-01", "2024-03-01"]})
    gone = pd.DataFrame(
        {
            "id": ["a", "a", "b", "b", "x"],
            "at": ["05/06/2024", "04/05/2024", "01/01/2024", "01/02/2024", "01/02/2024"],
            "told": ["2024-06-06", "2024-05-09", "2024-01-01", "2024-02-03", "2024-02-03"],
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
                    "known_at": "told",
                    "formats": {"at": "%d/%m/%Y"},
                    "where": {"kind": "end"},
                },
            },
            "features": {"tenure": {"age_of": "people.start", "unit": "days"}},
        }
    )
    found = with_ends(tables({"people": people, "gone": gone}), contract)["people"].order_by("id")
    rows = found.to_pyarrow().to_pylist()
    assert [row[END] for row in rows] == [dt.datetime(2024, 5, 4), dt.datetime(2024, 2, 1), None]
    assert [row[END_KNOWN_AT] for row in rows] == [dt.datetime(2024, 5, 9), dt.datetime(2024, 2, 3), None]
    assert [row["since"] for row in rows] == list(people["since"])
