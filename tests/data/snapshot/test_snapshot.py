"""The content of a snapshot, on histories small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from churn_mlops.data.contract import AS_OF, CHURNED, LABEL, HistoryContract
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.snapshot.aggregate_functions import FUNCTIONS
from churn_mlops.data.snapshot.snapshot import read_history, snapshot
from tests.data.histories import on_duckdb
from tests.data.telecom import CONTRACT, telecom

DAY = date(2024, 5, 10)
Rows = list[tuple[Any, ...]]
TABLES = {
    "customers": {"start": "since", "end": "until", "end_known_at": "until_recorded"},
    "plans": {"valid_from": "valid_from", "known_at": "recorded"},
    "usage": {"event_time": "at", "known_at": "loaded"},
}
SCHEMAS = {
    "customers": pa.schema(
        [("id", pa.int32()), ("since", pa.date32()), ("until", pa.date32()), ("until_recorded", pa.date32())]
    ),
    "plans": pa.schema(
        [("id", pa.int32()), ("valid_from", pa.date32()), ("recorded", pa.date32()), ("plan", pa.string())]
    ),
    "usage": pa.schema(
        [("id", pa.int32()), ("at", pa.timestamp("us")), ("loaded", pa.timestamp("us")), ("n", pa.float64())]
    ),
}


def contract(features: Mapping[str, Any], **more: Any) -> HistoryContract:
    return HistoryContract.from_dict({"name": "t", "customer": "id", "tables": TABLES, "features": features, **more})


def rows_of(
    features: Mapping[str, Any],
    dates: tuple[date, ...] = (DAY,),
    *,
    customers: Rows | None = None,
    plans: Rows | None = None,
    usage: Rows | None = None,
    known_until: datetime | None = None,
    **more: Any,
) -> list[dict[str, Any]]:
    """The snapshot of customer 1, there since January, or of ``customers``; times are texts."""
    declared = contract(features, **more)
    held = {"customers": customers or [(1, "2024-01-01", None, None)], "plans": plans or [], "usage": usage or []}
    tables = {name: _arrow(rows, SCHEMAS[name]) for name, rows in held.items()}
    found = read_history(
        on_duckdb(tables, declared), declared, dates, known_until=known_until, label=declared.label is not None
    )
    return found.to_pylist()


def _arrow(rows: Rows, schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else [[] for _ in schema]
    return pa.table([_column(list(cells), field.type) for cells, field in zip(columns, schema, strict=True)], schema)


def _column(cells: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_date(kind):
        return pa.array([cell and date.fromisoformat(cell) for cell in cells], kind)
    return pa.array(
        [cell and datetime.fromisoformat(cell) for cell in cells] if pa.types.is_timestamp(kind) else cells, kind
    )


def value(computation: Mapping[str, Any], **rows: Any) -> Any:
    (row,) = rows_of({"x": computation}, **rows)
    return row["x"]


def event(at: str, n: float | None = 1.0, loaded: str | None = "") -> tuple[Any, ...]:
    return (1, at, at if loaded == "" else loaded, n)


USAGE = [
    event("2024-05-10 23:59:59", 4.0),
    event("2024-05-04", 0.1),
    event("2024-05-03 23:59", 0.2),
    event("2024-01-05", None),
]


COMPUTATIONS: list[tuple[dict[str, Any], float]] = [
    ({"count": "usage"}, 4.0),
    ({"count": "usage", "days": 7}, 2.0),
    ({"count": "usage", "days": 8}, 3.0),
    ({"sum": "usage.n"}, 4.3),
    ({"sum": "usage.n", "days": 7}, 4.1),
    ({"mean": "usage.n", "days": 7}, 2.05),
    ({"smallest": "usage.n"}, 0.1),
    ({"largest": "usage.n"}, 4.0),
    ({"distinct": "usage.n"}, 3.0),
    ({"last": "usage.n"}, 4.0),
    ({"since_last": "usage"}, 0.0),
    ({"since_last": "usage", "where": {"n": [0.1]}}, 6.0),
    ({"count": "usage", "where": {"n": [4, 0.1]}}, 2.0),
    ({"ratio": {"sum": "usage.n", "days": [7, 14]}}, (4.1 / 7) / (4.3 / 14)),
    ({"ratio": {"count": "usage", "days": [1, 10]}}, 1 / (3 / 10)),
    ({"age_of": "customers.since", "unit": "days"}, 130.0),
    ({"age_of": "customers.start", "unit": "weeks"}, 130 / 7),
]


@pytest.mark.parametrize(("computation", "expected"), COMPUTATIONS)
def test_each_computation_takes_whole_days_up_to_the_as_of_date(computation: dict[str, Any], expected: float) -> None:
    assert value(computation, usage=USAGE) == expected


def test_the_computations_above_are_all_that_there_are() -> None:
    tested = {aggregate for computation, _ in COMPUTATIONS for aggregate in FUNCTIONS if aggregate in computation}
    assert tested == set(FUNCTIONS)


@pytest.mark.parametrize(
    ("computation", "expected"),
    [
        ({"count": "usage"}, 0.0),
        ({"sum": "usage.n"}, 0.0),
        ({"distinct": "usage.n"}, 0.0),
        ({"mean": "usage.n"}, None),
        ({"smallest": "usage.n"}, None),
        ({"last": "usage.n"}, None),
        ({"since_last": "usage"}, None),
        ({"ratio": {"sum": "usage.n", "days": [7, 30]}}, None),
        ({"last": "plans.plan", "levels": ["a"]}, None),
    ],
)
def test_without_rows_there_is_nothing_to_count_and_no_value(
    computation: dict[str, Any], expected: float | None
) -> None:
    assert value(computation) == expected
    assert value(computation, usage=[(2, "2024-05-01", "2024-05-01", 1.0)]) == expected


def test_numbers_that_are_not_finite_or_beyond_measure_count_as_missing() -> None:
    usage = [event("2024-05-01", n) for n in (float("nan"), float("inf"), -float("inf"), 2e15, 1e15, -1.0)]
    assert value({"sum": "usage.n"}, usage=usage) == 1e15 - 1
    assert value({"mean": "usage.n"}, usage=usage) == (1e15 - 1) / 2
    assert value({"smallest": "usage.n"}, usage=usage) == -1.0
    assert value({"largest": "usage.n"}, usage=usage) == 2e15


def test_sums_of_money_are_exact() -> None:
    usage = [event("2024-05-01", 19.99), event("2024-05-01", 0.01), *[event("2024-05-02", 0.1)] * 10]
    assert value({"sum": "usage.n"}, usage=usage) == 21.0


def test_a_row_counts_only_if_it_had_happened_and_was_known() -> None:
    late = [
        event("2024-05-01", 5.0, "2024-05-11"),
        event("2024-05-12", 6.0, "2024-05-01"),
        event("2024-05-02", 7.0, None),
    ]
    assert value({"sum": "usage.n"}, usage=[event("2024-04-01", 2.0), *late]) == 2.0


def test_a_time_of_day_cuts_the_current_day() -> None:
    usage = [event("2024-05-10 06:00"), event("2024-05-10 06:01"), event("2024-05-10", 1.0, "2024-05-10 07:00")]
    counted = {"count": "usage"}
    assert value(counted, usage=usage, known_until=datetime(2024, 5, 10, 6)) == 1.0
    at_six_in_berlin = datetime(2024, 5, 10, 4, tzinfo=UTC)
    assert value(counted, usage=usage, known_until=at_six_in_berlin, time_zone="Europe/Berlin") == 1.0
    assert value(counted, usage=usage, known_until=datetime(2024, 5, 12)) == 3.0


def test_the_last_row_is_the_one_of_the_latest_time_then_the_one_known_last() -> None:
    last = {"last": "plans.plan", "levels": ["a", "b", "c"]}
    plans = [
        (1, "2024-02-01", "2024-02-01", "a"),
        (1, "2024-03-01", "2024-03-05", "b"),
        (1, "2024-03-01", "2024-03-02", "c"),
    ]
    assert value(last, plans=plans) == "b"
    assert value(last, plans=plans[::-1]) == "b"
    assert value(last, plans=plans, dates=(date(2024, 3, 2),)) == "c"
    assert value({**last, "where": {"plan": "a"}}, plans=plans) == "a"
    assert value({**last, "days": 60}, plans=plans) is None
    assert value(last, plans=[*plans, (1, "2024-04-01", "2024-04-01", None)]) is None


def test_the_last_of_rows_with_equal_times_is_the_one_of_the_largest_value() -> None:
    plans = [(1, "2024-02-01", "2024-02-01", plan) for plan in ("b", None, "c", "a")]
    last = {"last": "plans.plan", "levels": ["a", "b", "c"]}
    assert value(last, plans=plans) == value(last, plans=plans[::-1]) == "c"


def test_a_customer_is_active_until_their_churn_date_is_known() -> None:
    customers = [
        (1, "2024-01-01", "2024-05-10", "2024-05-10"),
        (2, "2024-01-01", "2024-05-09", "2024-05-11"),
        (3, "2024-01-01", "2024-05-11", "2024-05-01"),
        (4, "2024-05-10", None, None),
        (5, "2024-05-11", None, None),
        (6, "2024-01-01", "2024-02-01", None),
        (7, None, None, None),
    ]
    assert [row["id"] for row in rows_of({"n": {"count": "usage"}}, customers=customers)] == ["2", "3", "4", "6"]


def test_a_customer_who_came_back_is_one_customer_from_their_first_start_on() -> None:
    spells = [(1, "2024-01-01", "2024-02-01", "2024-02-01"), (1, "2024-04-01", None, None)]
    days = {"days": {"age_of": "customers.start", "unit": "days"}}
    dates = (date(2024, 1, 31), date(2024, 3, 1), DAY)
    found = rows_of(days, dates, customers=spells)
    assert [(row[AS_OF], row["days"]) for row in found] == [(dates[0], 30.0), (dates[2], 130.0)]


BY_END = {"event": "customers.end", "horizon_days": 30, "lead_days": 5}


@pytest.mark.parametrize(
    ("spells", "expected"),
    [
        ([("2024-01-01", None)], "no"),
        ([("2024-01-01", "2024-05-15")], None),
        ([("2024-01-01", "2024-05-16")], "yes"),
        ([("2024-01-01", "2024-06-14")], "yes"),
        ([("2024-01-01", "2024-06-15")], "no"),
        ([("2024-01-01", "2024-05-20"), ("2024-06-01", None)], "no"),
        ([("2024-01-01", "2024-05-20"), ("2025-01-01", None)], "yes"),
    ],
)
def test_the_label_looks_at_the_days_after_the_lead(spells: list[tuple[str, str | None]], expected: str | None) -> None:
    customers = [(1, start, end, "2025-12-01" if end else None) for start, end in spells]
    (row,) = rows_of({"n": {"count": "usage"}}, customers=customers, label=BY_END)
    assert row[CHURNED] == expected


@pytest.mark.parametrize(("count_as", "expected"), [("unknown", None), ("left", "yes"), ("stayed", "no")])
def test_a_customer_who_did_not_choose_to_leave_has_a_label_of_their_own(count_as: str, expected: str | None) -> None:
    left = [(number, "2024-01-01", "2024-05-20", "2024-05-2" + str(number)) for number in (1, 2)]
    label = {**BY_END, "involuntary": {"column": "until_recorded", "values": ["2024-05-21"], "count_as": count_as}}
    found = rows_of({"n": {"count": "usage"}}, customers=left, label=label)
    assert [row[CHURNED] for row in found] == [expected, "yes"]


def test_by_inactivity_only_customers_with_recent_events_are_active() -> None:
    usage = [(number, day, day, 1.0) for number, days in SEEN.items() for day in days]
    customers = [(number, "2024-01-01", None, None) for number in SEEN]
    label = {"inactive": {"events": "usage", "days": 30}, "lead_days": 2}
    found = rows_of({"n": {"count": "usage"}}, customers=customers, usage=usage, label=label)
    assert [(row["id"], row[CHURNED]) for row in found] == [("1", "yes"), ("2", "no"), ("3", "yes"), ("4", "no")]


SEEN = {
    1: ["2024-05-01"],
    2: ["2024-05-01", "2024-06-11"],
    3: ["2024-04-11", "2024-05-12", "2024-06-12"],
    4: ["2024-05-10", "2024-05-13"],
    5: ["2024-04-10", "2024-05-20"],
}


def test_a_table_of_purchases_is_a_table_of_customers() -> None:
    declared = HistoryContract.from_dict(
        {
            "name": "shop",
            "customer": "buyer",
            "tables": {"buyers": {"table": "purchases", "start": "at"}, "purchases": {"event_time": "at"}},
            "features": {"spent": {"sum": "purchases.price"}, "age": {"age_of": "buyers.start", "unit": "days"}},
            "label": {"inactive": {"events": "purchases", "days": 90}},
        }
    )
    purchases = pa.table(
        {
            "buyer": ["a", "a", "b", ""],
            "at": ["2024-01-01", "2024-04-01 10:00", "2024-05-01T12:00:00Z", "2024-05-01"],
            "price": pa.array([Decimal("0.10"), Decimal("0.20"), None, Decimal("9")], pa.decimal128(9, 2)),
        }
    )
    found = read_history(on_duckdb({"purchases": purchases}, declared), declared, [DAY])
    assert found.to_pylist() == [
        {"buyer": "a", AS_OF: DAY, "spent": 0.3, "age": 130.0},
        {"buyer": "b", AS_OF: DAY, "spent": 0.0, "age": 9.0},
    ]


def test_one_customers_row_is_that_of_the_full_snapshot() -> None:
    tables = on_duckdb(telecom(25, seed=1), CONTRACT)
    dates = [date(2024, 3, 30)]
    complete = read_history(tables, CONTRACT, dates, label=True)
    for name in complete["customer_id"].unique().to_pylist()[:2]:
        alone = read_history(tables, CONTRACT, dates, customer=name, label=True)
        assert repr(alone.to_pylist()) == repr(complete.filter(pc.field("customer_id") == name).to_pylist())


def test_many_dates_are_read_as_each_date_alone() -> None:
    tables = on_duckdb(telecom(60, seed=1), CONTRACT)
    dates = [date(2024, 2, 29), date(2024, 3, 30), date(2024, 4, 10)]
    noon = datetime(2024, 4, 10, 12, tzinfo=UTC)
    alone = [read_history(tables, CONTRACT, [day], known_until=noon, label=True) for day in dates]
    assert read_history(tables, CONTRACT, dates, known_until=noon, label=True).equals(pa.concat_tables(alone))


def test_a_customer_whose_id_is_a_number_is_found_by_its_text() -> None:
    declared = contract({"n": {"count": "usage"}})
    rows = {"customers": [(7, "2024-01-01", None, None)], "plans": [], "usage": [(7, "2024-05-01", "2024-05-01", 1.0)]}
    tables = on_duckdb({name: _arrow(rows[name], SCHEMAS[name]) for name in rows}, declared)
    assert read_history(tables, declared, [DAY], customer="7").to_pylist() == [{"id": "7", AS_OF: DAY, "n": 1.0}]
    for other in ("07", "7.0", "seven", "", "7 "):
        assert read_history(tables, declared, [DAY], customer=other).num_rows == 0


def test_the_flat_contract_reads_a_snapshot() -> None:
    rows = snapshot(on_duckdb(telecom(60, seed=1), CONTRACT), CONTRACT, [date(2024, 3, 30)], label=True)
    read = read_snapshot(rows, CONTRACT.flat(), label="known")
    assert read.column_names == ["customer_id", LABEL, *CONTRACT.features]
    assert set(read[LABEL].to_pylist()) == {0, 1}


def test_a_snapshot_needs_a_date_and_a_label_that_is_declared() -> None:
    declared = contract({"n": {"count": "usage"}})
    tables = on_duckdb({name: _arrow([], schema) for name, schema in SCHEMAS.items()}, declared)
    with pytest.raises(ValueError, match="needs an as-of date"):
        snapshot(tables, declared, [])
    with pytest.raises(ValueError, match="declares no label"):
        snapshot(tables, declared, [DAY], label=True)


def test_rows_of_a_link_that_moved_count_for_both_customers_once_the_new_one_is_known() -> None:
    declared = HistoryContract.from_dict(
        {
            "name": "moved",
            "customer": "id",
            "tables": {
                "customers": {"start": "since"},
                "accounts": {"valid_from": "since"},
                "payments": {
                    "event_time": "day",
                    "through": {"table": "accounts", "column": "account", "key": "account"},
                },
            },
            "features": {"n": {"count": "payments"}},
        }
    )
    begun, moved = date(2024, 1, 1), date(2024, 4, 1)
    tables = {
        "customers": pa.table({"id": ["A", "B"], "since": [begun, begun]}),
        "accounts": pa.table({"account": ["x", "x"], "id": ["A", "B"], "since": [begun, moved]}),
        "payments": pa.table({"account": ["x"], "day": [date(2024, 2, 1)]}),
    }
    found = read_history(on_duckdb(tables, declared), declared, [date(2024, 3, 31), moved])
    assert found["n"].to_pylist() == [1.0, 0.0, 1.0, 1.0]
