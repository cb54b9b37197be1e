"""How times are written, and reading them."""

from __future__ import annotations

import datetime as dt

import ibis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.data.contract import HistoryTable
from churn_mlops.data.contract.time_format import MONTH_FORMATS, TIME_FORMATS, is_time_format, time_format_fits
from churn_mlops.data.discovery.time_columns import TimeColumn, time_column
from churn_mlops.data.engine.timestamps import parsed_time
from churn_mlops.data.profiling.table_profile import profile_table
from churn_mlops.data.sources.database import memory_connection


def _column(texts: list[str | None]) -> ibis.Table:
    return memory_connection().create_table("rows", ibis.memtable({"at": texts}, schema={"at": "string"}).to_pyarrow())


def _found(texts: list[str | None]) -> TimeColumn | None:
    table = _column(texts)
    return time_column(table["at"], profile_table(table).columns[0])


def _read(texts: list[str | None], time_format: str) -> list[dt.datetime | None]:
    table = _column(texts)
    return [row["at"] for row in table.select(at=parsed_time(table["at"], time_format)).to_pyarrow().to_pylist()]


@given(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2068, 12, 31)), st.sampled_from(TIME_FORMATS))
def test_what_strftime_writes_fits_the_format_that_it_was_written_in(time: dt.datetime, time_format: str) -> None:
    aware = time.replace(tzinfo=dt.UTC)
    assert time_format_fits(aware.strftime(time_format), time_format)
    assert is_time_format(time_format)


@pytest.mark.parametrize(
    "time_format", ["%d/%m/%Y %H:%M", "%m/%d/%y", "%d.%m.%Y", "%d-%b-%Y", "%B %d, %Y", "%Y%m%d", "%m/%d/%Y %I:%M %p"]
)
def test_every_format_reads_what_it_writes_to_the_minute(time_format: str) -> None:
    times = [dt.datetime(2011, 12, 9, 0, 5), dt.datetime(2012, 2, 29, 12, 30), dt.datetime(1999, 1, 31, 23, 59)]
    wanted = [dt.datetime.strptime(time.strftime(time_format), time_format) for time in times]
    assert _read([time.strftime(time_format) for time in times], time_format) == wanted


@pytest.mark.parametrize("time_format", MONTH_FORMATS)
def test_a_month_is_its_first_day(time_format: str) -> None:
    months = [dt.datetime(2011, 12, 1), dt.datetime(2024, 2, 1)]
    texts: list[str | None] = [month.strftime(time_format) for month in months]
    assert is_time_format(time_format)
    assert _read(texts, time_format) == months
    table = _column(texts).rename(policy_month="at")
    found = time_column(table["policy_month"], profile_table(table).columns[0])
    assert found is not None
    assert found.format == time_format


def test_days_that_are_in_no_calendar_and_other_texts_are_no_times() -> None:
    texts = ["31/02/2024", "29/02/2023", "31/04/2024", "2024-01-01", "soon", "", None, " 1/3/2024 "]
    assert _read(texts, "%d/%m/%Y") == [None] * 7 + [dt.datetime(2024, 3, 1)]


def test_dates_as_iso_writes_them_need_no_format_and_others_do() -> None:
    assert _found(["2024-01-31", "2024-02-01"]) == TimeColumn("at", None, "%Y-%m-%d", None, "2024-02-01")
    short_hours = _found(["2024-01-31 3:00", "2024-02-01 13:00"])
    assert short_hours is not None
    assert short_hours.format == "%Y-%m-%d %H:%M"
    assert _found(["red", "blue"]) is None


@pytest.mark.parametrize("none", ["Never", "unbefristet", "En cours"])
def test_a_text_that_stands_for_no_day_is_no_unread_time(none: str) -> None:
    found = _found(["Jan 5, 2025", "Mar 17, 2025", *[none] * 5])
    assert found is not None
    assert (found.format, found.unread) == ("%b %d, %Y", 0)
    assert _found(["red", *[none] * 5]) is None


def test_day_and_month_are_distinguished_where_a_row_proves_it_and_asked_where_none_does() -> None:
    proven = _found(["01/02/2024", "01/25/2024"])
    assert proven is not None
    assert (proven.format, proven.other) == ("%m/%d/%Y", None)
    open_ = _found(["01/02/2024", "03/04/2024"])
    assert open_ is not None
    assert (open_.format, open_.other) == ("%d/%m/%Y", "%m/%d/%Y")


def test_rows_that_are_no_time_in_the_format_of_the_others_are_counted() -> None:
    found = _found(["25/01/2024"] * 40 + ["2024-01-31"])
    assert found is not None
    assert (found.format, found.unread) == ("%d/%m/%Y", 1)


def test_days_before_1900_are_read_where_they_need_no_format() -> None:
    found = _found(["1867-07-01 00:00:00", "1911-03-02 00:00:00"] * 20)
    assert found is not None
    assert (found.format, found.unread) == (None, 0)


def test_a_contract_takes_only_formats_that_can_be_read() -> None:
    assert HistoryTable(event_time="at", formats={"at": "%d/%m/%Y %H:%M"}).formats == {"at": "%d/%m/%Y %H:%M"}
    for time_format in ("%d/%m", "%d/%m/%Y %d", "%Q", "%d/%m/%Y %I:%M"):
        with pytest.raises(ValueError, match="formats"):
            HistoryTable(event_time="at", formats={"at": time_format})


def test_an_unknown_format_of_a_time_is_refused_with_the_rule() -> None:
    with pytest.raises(ValueError, match=r"'%q' is none that is read: a format has a year \(%Y, %y\)"):
        HistoryTable.model_validate({"key": "customer_id", "event_time": "at", "formats": {"at": "%q"}})
