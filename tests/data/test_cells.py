"""What a cell means is the same in the engine and in the Python scorer."""

from __future__ import annotations

import math

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.cells import read_cell
from churn_mlops.data.contract import Feature
from churn_mlops.data.sources import memory_connection
from churn_mlops.features.cells import BadCellError, read_boolean, read_level, read_number

FEATURES = {
    "number": Feature(type="number", missing_values=("NA", "-1")),
    "boolean": Feature(type="boolean", missing_values=("NA", "no")),
    "category": Feature(type="category", levels=("a", "Fiber optic"), missing_values=("NA",)),
}
READERS = {"number": read_number, "boolean": read_boolean, "category": read_level}
ODD = [
    "1",
    "0",
    " yes",
    "No ",
    "TRUE",
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
# U+001C to U+001F are blanks to str.strip but not to float: nobody writes them, so they are left out.
TEXTS = st.one_of(
    st.none(),
    st.sampled_from(ODD),
    st.text(st.characters(exclude_characters="\x1c\x1d\x1e\x1f", exclude_categories=["Cs"]), max_size=6),
    st.floats().map(str),
    st.text("0123456789eE+-. ", max_size=5),
)
ENGINE = memory_connection()


def meaning(value: object, kind: str) -> tuple[object, bool]:
    try:
        found = READERS[kind](value, FEATURES[kind])
    except BadCellError:
        return None, True
    return (None if isinstance(found, float) and math.isnan(found) else found), False


def engine_meaning(column: pa.Array, kind: str) -> list[dict[str, object]]:
    table = ibis.memtable(pa.table({"x": column}))
    cell = read_cell(table.x, FEATURES[kind])
    rows = ENGINE.to_pyarrow(table.select(v=cell.value, b=cell.bad, m=cell.missing))
    return rows.to_pylist()


def agree(values: list[object], column: pa.Array, kind: str) -> None:
    for value, found in zip(values, engine_meaning(column, kind), strict=True):
        expected, bad = meaning(value, kind)
        assert (found["v"], found["b"], found["m"]) == (expected, bad, expected is None and not bad), (value, kind)


@pytest.mark.parametrize("kind", FEATURES)
@settings(max_examples=40, deadline=None)
@given(values=st.lists(TEXTS, min_size=1, max_size=30))
def test_a_text_means_the_same_in_both(kind: str, values: list[object]) -> None:
    agree(values, pa.array(values, pa.string()), kind)


@pytest.mark.parametrize("kind", FEATURES)
@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.none() | st.floats() | st.integers(-3, 3).map(float), min_size=1, max_size=20))
def test_a_number_means_the_same_in_both(kind: str, values: list[object]) -> None:
    agree(values, pa.array(values, pa.float64()), kind)


@pytest.mark.parametrize("kind", FEATURES)
def test_truth_and_whole_numbers_mean_the_same_in_both(kind: str) -> None:
    agree([True, False, None], pa.array([True, False, None]), kind)
    agree([0, 1, 7, -1, None], pa.array([0, 1, 7, -1, None], pa.int64()), kind)
