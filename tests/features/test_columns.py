"""A column means the same however it is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import Feature
from churn_mlops.features.cells import BadCellError, number_reader
from churn_mlops.features.columns import read_column

NUMBER = Feature(type="number", missing_values=("NA", "-"))
WORDS = (
    "NA na - --1 a é ' Yes no T true FALSE 1 0 -7 12.5 .5 5. 1.0 1e3 1E-2 1e400 +3 12,5 1_000 0x1F inf nan NaN \uff11"
)
PIECES = st.sampled_from(["", " ", "\t", "\u00a0", "1 2", '"', *WORDS.split(" ")])
TEXTS = st.none() | st.lists(PIECES, max_size=3).map("".join) | st.text(max_size=8)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=40))
def test_every_kind_of_column_reads_alike(texts: list[str | None]) -> None:
    def read(value: Any) -> float:
        try:
            return number_reader(NUMBER)(value, NUMBER)
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
