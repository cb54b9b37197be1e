"""What is said about the rows of one table, and about the links among the tables."""

from __future__ import annotations

import pandas as pd
import pytest

from churn_mlops.data.proposal.history_proposal import propose_history
from tests.data.proposal.databases import shop, tables


def test_a_missing_article_takes_no_row_from_its_customer() -> None:
    frames = shop()
    frames["orders"] = frames["orders"].rename(columns={"article": "article_id"})
    articles = frames["orders"]["article_id"].drop_duplicates().sort_values().tolist()
    frames["articles"] = pd.DataFrame({"article_id": articles[1:], "colour": "red"})
    frames["orders"].loc[0, "article_id"] = articles[0]
    found = propose_history(tables(frames), name="shop").findings
    said = next(one.message for one in found if (one.column, one.kind) == ("orders.article_id", "orphans"))
    assert said.endswith("were those deleted? The rows still count")


@pytest.mark.parametrize("shares_a_day", [True, False])
def test_an_export_that_writes_its_own_day_for_no_end_is_asked_about(shares_a_day: bool) -> None:
    starts = pd.date_range("2023-01-01", periods=400)
    ends = [start + pd.Timedelta(days=20 + place % 90) for place, start in enumerate(starts)]
    last = max(ends) + pd.Timedelta(days=1)
    ends = [last if shares_a_day and place % 3 == 0 else end for place, end in enumerate(ends)]
    people = pd.DataFrame({"customer_id": range(400), "created": starts, "canceled": ends}).astype(str)
    times = [*(starts + pd.Timedelta(days=3)), *ends]
    visits = pd.DataFrame({"customer_id": [*range(400)] * 2, "visited_at": times}).astype(str)
    found = propose_history(tables({"customers": people, "visits": visits}), name="shop").findings
    said = [one for one in found if one.kind == "end_same_day"]
    assert [(one.column, one.rows, one.of) for one in said] == [("customers.canceled", 134, 400)] * shares_a_day


@pytest.mark.parametrize("day", [1, 2])
def test_rows_that_may_sum_up_a_month_are_asked_about(day: int) -> None:
    frames = shop()
    months = frames["tickets"]["submitted_at"].dt.to_period("M").dt.to_timestamp()
    frames["usage"] = pd.DataFrame(
        {"customer_id": frames["tickets"]["customer_id"], "month": months + pd.Timedelta(days=day - 1), "minutes": 7}
    )
    found = propose_history(tables(frames), name="shop").findings
    assert [one.column for one in found if one.kind == "dates_of_months"] == ["usage.month"] * (day == 1)
