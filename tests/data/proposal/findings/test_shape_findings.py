"""Flat tables of another shape: what `churn init` says about rows without a date, and columns for each period."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.proposal.flat_proposal import propose, propose_for_frame
from churn_mlops.data.sources.dataframes import table_of_frame

CUSTOMERS, EACH = 60, 3
ROWS = CUSTOMERS * EACH
ROW = np.arange(ROWS)
REPEATED = pd.DataFrame({"id": ROW // EACH, "spent": ROW % 7 + 0.5, "plan": np.where(ROW % 2, "a", "b")})


def said(frame: pd.DataFrame, customer: str | None = None, label: str | None = None) -> dict[str, str]:
    found = propose(
        table_of_frame(frame), name="t", customer=customer, label=label, positive=None if label is None else 1
    )
    return {finding.kind: finding.message for finding in found.findings}


@pytest.mark.parametrize(
    ("dates", "says"),
    [
        ({"year": 2020 + ROW % EACH}, "write 'year' as a date, such as 2024-12-31"),
        (
            {"year": 2020 + ROW % EACH, "month": 1 + ROW % 12},
            "make one date of 'year' and 'month', such as `last_day(make_date(year, month, 1))` in DuckDB",
        ),
        (
            {"year": 2020 + ROW % EACH, "month": 1 + ROW % 12, "day": 1 + ROW % 28},
            "make one date of 'year', 'month' and 'day', such as `make_date(year, month, day)` in DuckDB",
        ),
        ({"order_date": 45_000 + ROW}, "write 'order_date' as dates"),
        ({"wave": 1 + ROW % EACH}, "add a column with the date of each row"),
    ],
)
def test_customers_with_several_rows_and_no_date_are_reported_with_what_to_do(
    dates: dict[str, np.ndarray], says: str
) -> None:
    frame = REPEATED.assign(**dates)
    what = said(frame)["undated_rows"]
    assert what.startswith("if 'id' is the customer, each has several rows, 3.0 on average, and no column dates them")
    assert f"this is a history: {says}" in what
    assert said(frame, customer="id")["undated_rows"].startswith("each 'id' has several rows, 3.0 on average")


def test_customers_with_one_row_or_with_dates_are_not_reported() -> None:
    once = REPEATED.assign(id=ROW, shop_id=ROW // EACH)
    dated = REPEATED.assign(seen=pd.Timestamp("2024-01-01") + pd.to_timedelta(ROW, unit="D"))
    assert "undated_rows" not in said(once) | said(once, customer="id") | said(dated)


def test_days_of_a_spreadsheet_are_asked_about() -> None:
    frame = REPEATED.assign(signup_date=45_000 + ROW, spent_days=45_000 + ROW, id=ROW)
    assert (
        "from 45000 to 45179, which may be the days of a spreadsheet, 2023-03-15 to 2023-09-10"
        in (said(frame)["serial_days"])
    )
    assert "serial_days" not in said(frame.drop(columns="signup_date"))


def test_the_statement_for_columns_of_months_makes_dated_rows() -> None:
    months = {f"2024-{month:02}": (ROW + month) % 3 for month in range(1, 7)}
    frame = pd.DataFrame({"customer_id": ROW, **months})
    what = said(frame)["period_columns"]
    assert "6 columns are called like periods ('2024-01' to '2024-06')" in what
    made = what.partition("COPY (")[2].partition(") TO 'rows.parquet'")[0].replace("'FILE'", "frame")
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        rows = connection.execute(made).df()
    assert list(rows.columns) == ["customer_id", "period", "value"]
    assert (rows["value"] > 0).all()
    assert str(rows["period"].min().date()) == "2024-01-31"
    assert "period_columns" not in said(frame.assign(event=ROW % 2), label="event")


@pytest.mark.parametrize(
    ("names", "is_reported"),
    [
        ([f"m{place}" for place in range(1, 7)], True),
        (["score.2m", "score.4m", "score.6m", "score.8m"], True),
        (["Jan", "Feb", "Mar", "Apr"], True),
        ([f"x{place}" for place in range(1, 7)], False),
        (["calls_1_month", "calls_3_month", "calls_6_month", "calls_12_month"], False),
    ],
)
def test_columns_are_periods_by_their_names(names: list[str], is_reported: bool) -> None:
    frame = pd.DataFrame({"customer_id": ROW, **{name: (ROW * (place + 2)) % 97 for place, name in enumerate(names)}})
    assert ("period_columns" in said(frame)) is is_reported


def test_a_table_that_lies_on_its_side_is_reported() -> None:
    columns = {f"{1000 + place}": np.arange(8) * (place + 1) + place % 5 for place in range(30)}
    frame = pd.DataFrame({"measure": list("abcdefgh"), **columns})
    assert "30 columns are called by numbers, such as '1000', and there are 8 rows" in said(frame)["lies_on_its_side"]


def test_a_table_that_does_not_say_who_left_is_answered_with_where_to_start() -> None:
    assert "start from the dated rows of what customers did" in said(REPEATED)["no_label_column"]
    assert "no_label_column" not in said(REPEATED.assign(status=np.where(ROW % 3, "Active", "Cancelled")))
    known = {finding.kind for finding in propose_for_frame(REPEATED).findings}
    assert not known & {"no_label_column", "undated_rows"}


def test_a_first_line_of_numbers_and_dates_is_reported_as_a_row() -> None:
    frame = pd.DataFrame({"00001": ROW // EACH, "1997-01-01": ROW % 5, "11.77": ROW % 7 + 0.5})
    assert (
        "the first line seems to be a row, not the names of the columns ('00001', '1997-01-01', '11.77')"
        in (said(frame)["no_names"])
    )
    assert "no_names" not in said(frame.rename(columns={"00001": "customer_id"}))
