"""The rows of an expression for many as-of dates, by one compiled statement and by one for each."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.each_date import read_each
from churn_mlops.data.engine.prepared import prepared, text_parameter

FIRST = date(2024, 2, 27)  # the leap day lies among the dates
_MICROSECOND = timedelta(microseconds=1)
days = st.builds(lambda ahead: FIRST + timedelta(days=ahead), st.integers(0, 40))
edges = st.builds(
    lambda day, by: datetime.combine(day, datetime.min.time()) + by,
    days,
    st.sampled_from([-_MICROSECOND, timedelta(0), _MICROSECOND, timedelta(hours=6)]),
)


def answers(times: ir.Table, as_of: AsOf) -> ir.Table:
    """What an as-of date says of each time."""
    at = times["at"]
    return times.select(
        at=at,
        day=as_of.as_date(),
        included=as_of.includes(at),
        later=as_of.later(7).includes(at),
        much_later=as_of.later(7).later(30).includes(at),
        within=as_of.within(at, 30),
        within_later=as_of.later(7).within(at, 30),
        since=as_of.days_since(at),
    )


@settings(deadline=None)
@given(st.lists(edges, min_size=1, max_size=20), st.lists(days, min_size=1, max_size=4, unique=True), st.none() | edges)
def test_the_rows_of_each_date_are_those_of_the_expression_of_that_date(
    times: list[datetime], dates: list[date], until: datetime | None
) -> None:
    table = ibis.memtable(pa.table({"at": pa.array(times, pa.timestamp("us"))}))
    wanted = [AsOf(day, until) for day in dates]
    found = read_each(lambda as_of: answers(table, as_of), wanted)
    expected = [as_arrow(answers(table, as_of)) for as_of in wanted]
    assert sorted(map(str, found.to_pylist())) == sorted(str(row) for part in expected for row in part.to_pylist())


def test_texts_that_look_like_parameters_stay_as_they_are() -> None:
    table = ibis.memtable(pa.table({"plan": ["$1", "gap_0_", "it's ?"]}))
    statement = prepared(table.filter(table["plan"].isin(["$1", "gap_0_", "it's ?", text_parameter("plan")])))
    assert statement.names == ("plan",)
    connection = table.get_backend()
    connection._run_pre_execute_hooks(table)
    assert len(statement.on(connection.con)({"plan": "none"})) == 3


def test_a_value_that_is_used_twice_is_one_parameter() -> None:
    table = ibis.memtable(pa.table({"plan": ["a", "b"]}))
    named = text_parameter("plan")
    statement = prepared(table.filter((table["plan"] == named) | (table["plan"] > named)))
    assert statement.names == ("plan",)
    assert statement.sql.count("$1") == 2
    assert "$2" not in statement.sql
