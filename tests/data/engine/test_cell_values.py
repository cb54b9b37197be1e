"""The meaning of a cell is the same in the engine and in the Python scorer."""

from __future__ import annotations

import math
from decimal import Decimal

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import Feature
from churn_mlops.data.engine.cell_values import read_cell
from churn_mlops.data.sources.database import memory_connection
from churn_mlops.features.cells import BadCellError, read_boolean, read_level, read_number

FEATURES = {
    "number": Feature(type="number", missing_values=("NA", "-1")),
    "boolean": Feature(type="boolean", missing_values=("NA", "no")),
    "category": Feature(
        type="category", levels=("a", "Fiber optic"), missing_values=("NA",), same={"a": ("b", "1", "T")}
    ),
}
READERS = {"number": read_number, "boolean": read_boolean, "category": read_level}
ODD = [
    "1",
    "0",
    " yes",
    "No ",
    "TRUE",
    "1.0",
    "0.00",
    "1e5",
    "-.5",
    "5.",
    "inf",
    "nan",
    "NA",
    " NA",
    "-1",
    "\xa03\u2003",
    "1_0",
    "0x1F",
    "\u0661",
]
ODD += ["1e400", "12,5", "a", " a", "Fiber optic", "3\n", "T", "", " ", "\x0b4", "1e-400", "-0"]
# U+001C to U+001F are blanks to str.strip but not to float: no one writes them, so they are left out.
TEXTS = st.one_of(
    st.none(),
    st.sampled_from(ODD),
    st.text(st.characters(exclude_characters="\x1c\x1d\x1e\x1f", exclude_categories=["Cs"]), max_size=6),
    st.floats().map(str),
    st.text("0123456789eE+-. ", max_size=5),
)
NUMBER_FORMATS = st.builds(
    lambda signs, around: Feature(
        type="number", decimal=signs[0], thousands=signs[1], around=tuple(around), missing_values=("NA", "-1")
    ),
    st.sampled_from([(".", None), (",", None), (".", ","), (",", "."), (",", " "), (".", " "), (".", "'"), (",", "'")]),
    st.lists(st.sampled_from(["$", "USD", "Rs.", "%", "GB", "per month", "e", "(x)|", "month", "months"]), unique=True),
)
WRITTEN = st.lists(
    st.sampled_from(
        [
            *"0019-+.,' \u00a0\u202f\u2019$%e",
            "234",
            "567",
            "1.234,50",
            "1,234.50",
            "12,34,567",
            "USD",
            "Rs.",
            "months",
            "GB",
        ]
    ),
    max_size=6,
).map("".join)
ENGINE = memory_connection()


def meaning(value: object, feature: Feature) -> tuple[object, bool]:
    try:
        found = READERS[feature.type](value, feature)
    except BadCellError:
        return None, True
    return (None if isinstance(found, float) and math.isnan(found) else found), False


def engine_meaning(column: pa.Array, feature: Feature) -> list[dict[str, object]]:
    table = ibis.memtable(pa.table({"x": column}))
    cell = read_cell(table.x, feature)
    rows = ENGINE.to_pyarrow(table.select(v=cell.value, b=cell.bad, m=cell.missing))
    return rows.to_pylist()


def agree(values: list[object], column: pa.Array, feature: Feature) -> None:
    for value, found in zip(values, engine_meaning(column, feature), strict=True):
        expected, bad = meaning(value, feature)
        assert (found["v"], found["b"], found["m"]) == (expected, bad, expected is None and not bad), (value, feature)


@pytest.mark.parametrize("kind", FEATURES)
@settings(max_examples=40, deadline=None)
@given(values=st.lists(TEXTS, min_size=1, max_size=30))
def test_a_text_means_the_same_in_both(kind: str, values: list[object]) -> None:
    agree(values, pa.array(values, pa.string()), FEATURES[kind])


@settings(max_examples=30, deadline=None)
@given(feature=NUMBER_FORMATS, values=st.lists(WRITTEN | TEXTS, min_size=1, max_size=30))
def test_a_number_as_people_write_it_means_the_same_in_both(feature: Feature, values: list[object]) -> None:
    agree(values, pa.array(values, pa.string()), feature)


@pytest.mark.parametrize(
    ("text", "declared", "number"),
    [
        ("1,234.50", {"thousands": ","}, 1234.5),
        ("1.234,50", {"decimal": ",", "thousands": "."}, 1234.5),
        ("1 234,50", {"decimal": ",", "thousands": " "}, 1234.5),
        ("1\u202f234\u202f567", {"thousands": " "}, 1234567.0),
        ("1'234", {"thousands": "'"}, 1234.0),
        ("12,34,567", {"thousands": ","}, 1234567.0),
        ("58,58", {"decimal": ","}, 58.58),
        ("-$1,200", {"thousands": ",", "around": ["$"]}, -1200.0),
        ("$ -1,200", {"thousands": ",", "around": ["$"]}, -1200.0),
        ("1200 USD", {"around": ["USD"]}, 1200.0),
        ("12%", {"around": ["%"]}, 12.0),
        ("12 months", {"around": ["month", "months"]}, 12.0),
        ("1234.5", {"thousands": ","}, 1234.5),
        ("1,23", {"thousands": ","}, None),
        ("1.234.5", {"thousands": ","}, None),
        ("800 MB", {"around": ["GB"]}, None),
        ("GB", {"around": ["GB"]}, None),
        ("+-5", {"thousands": ","}, None),
    ],
)
def test_numbers_are_read_as_they_are_declared(text: str, declared: dict[str, object], number: float | None) -> None:
    feature = Feature.model_validate({"type": "number", **declared})
    assert meaning(text, feature) == (number, number is None)
    agree([text], pa.array([text]), feature)


@pytest.mark.parametrize("kind", FEATURES)
@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.none() | st.floats() | st.integers(-3, 3).map(float), min_size=1, max_size=20))
def test_a_number_means_the_same_in_both(kind: str, values: list[object]) -> None:
    agree(values, pa.array(values, pa.float64()), FEATURES[kind])


CODED = [
    Feature(type="number", missing_values=("-99", "NA", "0.5")),
    Feature(type="number", missing_values=("-99,0", "1.000"), decimal=",", thousands="."),
    Feature(type="boolean", missing_values=("-99", "0")),
    Feature(type="category", levels=("1", "2", "2.5", "a"), missing_values=("-99", "NA")),
]
CENTS = [Decimal(text) for text in ("1.00", "2.50", "-99.00", "0.50", "1000.00", "-3.25", "0.00")]


@pytest.mark.parametrize("feature", CODED)
@pytest.mark.parametrize(
    "column",
    [
        pa.array([*CENTS, None], pa.decimal128(10, 2)),
        pa.array([Decimal("100"), Decimal("-99"), Decimal("2"), None], pa.decimal128(10, 0)),
        pa.array([Decimal("12345678901234567890.10"), Decimal("-99.00"), Decimal("100.00")], pa.decimal128(38, 2)),
        pa.array([-99, 0, 1, 2, 1000, None], pa.int32()),
        pa.array([-99.0, 0.0, 0.5, 2.5, 1000.0, None], pa.float64()),
        pa.array([True, False, None]),
        pa.array(["-99", "-99.0", " -99 ", "-99,0", "1.000", "1000", "0", "no", "N", "NA", "a", "2.50"]),
    ],
    ids=str,
)
def test_a_number_that_means_missing_is_the_same_in_both_whatever_the_column_holds(
    feature: Feature, column: pa.Array
) -> None:
    agree(column.to_pylist(), column, feature)


def test_a_decimal_is_the_level_that_the_float_is() -> None:
    category = CODED[3]
    found = engine_meaning(pa.array(CENTS, pa.decimal128(10, 2)), category)
    assert [row["v"] for row in found] == ["1", "2.5", None, "0.5", "1000", "-3.25", "0"]
    assert [read_level(float(value), category) for value in CENTS] == [row["v"] for row in found]


def test_a_declared_number_is_missing_but_a_flag_that_was_read_is_not() -> None:
    assert math.isnan(read_number(-99, CODED[0]))
    assert math.isnan(read_number("-99.0", CODED[0]))
    assert math.isnan(read_number(1000.0, CODED[1]))
    assert read_level(-99.0, CODED[3]) is None
    assert math.isnan(read_boolean("0", CODED[2]))
    assert read_boolean(0.0, CODED[2]) == 0.0
    assert math.isnan(read_boolean(-99, CODED[2]))


@pytest.mark.parametrize("kind", FEATURES)
def test_truth_and_whole_numbers_mean_the_same_in_both(kind: str) -> None:
    agree([True, False, None], pa.array([True, False, None]), FEATURES[kind])
    agree([0, 1, 7, -1, None], pa.array([0, 1, 7, -1, None], pa.int64()), FEATURES[kind])
