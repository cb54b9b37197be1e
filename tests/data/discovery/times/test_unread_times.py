"""Texts in a column of times that are not read are counted, shown, and their format is named."""

from __future__ import annotations

import ibis
import pytest

from churn_mlops.data.discovery.time_columns import time_column
from churn_mlops.data.discovery.times.unread_times import UnreadTimes
from churn_mlops.data.profiling.table_profile import profile_table
from churn_mlops.data.sources.database import memory_connection

_READ = [f"2024-{month:02}-{day:02}" for month in (1, 2, 3) for day in range(1, 21)]


def _unread(others: list[str]) -> UnreadTimes:
    texts = ibis.memtable({"at": [*_READ, *others]}, schema={"at": "string"})
    table = memory_connection().create_table("rows", texts.to_pyarrow())
    found = time_column(table["at"], profile_table(table).columns[0])
    assert found is not None
    assert found.unread == found.unread_texts.rows
    return found.unread_texts


def test_where_all_is_read_nothing_is_said() -> None:
    assert _unread([]) == UnreadTimes(filled=60)
    assert str(_unread([])) == ""


def test_texts_of_a_second_format_are_counted_and_the_format_is_named() -> None:
    found = _unread(["31.01.2024", "01.02.2024", "01.02.2024"])
    assert found == UnreadTimes(3, 63, ("01.02.2024", "31.01.2024"), ("%d.%m.%Y",))
    assert str(found) == "such as '01.02.2024' and '31.01.2024', which %d.%m.%Y would read"


def test_both_formats_are_named_where_no_text_decides() -> None:
    assert _unread(["01/02/2024", "03/04/2024"]).formats == ("%d/%m/%Y", "%m/%d/%Y")


def test_no_format_is_named_where_none_reads_nearly_all() -> None:
    found = _unread(["soon", "31.01.2024"])
    assert (found.rows, found.formats) == (2, ())
    assert str(found) == "such as '31.01.2024' and 'soon'"


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31",
        "9999-12-31T23:59:59",
        "31.12.9999",
        "12/31/2099",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0001-01-01",
    ],
)
def test_a_day_that_stands_for_none_is_no_fault(text: str) -> None:
    assert _unread([text] * 40).rows == 0


def test_a_day_that_the_calendar_does_not_have_is_a_fault() -> None:
    assert _unread(["2024-02-30"]).examples == ("2024-02-30",)
