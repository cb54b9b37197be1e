"""Point in time: what happens or becomes known after the as-of date never changes a snapshot."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.snapshot.snapshot import read_history
from tests.data.histories import on_duckdb

DAY = date(2024, 3, 31)  # a day of 23 hours in Berlin
TABLES = {
    "customers": {"start": "start", "start_known_at": "known", "end": "end", "end_known_at": "end_known"},
    "contracts": {"valid_from": "time", "known_at": "known"},
    "plans": {"valid_from": "time", "known_at": "known"},
    "events": {"event_time": "time", "known_at": "known"},
    "linked": {
        "event_time": "time",
        "known_at": "known",
        "through": {"table": "contracts", "column": "text", "key": "key"},
    },
    "gone": {"event_time": "time", "known_at": "known"},
}
WITH_ENDS = {"start": "start", "start_known_at": "known", "ends": "gone"}
KEYS = ["a", "b", "c"]
LEVELS = ["x", "y"]
_TIME = pa.timestamp("us")
SCHEMAS = {
    "customers": pa.schema(
        [("customer", pa.string()), ("start", _TIME), ("known", _TIME), ("end", _TIME), ("end_known", _TIME)]
    ),
    "contracts": pa.schema([("customer", pa.string()), ("time", _TIME), ("known", _TIME), ("key", pa.string())]),
}
ROWS = pa.schema(
    [("customer", pa.string()), ("time", _TIME), ("known", _TIME), ("value", pa.float64()), ("text", pa.string())]
)
Row = dict[str, Any]
History = dict[str, list[Row]]

after = st.datetimes(datetime(2024, 4, 1), datetime(2024, 9, 1))
# Many times lie close to the end of the day, on both sides.
times = st.one_of(
    st.none(),
    st.datetimes(datetime(2023, 12, 1), datetime(2024, 9, 1)),
    st.integers(-2, 2).map(lambda seconds: datetime(2024, 4, 1) + timedelta(seconds=seconds)),
)
values = st.one_of(st.none(), st.sampled_from([0.0, -1.0, 0.1, 1e6]), st.floats(-1e9, 1e9))


def _row(name: str, time: st.SearchStrategy[Any], known: st.SearchStrategy[Any]) -> st.SearchStrategy[Row]:
    customer = st.sampled_from(KEYS)
    if name == "customers":
        ends = {"end": times, "end_known": times}
        return st.fixed_dictionaries({"customer": customer, "start": time, "known": known, **ends})
    if name == "contracts":
        return st.fixed_dictionaries(
            {"customer": customer, "time": time, "known": known, "key": st.sampled_from(LEVELS)}
        )
    return st.fixed_dictionaries(
        {"customer": customer, "time": time, "known": known, "value": values, "text": st.sampled_from([*LEVELS, None])}
    )


def rows(name: str) -> st.SearchStrategy[list[Row]]:
    """Rows of a table at any time."""
    return st.lists(_row(name, times, times), max_size=6)


def later_rows(name: str) -> st.SearchStrategy[list[Row]]:
    """Rows that happened, or became known, after the as-of date."""
    return st.lists(st.one_of(_row(name, after, times), _row(name, times, after)), max_size=4)


@st.composite
def features(draw: st.DrawFn) -> dict[str, Any]:
    """A computation over the random tables, with a random window and filter."""
    table = draw(st.sampled_from(["events", "linked"]))
    where = draw(st.sampled_from([{}, {"where": {"text": "x"}}]))
    days = draw(st.sampled_from([{}, {"days": 7}, {"days": 45}]))
    last = {"last": "plans.text", "levels": LEVELS, **where, **days}
    of_rows = [{"count": table}, {"since_last": table}]
    of_values = [{name: f"{table}.value"} for name in ("sum", "mean", "smallest", "largest", "distinct", "last")]
    ratio = {"ratio": {"sum": f"{table}.value", "days": [7, 45], **where}}
    ages = [{"age_of": name, "unit": "days"} for name in ("customers.start", "plans.time")]
    simple = [{**one, **where, **days} for one in of_rows + of_values]
    return draw(st.sampled_from([*simple, last, ratio, *ages]))


@st.composite
def contracts(draw: st.DrawFn) -> HistoryContract:
    declared = draw(st.lists(features(), min_size=1, max_size=3))
    label = draw(st.sampled_from([{"event": "customers.end"}, {"inactive": {"events": "events", "days": 60}}]))
    return HistoryContract.from_dict(
        {
            "name": "random",
            "customer": "customer",
            "time_zone": "Europe/Berlin",
            "tables": TABLES | draw(st.sampled_from([{}, {"customers": WITH_ENDS}])),
            "features": {f"f{place}": one for place, one in enumerate(declared)},
            "label": label,
        }
    )


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    contracts(),
    st.fixed_dictionaries({name: rows(name) for name in TABLES}),
    st.fixed_dictionaries({name: later_rows(name) for name in TABLES}),
    st.data(),
)
def test_later_rows_never_change_a_snapshot(
    contract: HistoryContract, history: History, later: History, data: st.DataObject
) -> None:
    # Rows added, deleted and, being deleted here and added there, changed.
    kept = {name: [row for row in held if not _is_later(row)] for name, held in history.items()}
    deleted = {name: [row for row in held if _is_later(row)] for name, held in history.items()}
    shuffled = {name: data.draw(st.permutations(kept[name] + later[name])) for name in TABLES}
    before = _snapshot(contract, {name: kept[name] + deleted[name] for name in TABLES})
    assert _snapshot(contract, shuffled) == before


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.fixed_dictionaries({name: rows(name) for name in TABLES}), st.lists(st.tuples(after, after), max_size=4))
def test_a_churn_date_that_is_recorded_later_never_changes_a_snapshot(
    history: History, ends: list[tuple[datetime, datetime]]
) -> None:
    contract = HistoryContract.from_dict(
        {
            "name": "ends",
            "customer": "customer",
            "tables": TABLES,
            "features": {"days": {"age_of": "customers.start", "unit": "days"}, "n": {"count": "linked"}},
            "label": {"event": "customers.end"},
        }
    )
    before = _snapshot(contract, history)
    open_rows = [row for row in history["customers"] if _is_open(row)]
    for row, (end, known) in zip(open_rows, ends, strict=False):
        row.update(end=end, end_known=known)
    assert _snapshot(contract, history) == before


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows("gone"), later_rows("gone"), st.lists(times, max_size=3))
def test_churn_dates_that_come_later_or_are_never_recorded_change_no_snapshot(
    ends: list[Row], later: list[Row], unknown: list[datetime | None]
) -> None:
    contract = HistoryContract.from_dict(
        {
            "name": "ends",
            "customer": "customer",
            "tables": TABLES | {"customers": WITH_ENDS},
            "features": {"days": {"age_of": "customers.start", "unit": "days"}},
            "label": {"event": "customers.end"},
        }
    )
    begun = datetime(2023, 12, 1)
    history = {"customers": [{"customer": key, "start": begun, "known": begun} for key in KEYS], "gone": ends}
    added = later + [{"customer": KEYS[0], "time": time, "known": None} for time in unknown]
    assert _snapshot(contract, history | {"gone": ends + added}) == _snapshot(contract, history)


def test_a_frozen_snapshot_replays_after_later_rows_arrived() -> None:
    contract = HistoryContract.from_dict(
        {
            "name": "replay",
            "customer": "customer",
            "tables": TABLES,
            "features": {
                "sum": {"sum": "events.value"},
                "mean": {"mean": "events.value", "days": 30},
                "last": {"last": "plans.text", "levels": LEVELS},
            },
        }
    )
    early = [_event(day, 0.1 * day) for day in range(80)]
    history = {
        "customers": [{"customer": "a", "start": datetime(2024, 1, 1), "known": datetime(2024, 1, 1)}],
        "plans": [_event(3, 1.0)],
        "events": early,
    }
    tables = on_duckdb(as_tables(history), contract)
    frozen = read_history(tables, contract, [DAY])
    connection = tables["events"].get_backend()
    for name in ("events", "plans"):
        connection.con.execute(f"INSERT INTO {name} VALUES ('a', '2024-03-01', '2024-04-02', 7.7, 'y')")
        connection.con.execute(f"INSERT INTO {name} VALUES ('a', '2024-04-01', '2024-03-01', 7.7, 'y')")
    connection.con.execute("UPDATE customers SET \"end\" = '2024-04-20', end_known = '2024-04-20'")
    assert repr(read_history(tables, contract, [DAY]).to_pylist()) == repr(frozen.to_pylist())
    assert frozen["sum"].to_pylist() == [316.0]


def _event(day: int, value: float) -> Row:
    time = datetime(2024, 1, 1) + timedelta(days=day)
    return {"customer": "a", "time": time, "known": time, "value": value, "text": "x"}


def _is_later(row: Row) -> bool:
    return any(row.get(name) and row[name] >= datetime(2024, 4, 1) for name in ("time", "start", "known"))


def _is_open(row: Row) -> bool:
    return not all(row[name] and row[name] < datetime(2024, 4, 1) for name in ("end", "end_known"))


def as_tables(history: History) -> dict[str, pa.Table]:
    return {name: pa.Table.from_pylist(history.get(name, []), SCHEMAS.get(name, ROWS)) for name in TABLES}


def _snapshot(contract: HistoryContract, history: History) -> str:
    """Everything that the snapshot holds, bit for bit."""
    tables = on_duckdb(as_tables(history), contract)
    found = repr(read_history(tables, contract, [DAY]).to_pylist())
    tables["events"].get_backend().disconnect()
    return found
