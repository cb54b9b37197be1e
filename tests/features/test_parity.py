"""A cell means the same to the engine that reads a file and to the Python that reads a request."""

from __future__ import annotations

import math
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.cells import read_cell
from churn_mlops.data.contract import Feature
from churn_mlops.features.cells import BadCellError, number_reader, read_level
from churn_mlops.features.columns import read_column

FEATURES = {
    "number": Feature(type="number", missing_values=("NA", "-")),
    "boolean": Feature(type="boolean", missing_values=("NA", "-")),
    "category": Feature(type="category", levels=("a", "Yes", "1", "true"), missing_values=("NA", "-")),
}
WORDS = (
    "NA na - --1 a é ' Yes no T true FALSE 1 0 -7 12.5 .5 5. 1.0 1e3 1E-2 1e400 +3 12,5 1_000 0x1F inf nan NaN \uff11"
)
PIECES = st.sampled_from(["", " ", "\t", "\u00a0", "1 2", '"', *WORDS.split(" ")])
TEXTS = st.none() | st.lists(PIECES, max_size=3).map("".join) | st.text(max_size=8)


def python_reading(kind: str, value: Any) -> Any:
    """What Python reads: a number, a level, None for missing, "bad"."""
    feature = FEATURES[kind]
    try:
        if kind == "category":
            return read_level(value, feature)
        number = number_reader(feature)(value, feature)
        return None if math.isnan(number) else number
    except BadCellError:
        return "bad"


def engine_readings(kind: str, cells: pa.Array) -> list[Any]:
    """The same from the engine."""
    table = ibis.memtable(pa.table({"place": range(len(cells)), "cell": cells}))
    read = read_cell(table.cell, FEATURES[kind])
    rows = table.select(table.place, value=read.value, bad=read.bad).order_by("place").to_pyarrow().to_pylist()
    return ["bad" if row["bad"] else row["value"] for row in rows]


@pytest.mark.parametrize("kind", FEATURES)
@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=60))
def test_text_means_the_same(kind: str, texts: list[str | None]) -> None:
    texts = [None if text is None else text.replace("\x00", "") for text in texts]
    assert engine_readings(kind, pa.array(texts, pa.string())) == [python_reading(kind, text) for text in texts]


@pytest.mark.parametrize("kind", FEATURES)
@settings(max_examples=25, deadline=None)
@given(st.lists(st.none() | st.floats(width=64) | st.integers(-9, 9).map(float), min_size=1, max_size=60))
def test_numbers_mean_the_same(kind: str, numbers: list[float | None]) -> None:
    expected = [python_reading(kind, number) for number in numbers]
    if kind == "category":
        kept = [number is None or not math.isfinite(number) or number.is_integer() for number in numbers]
        found = engine_readings(kind, pa.array(numbers, pa.float64()))
        assert [a for a, keep in zip(found, kept, strict=True) if keep and a not in ("inf", "-inf")] == [
            b for b, keep in zip(expected, kept, strict=True) if keep and b not in ("inf", "-inf")
        ]
    else:
        assert engine_readings(kind, pa.array(numbers, pa.float64())) == expected


@pytest.mark.parametrize("kind", FEATURES)
def test_truth_values_and_whole_numbers_mean_the_same(kind: str) -> None:
    for cells in (pa.array([True, False, None]), pa.array([0, 1, None, 7], pa.int32())):
        assert engine_readings(kind, cells) == [python_reading(kind, cell) for cell in cells.to_pylist()]


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_every_kind_of_column_reads_alike(texts: list[str | None]) -> None:
    feature = FEATURES["number"]

    def read(value: Any) -> float:
        try:
            return number_reader(feature)(value, feature)
        except BadCellError:
            return -1.0

    expected = np.array([read(text) for text in texts])
    array = pa.array(texts, pa.string())
    for column in (
        texts,
        np.array(texts, dtype=object),
        array,
        pa.chunked_array([array, array[:0]]),
        array.dictionary_encode(),
    ):
        np.testing.assert_array_equal(read_column(column, read, True, len(texts)), expected)
